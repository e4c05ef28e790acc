package bridge_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// A fake is a server of one version whose answers are written by hand.
type fake struct {
	url     string
	version string

	mu       sync.Mutex
	results  map[string]string
	handlers map[string]http.HandlerFunc
	received map[string][]string
	session  string
	deleted  int // sessions that the client has ended
}

func newFake(t *testing.T, version string) *fake {
	t.Helper()
	f := fakeOf(version)
	f.url = serve(t, f)
	return f
}

func fakeOf(version string) *fake {
	f := &fake{version: version, results: map[string]string{}, handlers: map[string]http.HandlerFunc{}, received: map[string][]string{}, session: "s1"}
	f.answer("server/discover", `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}`)
	f.answer("initialize", `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"fake","version":"1"}}`)
	return f
}

// answer makes the result of a method.
func (f *fake) answer(method, result string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.results[method] = result
}

// handle sets the handler of a method. Nil removes it.
func (f *fake) handle(method string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[method] = h
}

// last returns the last request for the method.
func (f *fake) last(method string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.received[method]); n > 0 {
		return f.received[method][n-1]
	}
	return ""
}

func (f *fake) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.received[method])
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var m message
	_ = json.Unmarshal(body, &m)
	f.mu.Lock()
	f.received[m.Method] = append(f.received[m.Method], string(body))
	h, result, known := f.handlers[m.Method], f.results[m.Method], f.results[m.Method] != ""
	session := f.session
	if r.Method == http.MethodDelete && r.Header.Get("Mcp-Session-Id") == session {
		f.deleted++
	}
	f.mu.Unlock()
	unsupported := f.version == latest && m.Method == "initialize" || f.version != latest && m.Method == "server/discover"
	switch {
	case h != nil:
		r.Header.Set("Test-Id", string(m.ID))
		h(w, r)
	case r.Method != http.MethodPost || unsupported || f.version != latest && r.Header.Get("Mcp-Method") != "":
		w.WriteHeader(http.StatusMethodNotAllowed)
	case f.version != latest && m.Method != "initialize" && r.Header.Get("Mcp-Session-Id") != session:
		w.WriteHeader(http.StatusNotFound)
	case m.ID == nil:
		w.WriteHeader(http.StatusAccepted)
	case !known:
		reply(w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}`, m.ID))
	default:
		if m.Method == "initialize" {
			w.Header().Set("Mcp-Session-Id", session)
		}
		reply(w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, result))
	}
}

func reply(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, message)
}

// within waits until something has happened.
func within(t *testing.T, happened <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(patience):
		t.Fatalf("it did not happen that %s", what)
	}
}

// drain ends the bridge and returns all that the host has not read yet.
func drain(h *host) func(yield func(message) bool) {
	return func(yield func(message) bool) {
		h.in.Close()
		for _, m := range h.seen {
			if !yield(m) {
				return
			}
		}
		for m := range h.received {
			if !yield(m) {
				return
			}
		}
	}
}
