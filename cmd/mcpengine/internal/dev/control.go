package dev

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// controlPath is the beginning of the paths that mcpengine dev answers itself. The
// server never sees requests for them.
const (
	controlPath = "/.mcpengine"
	alivePath   = controlPath + "/alive"
	tokenPath   = controlPath + "/token"
	issuerPath  = controlPath + "/issuer"
)

// control answers programs that know the id of the address.
func control(a address, i *issuer, closing <-chan struct{}, mux *http.ServeMux) {
	mine := func(w http.ResponseWriter, r *http.Request) bool {
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(given), []byte(a.proof("client"))) == 1 {
			return true
		}
		http.Error(w, "this is for programs that may read the folder", http.StatusForbidden)
		return false
	}
	mux.HandleFunc("GET "+alivePath, func(w http.ResponseWriter, r *http.Request) {
		if !mine(w, r) {
			return
		}
		_, _ = io.WriteString(w, a.proof("server")+"\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-closing:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("GET "+tokenPath, func(w http.ResponseWriter, r *http.Request) {
		if !mine(w, r) {
			return
		}
		if i == nil {
			http.Error(w, "no identity was given: start mcpengine dev with --auth-as NAME", http.StatusNotFound)
			return
		}
		token, err := i.token(r.URL.Query().Get("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, token+"\n")
	})
}

// ask sends a request for a control path to the program at an address.
func (a address) ask(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	u, err := url.Parse(a.URL)
	if err != nil {
		return nil, err
	}
	u.Path, u.RawQuery = path, query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+a.proof("client"))
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
}

// alive connects to the program at an address. Reading the connection ends when the
// program does.
func (a address) alive(ctx context.Context) (io.ReadCloser, error) {
	resp, err := a.ask(ctx, alivePath, nil)
	if err != nil {
		return nil, err
	}
	proof := make([]byte, len(a.proof("server"))+1)
	if _, err := io.ReadFull(resp.Body, proof); err != nil || strings.TrimSpace(string(proof)) != a.proof("server") {
		resp.Body.Close()
		return nil, errors.New("another program listens at the address")
	}
	return resp.Body, nil
}

// tokenOf returns a token of an identity of the program at an address. The program
// has to be known to be the right one.
func (a address) tokenOf(ctx context.Context, name string) (string, error) {
	resp, err := a.ask(ctx, tokenPath, url.Values{"name": {name}})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxStateFile))
	switch {
	case err != nil:
		return "", err
	case resp.StatusCode != http.StatusOK:
		return "", errors.New(strings.TrimSpace(string(text)))
	}
	return strings.TrimSpace(string(text)), nil
}

// Token returns a token of an identity of the server that is developed in a folder.
func Token(ctx context.Context, dir, name string) (string, error) {
	a, err := readAddress(dir)
	if err != nil {
		return "", notRunning(dir)
	}
	probe, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	alive, err := a.alive(probe)
	if err != nil {
		return "", notRunning(dir)
	}
	defer alive.Close()
	return a.tokenOf(probe, name)
}

func notRunning(dir string) error {
	return &Error{Text: fmt.Sprintf("mcpengine dev is not running in %s", dir), Advice: "start it there: mcpengine dev"}
}
