package inspector

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// An apiError is an answer with a status and a sentence for the person at the page.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

func refuse(status int, format string, args ...any) error {
	return &apiError{status, fmt.Sprintf(format, args...)}
}

// handler serves the page and its API.
func (i *Inspector) handler() http.Handler {
	api := i.routes()
	page := i.files()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.setHeaders(w.Header())
		if err := i.local(r); err != nil {
			writeError(w, err)
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			page.ServeHTTP(w, r)
			return
		}
		if err := i.admit(r); err != nil {
			writeError(w, err)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// setHeaders sets the fields of every answer. The page loads nothing from
// elsewhere, no other page may frame it or read an answer, and its address, which
// has the token at first, is told to nobody.
func (i *Inspector) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "+
		"media-src data: blob:; connect-src 'self'; frame-src "+i.sandboxOrigin()+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// local refuses requests that the page did not send. A name that resolves to this
// machine (DNS rebinding) shows in Host, and the page of another site in Origin or
// Sec-Fetch-Site.
func (i *Inspector) local(r *http.Request) error {
	if r.Host != i.page.Addr().String() {
		return refuse(http.StatusMisdirectedRequest, "open the page at the address that mcpengine has printed")
	}
	if origins := r.Header["Origin"]; len(origins) > 1 || len(origins) == 1 && origins[0] != i.origin() {
		return refuse(http.StatusForbidden, "a page of another origin has sent the request")
	}
	return nil
}

// admit refuses requests for data that lack the token, or that a form of another
// page could have sent.
func (i *Inspector) admit(r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return refuse(http.StatusForbidden, "a page of another site has sent the request")
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	// Digests have one length, whatever was sent.
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(i.token))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !bearer || len(r.Header["Authorization"]) != 1 {
		return refuse(http.StatusUnauthorized, "the token is missing or of an earlier run: open the page at the address that mcpengine has printed")
	}
	if r.Method != http.MethodPost {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "send application/json")
	}
	return nil
}

// Bounds of the body of a request: of one that calls the server, which may carry a
// file, and of the others.
const (
	maxCallBody = 16 << 20
	maxBody     = 1 << 20
)

// decode reads the body of a request.
func decode[T any](w http.ResponseWriter, r *http.Request, limit int64) (T, error) {
	var value T
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&value)
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return value, refuse(http.StatusRequestEntityTooLarge, "the request has more than %d bytes", limit)
	}
	if err == nil && decoder.More() {
		err = errors.New("there is more after the object")
	}
	if err != nil {
		return value, refuse(http.StatusBadRequest, "read the request: %v", err)
	}
	return value, nil
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the page has gone
}

func writeError(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway // the server's fault
	if own, ok := errors.AsType[*apiError](err); ok {
		status = own.status
	}
	writeJSON(w, status, map[string]string{"error": err.Error()})
}
