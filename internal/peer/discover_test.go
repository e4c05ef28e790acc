package peer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// A refusal is a way to refuse a request.
type refusal struct {
	name   string
	refuse func(w http.ResponseWriter, r *http.Request, id string)

	// verdict: only an MCP server refuses like this.
	verdict bool
}

// refusals are the ways in which servers, frameworks and gateways refuse
// server/discover.
func refusals() []refusal {
	const plain = "application/json"
	status := func(code int, contentType, text string) func(http.ResponseWriter, *http.Request, string) {
		return func(w http.ResponseWriter, _ *http.Request, id string) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(code)
			io.WriteString(w, strings.ReplaceAll(text, "ID", id))
		}
	}
	var all []refusal
	for _, code := range []int{400, 403, 404, 405, 406, 408, 409, 410, 413, 415, 422, 500, 501, 502, 504, 520} {
		all = append(all, refusal{fmt.Sprint("HTTP ", code), status(code, "text/plain", http.StatusText(code)), false})
	}
	for _, code := range []int{-32601, -32600, -32602, -32000, -32001} {
		text := fmt.Sprintf(`"error":{"code":%d,"message":"Bad Request: Server not initialized"}`, code)
		all = append(all,
			refusal{fmt.Sprint("JSON-RPC ", code), status(200, plain, `{"jsonrpc":"2.0","id":ID,`+text+`}`), true},
			refusal{fmt.Sprint("HTTP 400 and JSON-RPC ", code), status(400, plain, `{"jsonrpc":"2.0","id":ID,`+text+`}`), true},
			refusal{fmt.Sprint("HTTP 400 and the id null ", code), status(400, plain, `{"jsonrpc":"2.0","id":null,`+text+`}`), true},
			refusal{fmt.Sprint("HTTP 400 and another id ", code), status(400, plain, `{"jsonrpc":"2.0","id":"server-error",`+text+`}`), true},
		)
	}
	return append(all,
		refusal{"JSON-RPC -32603", status(200, plain, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32603,"message":"no"}}`), false},
		refusal{"HTTP 500 and JSON-RPC", status(500, plain, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"no"}}`), false},
		refusal{"an event with an error", status(200, "text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":{\"code\":-32601,\"message\":\"no\"}}\n\n"), true},
		refusal{"only handshake versions", status(200, plain, `{"jsonrpc":"2.0","id":ID,"result":{"supportedVersions":["2025-06-18"]}}`), true},
		refusal{"-32022 with handshake versions", status(400, plain, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32022,"message":"no","data":{"supported":["2025-06-18"]}}}`), true},
		refusal{"-32022 without versions", status(400, plain, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32022,"message":"no"}}`), true},
		refusal{"-32020", status(400, plain, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32020,"message":"no"}}`), true},
		refusal{"an empty result", status(200, plain, `{"jsonrpc":"2.0","id":ID,"result":{}}`), true},
		refusal{"another id", status(200, plain, `{"jsonrpc":"2.0","id":"x","result":{}}`), false},
		refusal{"HTML", status(200, "text/html", "<html>"), false},
		refusal{"HTML that claims to be JSON", status(200, plain, "<html>"), false},
		refusal{"null", status(200, plain, "null"), false},
		refusal{"an empty list", status(200, plain, "[]"), false},
		refusal{"an empty body", status(200, plain, ""), false},
		refusal{"an empty stream", status(200, "text/event-stream", ""), false},
		refusal{"accepted", status(202, plain, ""), false},
		refusal{"no content", status(204, plain, ""), false},
		refusal{"a redirect", func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, "/login", http.StatusFound)
		}, false},
		refusal{"a closed connection", func(http.ResponseWriter, *http.Request, string) { panic(http.ErrAbortHandler) }, false},
	)
}

// handshakeServer serves 2025-06-18, and server/discover as the function does.
func handshakeServer(discover func(w http.ResponseWriter, r *http.Request, id string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch id, method := request(r); method {
		case "server/discover":
			discover(w, r, id)
		case "initialize":
			reply(w, id, initialized)
		case "":
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			if id == "" {
				w.WriteHeader(http.StatusAccepted)
				return
			}
			reply(w, id, `{}`)
		}
	})
}

// Every refusal of server/discover leads to the handshake, and the handshake
// version is remembered.
func TestRefusedDiscovery(t *testing.T) {
	t.Parallel()
	for _, refusal := range refusals() {
		t.Run(refusal.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			url := serve(t, handshakeServer(func(w http.ResponseWriter, r *http.Request, id string) {
				asked++
				refusal.refuse(w, r, id)
			}))
			cache := memory{}
			c, err := peer.Dial(t.Context(), url+"/mcp", peer.Config{Cache: cache})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Call(t.Context(), peer.Call{Method: "tools/call"}); err != nil {
				t.Error(err)
			}
			if (asked == 1) != refusal.verdict || cache[url+"/mcp"].Version != "2025-06-18" {
				t.Errorf("asked %d times, remembered %q; want once if only an MCP server says that, and 2025-06-18", asked, cache[url+"/mcp"].Version)
			}
		})
	}
}

// One bad answer, which a gateway may have sent, does not decide the version.
func TestOneBadAnswer(t *testing.T) {
	t.Parallel()
	for _, refusal := range refusals() {
		if refusal.verdict {
			continue
		}
		t.Run(refusal.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			url := serve(t, handshakeServer(func(w http.ResponseWriter, r *http.Request, id string) {
				if asked++; asked == 1 {
					refusal.refuse(w, r, id)
					return
				}
				reply(w, id, discovered)
			}))
			cache := memory{}
			c, err := peer.Dial(t.Context(), url, peer.Config{Cache: cache})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if c.Version() != "2026-07-28" || cache[url].Version != "2026-07-28" {
				t.Errorf("version %s, remembered %s", c.Version(), cache[url].Version)
			}
		})
	}
}

// If two refusals of a server differ, nothing is remembered, and the next link
// asks again.
func TestDoubtfulDiscovery(t *testing.T) {
	t.Parallel()
	asked, bad := 0, []int{502, 400, 0}
	e := newEngine()
	t.Cleanup(e.Close)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Method") == "server/discover" {
			if asked++; bad[asked-1] != 0 {
				w.WriteHeader(bad[asked-1])
				return
			}
		}
		if asked == 2 && r.Header.Get("Mcp-Session-Id") != "" && r.Method == http.MethodPost {
			w.WriteHeader(http.StatusNotFound) // the session is lost
			return
		}
		e.ServeHTTP(w, r)
	}))
	cache := memory{}
	c, err := peer.Dial(t.Context(), url, peer.Config{Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Version() != "2025-11-25" || len(cache) != 0 {
		t.Errorf("version %s, remembered %v; want 2025-11-25 for now", c.Version(), cache)
	}
	if _, err := c.Call(t.Context(), callTool("weather", `{"city":"Oslo"}`)); err != nil {
		t.Fatal(err)
	}
	if c.Version() != "2026-07-28" || cache[url].Version != "2026-07-28" {
		t.Errorf("version %s, remembered %v; want 2026-07-28", c.Version(), cache)
	}
}

// The first request gets no answer, as behind a faulty balancer.
func TestSilentOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &silentOnce{}
		cache := memory{}
		config := peer.Config{Cache: cache, HTTPClient: &http.Client{Transport: server}}
		c, err := peer.Dial(t.Context(), "http://server.example", config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Version() != "2026-07-28" || len(cache) != 1 {
			t.Errorf("version %s, remembered %v", c.Version(), cache)
		}
	})
}

// silentOnce is a server of all versions whose first answer is lost.
type silentOnce struct{ asked bool }

func (s *silentOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	switch id, method := request(r); {
	case method == "server/discover" && !s.asked:
		s.asked = true
		<-r.Context().Done()
		return nil, r.Context().Err()
	case method == "server/discover":
		reply(w, id, discovered)
	case method == "initialize":
		reply(w, id, initialized)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
	return w.Result(), nil
}

// A final refusal is not followed by another request.
func TestFinalRefusal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		refuse func(w http.ResponseWriter, id string)
		kind   string
	}{
		{"unauthorized", func(w http.ResponseWriter, _ string) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(401)
		}, "auth 401 "},
		{"too many requests", func(w http.ResponseWriter, _ string) { w.WriteHeader(429) }, "status 429"},
		{"not there for now", func(w http.ResponseWriter, _ string) { w.WriteHeader(503) }, "status 503"},
		{"another version", func(w http.ResponseWriter, id string) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32022,"message":"no","data":{"supported":["2027-01-01"]}}}`, id)
		}, "protocol"},
	} {
		var asked []string
		url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, method := request(r)
			asked = append(asked, method)
			test.refuse(w, id)
		}))
		_, err := peer.Dial(t.Context(), url, peer.Config{})
		if diff := cmp.Diff([]string{"server/discover"}, asked); kind(err) != test.kind || diff != "" {
			t.Errorf("%s: %v, asked (-want +got):\n%s", test.name, err, diff)
		}
	}
}

