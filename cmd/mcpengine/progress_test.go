package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Progress is asked for where nobody sees it too: without it a call that reports
// would be taken for a silent one.
func TestProgressIsAskedFor(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sent bytes.Buffer
	e := newFixture()
	t.Cleanup(e.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		sent.Write(body)
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		e.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	for _, args := range [][]string{{"call", server.URL, "fail"}, {"read", server.URL, "note://static"}, {"prompt", server.URL, "pack", "city=Tokyo"}} {
		sent.Reset()
		call(t.Context(), "", args...)
		if mu.Lock(); !bytes.Contains(sent.Bytes(), []byte(`"progressToken"`)) {
			t.Errorf("%s sends %s", args[0], &sent)
		}
		mu.Unlock()
	}
}
