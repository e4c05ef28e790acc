package peer_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// The limit of a body counts its decompressed bytes.
func TestCompressedBody(t *testing.T) { //nolint:paralleltest // it measures memory
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 1 << 10 {
		if _, err := z.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	for _, status := range []int{200, 500} {
		for _, kind := range []string{"application/json", "text/event-stream"} {
			url := serve(t, stateless(func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Type", kind)
				w.WriteHeader(status)
				_, _ = w.Write(bomb.Bytes())
			}))
			c, err := peer.Dial(t.Context(), url, peer.Config{MaxMessage: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = c.Call(t.Context(), peer.Call{Method: "tools/call"})
			runtime.ReadMemStats(&after)
			if spent := after.TotalAlloc - before.TotalAlloc; err == nil || spent > 32<<20 {
				t.Errorf("%d %s: %v and %d bytes for 64 MiB", status, kind, err, spent)
			}
			c.Close()
		}
	}
}

// A large Content-Length alone does not make the client allocate memory.
func TestPromisedBody(t *testing.T) { //nolint:paralleltest // it measures memory
	url := serve(t, stateless(func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(1<<30))
		_, _ = io.WriteString(w, "{")
		panic(http.ErrAbortHandler)
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{MaxMessage: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = c.Call(t.Context(), peer.Call{Method: "tools/call"})
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; err == nil || spent > 64<<20 {
		t.Errorf("%v and %d bytes for a body of one", err, spent)
	}
}

// A stream that is cut and resumed again and again, without a message, counts
// as silence. The client pauses between the attempts.
func TestEndlessResumption(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &cutting{}
		config := peer.Config{HTTPClient: &http.Client{Transport: server}, IdleTimeout: time.Minute, Versions: []string{"2025-06-18"}}
		c, err := peer.Dial(t.Context(), "http://server.example/mcp", config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		_, err = c.Call(t.Context(), peer.Call{Method: "tools/call"})
		if !errors.Is(err, peer.ErrIdle) || time.Since(began) != time.Minute || server.asked > 1300 {
			t.Errorf("%v after %v and %d requests", err, time.Since(began), server.asked)
		}
	})
}

// cutting is a server whose streams end after an event without a message.
type cutting struct{ asked int }

func (s *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	switch id, method := request(r); {
	case method == "initialize":
		reply(w, id, initialized)
	case id != "" || r.Method == http.MethodGet:
		s.asked++
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: 1\nretry: 1\ndata:\n\n")
	default:
		w.WriteHeader(http.StatusAccepted)
	}
	return w.Result(), nil
}

// A stream is not resumed from an event whose id is too long for a field.
func TestLongEventID(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10_000)
	asked := make(chan string, 10)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch id, method := request(r); {
		case method == "initialize":
			reply(w, id, initialized)
		case r.Method == http.MethodGet:
			asked <- "GET"
			w.WriteHeader(http.StatusMethodNotAllowed)
		case id != "":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "id: %s\ndata:\n\n", long)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{"2025-06-18"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Call(t.Context(), peer.Call{Method: "tools/call"})
	c.Close()
	if kind(err) != "unreachable" || len(asked) != 0 {
		t.Errorf("Call: %v, then %d requests", err, len(asked))
	}
}
