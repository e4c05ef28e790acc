package oauth

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// callbackPath is where a browser comes back to. A client that registers itself
// has a path of its own for each issuer, so that the answer of one is not taken
// for another's (RFC 9700, section 4.4.2.2).
func (f *flow) callbackPath() string {
	if r := f.registration(); r == preregistered || r == byDocument {
		return "/callback"
	}
	sum := sha256.Sum256([]byte(weburl.CanonicalIssuer(f.server.Issuer)))
	return "/callback/" + hex.EncodeToString(sum[:8])
}

// page is the HTML of every page, with placeholders for title, text and class.
//
//go:embed page.html
var page string

// A listener waits on this machine for a browser to come back, once.
type listener struct {
	uri, host, path string
	net             net.Listener
}

// listen listens where the client was registered to be redirected to, because
// many servers compare the port although they should not (RFC 8252, section
// 7.3), or else at a free port.
func (f *flow) listen(ctx context.Context, redirectURI string) (*listener, error) {
	address, path := "127.0.0.1:0", f.callbackPath()
	var known credentials
	switch {
	case redirectURI != "":
		u, err := parseEndpoint(redirectURI)
		if err != nil || u.Scheme != "http" || u.Port() == "" || u.RawQuery != "" {
			return nil, errors.New("redirect URI: not an http URL of this machine with a port")
		}
		address, path = u.Host, u.Path
	default:
		if _, err := load(ctx, f.config.Store, clientKey(f.server.Issuer, f.config.Name), &known); err != nil {
			return nil, err
		}
		if u, err := url.Parse(known.RedirectURI); err == nil && u.Host != "" {
			address = u.Host
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil && redirectURI == "" {
		l, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen for the browser: %w", err)
	}
	host := l.Addr().String()
	uri := redirectURI
	if uri == "" {
		uri = "http://" + host + path
	} else {
		host = address
	}
	return &listener{uri: uri, host: host, path: path, net: l}, nil
}

func (l *listener) close() { _ = l.net.Close() } // it was listening, and no more

// visit shows the authorization page and waits for the answer. Other
// requests, such as from a page that guesses the port, change nothing.
func (l *listener) visit(ctx context.Context, g AuthorizationCode, target string, a *attempt) (string, error) {
	answered := make(chan string, 1)
	server := &http.Server{
		Handler:           l.handler(a, func(callback string) { answered <- callback }),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
	server.SetKeepAlivesEnabled(false)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l.net) })
	defer serving.Wait()
	defer func() {
		// The page is on its way to the browser.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}()

	open := g.Open
	if open == nil {
		open = OpenBrowser
	}
	if err := open(ctx, target); err != nil {
		return "", fmt.Errorf("open the browser: %w", err)
	}
	select {
	case callback := <-answered:
		return callback, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// handler answers the browser. A request under another name is a page's that has
// its name point here (DNS rebinding).
func (l *listener) handler(a *attempt, answer func(callback string)) http.Handler {
	var once sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case r.Host != l.host:
			showPage(w, http.StatusMisdirectedRequest, "This page is not for you", "The request was made under another name.")
		case r.URL.Path != l.path:
			showPage(w, http.StatusNotFound, "There is nothing here", "")
		case r.Method != http.MethodGet:
			showPage(w, http.StatusMethodNotAllowed, "There is nothing to send here", "")
		case !a.mine(q):
			showPage(w, http.StatusBadRequest, "This is another sign-in", "Go back to the program that you started from, and try again.")
		default:
			first := false
			once.Do(func() { first = true })
			if !first {
				showPage(w, http.StatusGone, "This sign-in is over", "")
				return
			}
			if _, err := a.code(q); err != nil {
				showPage(w, http.StatusBadRequest, "You are not signed in", err.Error())
			} else {
				showPage(w, http.StatusOK, "You are signed in", "You can close this page and return to the program that you started from.")
			}
			answer(r.URL.String())
		}
	})
}

// showPage shows what a program says. Title and text are not HTML: they may hold
// what a server has sent. The page is filled in by hand because html/template
// would double the size of every program that signs in: the linker keeps each
// exported method where a template may look one up.
func showPage(w http.ResponseWriter, status int, title, text string) {
	class := "failed"
	if status == http.StatusOK {
		class = "ok"
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the URL holds the code
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fill := strings.NewReplacer("{{title}}", html.EscapeString(title), "{{text}}", html.EscapeString(text), "{{class}}", class)
	_, _ = fill.WriteString(w, page) // the browser has gone, and nobody is left to tell
}
