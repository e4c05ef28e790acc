package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// startAnswerer starts a server behind an answerer. posts are the requests that
// have come to the server.
func startAnswerer(t *testing.T, handler http.Handler) (server *httptest.Server, posts *atomic.Int32) {
	t.Helper()
	posts = new(atomic.Int32)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	server.Listener = answerer{server.Listener}
	server.Start()
	t.Cleanup(server.Close)
	return server, posts
}

// exchange sends a request and returns the answer without its Date.
func exchange(t *testing.T, c net.Conn, request []byte) string {
	t.Helper()
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &raw)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?m)^Date: .*\n").ReplaceAllString(raw.String(), "")
}

// The answerer sends the same bytes as the server.
func TestAnswererAnswersAsTheServer(t *testing.T) {
	t.Parallel()
	for _, version := range clientVersions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			handler := serveOurs(setup{text, 1})
			direct := httptest.NewServer(handler)
			defer direct.Close()
			server, posts := startAnswerer(t, handler)

			r := callRow("client", setup{text, 1})
			if version == handshakeVersion {
				r.request.Handshake = version
			}
			r, err := r.open(rival{sessions: r.hasHandshake()}, inProcessSender(handler))
			if err != nil {
				t.Fatal(err)
			}
			call := func(id int, arguments map[string]any) wire.Request {
				request := wire.CallTool(id, toolName(0), arguments)
				request.Handshake, request.Session = r.request.Handshake, r.request.Session
				return request
			}
			here, mistyped := map[string]any{"city": city}, map[string]any{"city": 7}
			list := call(9, nil)
			list.Method, list.Name, list.Params = "tools/list", "", nil
			unknown := call(12, here)
			unknown.Name, unknown.Params = "none", map[string]any{"name": "none"}

			tests := []struct {
				request  wire.Request
				toServer bool
			}{
				{list, true},
				{list, true},
				{call(1, here), true},
				{call(2, here), false},
				{call(12345, here), false},
				{list, true},
				{call(3, here), false},
				{call(4, map[string]any{"city": "Oslo"}), true},
				{call(5, here), true},
				{call(6, here), false},
				{call(7, mistyped), true},
				{call(8, mistyped), false},
				{unknown, true},
				{unknown, false},
			}
			conns := [2]net.Conn{}
			for i, s := range []*httptest.Server{server, direct} {
				if conns[i], err = new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String()); err != nil {
					t.Fatal(err)
				}
				defer conns[i].Close()
			}
			for i, tt := range tests {
				before := posts.Load()
				raw := tt.request.Raw("127.0.0.1")
				want, got := exchange(t, conns[1], raw), exchange(t, conns[0], raw)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("request %d (-server +answerer):\n%s", i, diff)
				}
				if id := fmt.Sprintf(`"id":%d,`, tt.request.ID); !strings.Contains(got, id) {
					t.Errorf("request %d: no %s in %s", i, id, got)
				}
				if toServer := posts.Load() > before; toServer != tt.toServer {
					t.Errorf("request %d has come to the server: %t, want %t", i, toServer, tt.toServer)
				}
			}
		})
	}
}

// A request that arrives in parts, and bytes that are not a request, go to the
// server.
func TestAnswererLeavesPartsToTheServer(t *testing.T) {
	t.Parallel()
	server, posts := startAnswerer(t, serveOurs(setup{text, 1}))
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw := wire.CallTool(1, toolName(0), map[string]any{"city": city}).Raw("127.0.0.1")
	want := exchange(t, c, raw)
	exchange(t, c, raw) // which shows that the answer is prepared
	if n := posts.Load(); n != 1 {
		t.Errorf("%d requests have come to the server, want 1", n)
	}
	// The next write may come together with this one or after it.
	if _, err := c.Write(raw[:len(raw)/2]); err != nil {
		t.Fatal(err)
	}
	if got := exchange(t, c, raw[len(raw)/2:]); got != want {
		t.Errorf("in parts:\n%s\nwant\n%s", got, want)
	}
	if got := exchange(t, c, []byte("nonsense\r\n\r\n")); !regexp.MustCompile("^HTTP/1.1 400 ").MatchString(got) {
		t.Errorf("answer to nonsense: %q", got)
	}
}

// A call is not prepared if its answer could depend on the id.
func TestPrepare(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
	tests := []struct {
		name, call, answer string
		ok                 bool
	}{
		{"a result", `{"id":1}`, head + `{"id":1  }`, true},
		{"a part of one", `{"id":1}`, head + `{"id":1 }`, false},
		{"nothing", `{"id":1}`, "", false},
		{"of another call", `{"id":2}`, head + `{"id":1  }`, false},
		{"two ids in the call", `{"id":1,"params":{"id":1}}`, head + `{"id":1  }`, false},
		{"an id before the call's id", `{"params":{"id":2},"id":1}`, head + `{"id":1  }`, false},
		{"another status", `{"id":1}`, "HTTP/1.1 404 Not Found" + head[15:] + `{"id":1  }`, false},
		{"an event stream", `{"id":1}`, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 10\r\n\r\n" + `{"id":1  }`, false},
		{"no length", `{"id":1}`, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + `{"id":1  }`, false},
	}
	for _, tt := range tests {
		if p := prepare([]byte(tt.call), []byte(tt.answer)); (p != nil) != tt.ok {
			t.Errorf("%s: prepared %t, want %t", tt.name, p != nil, tt.ok)
		}
	}
	p := prepare([]byte(`{"id":1}`), []byte(head+`{"id":1  }`))
	for body, want := range map[string]bool{
		`{"id":2}`: true, `{"id":20}`: true, `{"id":0}`: true,
		`{"id":02}`: false, `{"id":}`: false, `{"id":"2"}`: false, `{"id":-2}`: false, `{"id":2,"a":1}`: false, `{"id":2`: false, "": false,
	} {
		if _, ok := p.call.id([]byte(body)); ok != want {
			t.Errorf("%s is the same call: %t, want %t", body, ok, want)
		}
	}
}