// The versions that an error names are used, whichever request it answers.
func TestNamedVersions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, refused string
		code          int
		supported     string
		want          string
	}{
		{"initialize of a server without a handshake", "initialize", -32022, "2026-07-28", "2026-07-28"},
		{"initialize of another version", "initialize", -32602, "2024-11-05", "2024-11-05"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				data, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(data)))
				id, method := request(r)
				switch {
				case method == "server/discover":
					if asked++; asked == 1 || test.want != "2026-07-28" {
						http.Error(w, "", http.StatusBadGateway)
						return
					}
					reply(w, id, discovered)
				case method == "initialize" && strings.Contains(string(data), test.want):
					reply(w, id, strings.Replace(initialized, "2025-06-18", test.want, 1))
				case method == "initialize":
					w.WriteHeader(400)
					fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":"no","data":{"supported":[%q]}}}`, id, test.code, test.supported)
				default:
					w.WriteHeader(http.StatusAccepted)
				}
			}))
			c, err := peer.Dial(t.Context(), url, peer.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if c.Version() != test.want {
				t.Errorf("version %s, want %s", c.Version(), test.want)
			}
		})
	}
}

// The error of a failed connection is the refusal of the last request: a caller
// that tries other versions must not see the one before it.
func TestLastRefusal(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 404, 500, 502} {
		url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id, method := request(r); method == "initialize" {
				reply(w, id, initialized)
				return
			}
			http.Error(w, "no", status)
		}))
		_, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{"2026-07-28", "2024-11-05"}})
		if _, ok := errors.AsType[*peer.StatusError](err); ok || kind(err) != "protocol" || !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("%d: %v, want a protocol error that mentions it", status, err)
		}
	}
}

