package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// inProcessSender carries requests to a handler without a network.
func inProcessSender(handler http.Handler) func(wire.Request) (answer, error) {
	return func(request wire.Request) (answer, error) {
		c := newCall(request)
		c.serve(handler)
		return c.answer(), nil
	}
}

// Every rival does the work of every row, or the comparison means nothing.
func TestRivalsAnswerRightly(t *testing.T) {
	t.Parallel()
	for _, group := range groups() {
		for _, r := range group {
			for _, s := range r.rivals() {
				t.Run(s.name+"/"+r.name, func(t *testing.T) {
					t.Parallel()
					send := inProcessSender(s.serve(r.setup))
					opened, err := r.open(s, send)
					if err != nil {
						t.Fatal(err)
					}
					if err := opened.verify(s, send); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// So does every function.
func TestFunctionsAnswerRightly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range lambdaRivals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// So that the result is cached for no longer than the program is the same.
			if _, err := os.ReadFile(filepath.Join("lambda", name, "main.go")); err != nil {
				t.Fatal(err)
			}
			if err := buildFunction(t.Context(), dir, name); err != nil {
				t.Fatal(err)
			}
			f := function{filepath.Join(dir, name), callRow("lambda", setup{text, 2})}
			if err := f.verify(t.Context(), name); err != nil {
				t.Error(err)
			}
			start, cpu, err := f.run(t.Context(), 3)
			if err != nil || start <= 0 || cpu <= 0 {
				t.Errorf("run = %v, %v, %v, want the time to start and the processor time", start, cpu, err)
			}
		})
	}
}

// So does every client, in every version it is compared in.
func TestCallersGetAnswers(t *testing.T) {
	t.Parallel()
	for _, version := range clientVersions {
		for _, name := range callers {
			t.Run(name+"/"+version, func(t *testing.T) {
				t.Parallel()
				server, posts := startAnswerer(t, serveOurs(setup{text, 1}))
				c, err := dialCaller(t.Context(), name, version, server.URL+"/mcp")
				if err != nil {
					t.Fatal(err)
				}
				got, err := c.round(t.Context(), 10*time.Millisecond)
				if err != nil || got.Calls < connections || got.Allocs <= 0 || got.PerSecond <= 0 {
					t.Errorf("round = %+v, %v", got, err)
				}
				// The prepared call has to match the call that the client sends.
				before := posts.Load()
				got, err = c.round(t.Context(), 50*time.Millisecond)
				if n := int(posts.Load() - before); err != nil || n > connections || n >= got.Calls {
					t.Errorf("%d of %d calls have come to the server (%v)", n, got.Calls, err)
				}
				if err := c.close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// Every bridge relays what a host says, or the comparison means nothing.
func TestBridgesRelay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	compared, err := bridges(t.Context(), filepath.Join("..", ".."), dir)
	if errors.Is(err, errNoBridges) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(serveOurs(setup{text, 1}))
	defer server.Close()
	for _, b := range compared {
		x := &bridgeResult{}
		if err := x.measure(t.Context(), b, server.Listener.Addr().String(), dir, 3); err != nil {
			t.Errorf("%s: %v", b.name, err)
		} else if x.Start[0] <= 0 || x.Memory[0] <= 1 {
			t.Errorf("%s: %+v", b.name, x)
		}
	}
}

// Each figure is compared with the better of the two peers.
func TestBridgeBars(t *testing.T) {
	t.Parallel()
	r := &report{Bridges: []*bridgeResult{
		{Bridge: oursName, Start: []float64{10}, Memory: []float64{10}, Added: []float64{10}},
		{Bridge: "slow", Start: []float64{400}, Memory: []float64{80}, Added: []float64{20}},
		{Bridge: "large", Start: []float64{200}, Memory: []float64{100}, Added: []float64{40}},
	}}
	var got []float64
	for _, b := range r.bridgeBars() {
		got = append(got, b.got)
	}
	if diff := cmp.Diff([]float64{0.05, 0.125, 0.5}, got); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
}

// A client that gets another answer must not be measured, even in a round that
// is over before it begins.
func TestCallerRefuses(t *testing.T) {
	t.Parallel()
	wrong := caller{call: func(context.Context) (string, error) { return "Snow.", nil }}
	if _, err := wrong.round(t.Context(), 0); err == nil {
		t.Error("a wrong answer is measured")
	}
}

// A server that cuts a corner must not be measured.
func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	result := func(result string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":`+result+`}`)
		}
	}
	honest := servePlain(setup{text, 1})
	rightText := `{"resultType":"complete","content":[{"type":"text","text":"` + forecast(city) + `"}]}`
	handshakeText := `{"content":[{"type":"text","text":"` + forecast(city) + `"}]}`
	tests := []struct {
		name    string
		row     string
		handler http.Handler
		err     string
	}{
		{"empty result", "call-text-1", result(`{}`), `result type ""`},
		{"result of 2026-07-28", "call-text-1-2025-11-25", result(rightText), `result type "complete"`},
		{"ignores the version", "call-text-1-2025-11-25", result(handshakeText), "status 200 to a mismatched header"},
		{"wrong text", "call-text-1", result(strings.Replace(rightText, "rain", "hail", 1)), "wrong text"},
		{"ignores headers", "call-text-1", result(rightText), "status 200 to a mismatched header"},
		{"ignores the type of arguments", "call-text-1", checksHeaders(result(rightText)), "a number is accepted"},
		{"error status", "call-text-1", http.NotFoundHandler(), "status 404"},
		{"text instead of structure", "call-struct", result(rightText), "decode structured content"},
		{"no progress", "call-progress", honest, "1 messages, want 4"},
		{"short list", "list-100", honest, "1 tools, want 100"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := findRow(test.row)
			if err != nil {
				t.Fatal(err)
			}
			err = r.verify(rival{}, inProcessSender(test.handler))
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("verify = %v, want %q", err, test.err)
			}
		})
	}
}

func checksHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Method") != "tools/call" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// The load finds the ends of both kinds of bodies, answer after answer.
func TestLoadReadsAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789abcdef", 20_000)
	for _, body := range []string{"", "short", long} {
		for _, chunked := range []bool{false, true} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if chunked {
					w.WriteHeader(http.StatusOK)
					http.NewResponseController(w).Flush()
				} else {
					w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				}
				io.WriteString(w, body)
			}))
			c, err := dial(t.Context(), server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				got, err := c.once(wire.Request{Method: "tools/list"})
				if err != nil || string(got.body) != body {
					t.Errorf("chunked %t: got %d bytes (%v), want %d", chunked, len(got.body), err, len(body))
				}
			}
			c.conn.Close()
			server.Close()
		}
	}
}

func TestLoadCountsAnswers(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	l, err := dialLoad(t.Context(), server.Listener.Addr().String(), wire.Request{Method: "tools/list"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if n, err := l.run(20 * time.Millisecond); err != nil || n < connections {
		t.Errorf("run = %d, %v, want at least one answer per connection", n, err)
	}
	status = http.StatusTeapot
	if _, err := l.run(20 * time.Millisecond); err == nil {
		t.Error("run accepts status 418")
	}
}

func TestMedianAndRatio(t *testing.T) {
	t.Parallel()
	got := []float64{
		median([]float64{3, 1, 2}, identity),
		median([]float64{4, 1, 2, 3}, identity),
		median([]float64{}, identity),
		// Within the rounds the ratios are 2, 2 and 0.1. The ratio of the medians
		// is 0.2.
		ratio([]float64{2, 20, 1}, []float64{1, 10, 10}, identity),
		difference([]float64{2, 20, 1}, []float64{1, 10, 10}),
	}
	if diff := cmp.Diff([]float64{2, 2.5, 0, 2, 1}, got); diff != "" {
		t.Errorf("medians and ratios (-want +got):\n%s", diff)
	}
}