// Calls that wait for the same connection share its outcome. A call that gives
// up does not affect the others.
func TestSharedAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sometimesSilent{}
		config := peer.Config{HTTPClient: &http.Client{Transport: server}, Versions: []string{"2025-06-18"}}
		c, err := peer.Dial(t.Context(), "http://server.example", config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ended, other := make(chan error), make(chan error)
		call := func(ctx context.Context, ended chan<- error) {
			_, err := c.Call(ctx, peer.Call{Method: "tools/list"})
			ended <- err
		}
		server.lost.Store(true)
		server.silent.Store(true)
		began := time.Now()
		for range 5 {
			go call(t.Context(), ended)
		}
		for range 5 {
			if err := <-ended; !errors.Is(err, peer.ErrIdle) || time.Since(began) != time.Minute {
				t.Errorf("Call: %v after %v, want %v after a minute", err, time.Since(began), peer.ErrIdle)
			}
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go call(impatient, ended)
		synctest.Wait()
		go call(t.Context(), other)
		synctest.Wait()
		server.lost.Store(false)
		server.silent.Store(false)
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the impatient call: %v", err)
		}
		if err := <-other; err != nil {
			t.Errorf("the other call: %v", err)
		}
	})
}

// sometimesSilent is a server that may forget its sessions and leave initialize
// unanswered.
type sometimesSilent struct{ lost, silent atomic.Bool }

func (s *sometimesSilent) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	switch id, method := request(r); {
	case method == "initialize" && s.silent.Load():
		<-r.Context().Done()
		return nil, r.Context().Err()
	case method == "initialize":
		w.Header().Set("Mcp-Session-Id", "s")
		reply(w, id, initialized)
	case method == "tools/list" && s.lost.Load():
		w.WriteHeader(http.StatusNotFound)
	case method == "tools/list":
		reply(w, id, `{}`)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
	return w.Result(), nil
}
