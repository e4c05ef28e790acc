package bridge_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/profile"
)

// memory carries requests to a handler without a network, so that time can be
// a bubble's. What the handler writes arrives as it is written.
type memory struct{ handler http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	body, write := io.Pipe()
	w := &arriving{header: make(http.Header), body: write, began: make(chan int, 1)}
	broken := make(chan struct{})
	go func() {
		defer func() {
			if recover() != nil {
				write.CloseWithError(io.ErrUnexpectedEOF)
				close(broken)
				return
			}
			w.begin(http.StatusOK)
			write.Close()
		}()
		m.handler.ServeHTTP(w, r)
	}()
	stop := context.AfterFunc(r.Context(), func() { body.CloseWithError(r.Context().Err()) })
	select {
	case status := <-w.began:
		return &http.Response{
			StatusCode: status, Header: w.header, Body: closing{body, stop}, ContentLength: -1,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		}, nil
	case <-broken:
		return nil, io.ErrUnexpectedEOF
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

type closing struct {
	*io.PipeReader
	stop func() bool
}

func (c closing) Close() error {
	c.stop()
	return c.PipeReader.Close()
}

// An arriving is the answer of a handler while it is written.
type arriving struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	began  chan int
}

func (w *arriving) Header() http.Header    { return w.header }
func (w *arriving) WriteHeader(status int) { w.begin(status) }
func (w *arriving) begin(status int)       { w.once.Do(func() { w.began <- status }) }
func (w *arriving) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	return w.body.Write(p)
}

// bubble runs a test in a bubble of time with a host whose server is the fake.
func bubble(t *testing.T, era string, config bridge.Config, test func(t *testing.T, h *host, s *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := fakeOf(era)
		config.URL = "http://far.example/mcp"
		config.Peer.HTTPClient = &http.Client{Transport: memory{s}}
		h := newHost(t, config)
		test(t, h, s)
		h.in.Close()
		for range h.received {
		}
	})
}

// fail answers n requests with a status, and then as always.
func fail(n, status int, header ...string) func(s *fake, method string) {
	return func(s *fake, method string) {
		left := n
		s.handle(method, func(w http.ResponseWriter, r *http.Request) {
			if left--; left == 0 {
				s.handle(method, nil)
			}
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		})
	}
}

// What is safe to send again is, and nothing else. Whatever happens, the host
// gets one answer.
func TestRetry(t *testing.T) {
	t.Parallel()
	const safe, unsafe = `"name":"look"`, `"name":"act"`
	for name, row := range map[string]struct {
		method, params string
		fail           func(s *fake, method string)
		sent           int
		answered       bool
		took           time.Duration
	}{
		"a list after 503":                 {"tools/list", "", fail(1, 503), 2, true, 250 * time.Millisecond},
		"a list after 502 and 504":         {"tools/list", "", fail(2, 502), 3, true, 750 * time.Millisecond},
		"429 with a time":                  {"tools/list", "", fail(1, 429, "Retry-After", "7"), 2, true, 7 * time.Second},
		"429 with too long a time":         {"tools/list", "", fail(1, 429, "Retry-After", "3600"), 1, false, 0},
		"a storm ends":                     {"tools/list", "", fail(100, 503), 5, false, 3750 * time.Millisecond},
		"500 is an answer":                 {"tools/list", "", fail(1, 500), 1, false, 0},
		"a tool that only looks":           {"tools/call", safe, fail(1, 503), 2, true, 250 * time.Millisecond},
		"a tool that acts":                 {"tools/call", unsafe, fail(1, 503), 1, false, 0},
		"a tool that acts, asked to wait":  {"tools/call", unsafe, fail(1, 429, "Retry-After", "1"), 1, false, 0},
		"the connection breaks, a list":    {"tools/list", "", breaks, 2, true, 250 * time.Millisecond},
		"the connection breaks, acting":    {"tools/call", unsafe, breaks, 1, false, 0},
		"the stream breaks, a list":        {"prompts/list", "", cut, 2, true, 250 * time.Millisecond},
		"the stream breaks, acting":        {"tools/call", unsafe, cut, 1, false, 0},
		"an answer that is no JSON":        {"prompts/list", "", says("application/json", "{"), 1, false, 0},
		"an answer that is a page":         {"prompts/list", "", says("text/html", "<p>"), 1, false, 0},
		"an answer to somebody else":       {"prompts/list", "", says("application/json", `{"jsonrpc":"2.0","id":"x","result":{}}`), 1, false, 0},
		"a method that the bridge ignores": {"vendor/act", "", fail(1, 503), 1, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, newest, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
				s.answer("tools/list", `{"tools":[{"name":"look","inputSchema":{},"annotations":{"readOnlyHint":true}},{"name":"act","inputSchema":{}}]}`)
				s.answer("tools/call", `{"content":[]}`)
				s.answer("prompts/list", `{"prompts":[]}`)
				s.answer("vendor/act", `{}`)
				h.initialize(earlier)
				h.send(request(earlier, `"first"`, "tools/list", ""))
				h.result(`"first"`)
				row.fail(s, row.method)
				before, began := s.count(row.method), time.Now()
				h.send(request(earlier, "1", row.method, row.params))
				m := h.response("1")
				if got := s.count(row.method) - before; got != row.sent {
					t.Errorf("sent %d times, want %d", got, row.sent)
				}
				if answered := m.Error == nil; answered != row.answered {
					t.Errorf("the answer is %s", m.raw)
				}
				if took := time.Since(began); took != row.took {
					t.Errorf("it took %v, want %v", took, row.took)
				}
			})
		})
	}
}

// breaks closes the connection once without an answer.
func breaks(s *fake, method string) {
	s.handle(method, func(http.ResponseWriter, *http.Request) {
		s.handle(method, nil)
		panic(http.ErrAbortHandler)
	})
}

// cut ends an event stream once before the answer.
func cut(s *fake, method string) {
	s.handle(method, func(w http.ResponseWriter, _ *http.Request) {
		s.handle(method, nil)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\ndata: {\"js")
	})
}

func says(contentType, body string) func(s *fake, method string) {
	return func(s *fake, method string) {
		s.handle(method, func(w http.ResponseWriter, _ *http.Request) {
			s.handle(method, nil)
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, body)
		})
	}
}

// A server that says nothing, such as one that is stopped, is given up after the
// time-out. One that makes progress is not.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for _, era := range []string{newest, earlier} {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			bubble(t, era, bridge.Config{Peer: peer.Config{IdleTimeout: 10 * time.Second}}, func(t *testing.T, h *host, s *fake) {
				h.initialize(earlier)
				s.handle("tools/call", func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					for step := range 4 {
						<-time.After(8 * time.Second) // in the bubble
						fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,\"progress\":%d}}\n\n", r.Header.Get("Test-Id"), step+1)
					}
					fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[]}}\n\n", r.Header.Get("Test-Id"))
				})
				h.send(request(earlier, "0", "tools/call", `"name":"sleep","_meta":{"progressToken":"t"}`))
				for range 4 {
					h.notification("notifications/progress")
				}
				h.result("0")

				s.handle("tools/call", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				began := time.Now()
				h.send(request(earlier, "1", "tools/call", `"name":"sleep"`))
				m := h.response("1")
				if m.Error == nil || !strings.Contains(string(m.Error.Data), "timeout") {
					t.Errorf("the answer is %s", m.raw)
				}
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("it took %v, want 10 s", took)
				}
			})
		})
	}
}

// A session that the server has forgotten is begun anew, also for a call that
// may not be sent twice: it was refused.
func TestSessionLost(t *testing.T) {
	t.Parallel()
	bubble(t, earlier, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
		s.answer("tools/call", `{"content":[]}`)
		h.initialize(earlier)
		h.send(request(earlier, "1", "tools/call", `"name":"act"`))
		h.result("1")
		s.mu.Lock()
		s.session = "s2"
		s.mu.Unlock()
		h.send(request(earlier, "2", "tools/call", `"name":"act"`))
		h.result("2")
		if got := s.count("initialize"); got != 2 {
			t.Errorf("%d handshakes, want 2", got)
		}
	})
}

// What a session knew, the next one is told, and the host hears that anything may
// have changed.
func TestSessionLostWithSubscriptions(t *testing.T) {
	t.Parallel()
	for _, hosts := range []string{earlier, newest} {
		t.Run(hosts, func(t *testing.T) {
			t.Parallel()
			bubble(t, earlier, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
				s.answer("initialize", `{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}},"serverInfo":{"name":"fake","version":"1"}}`)
				for _, method := range []string{"logging/setLevel", "resources/subscribe"} {
					s.answer(method, `{}`)
				}
				s.answer("tools/list", `{"tools":[]}`)
				h.begin(hosts)
				if hosts == newest {
					h.send(request(newest, `"sub"`, "subscriptions/listen", `"notifications":{"toolsListChanged":true,"resourceSubscriptions":["file:///a"]}`))
					h.notification("notifications/subscriptions/acknowledged")
				} else {
					h.send(request(earlier, "1", "logging/setLevel", `"level":"error"`))
					h.result("1")
					h.send(request(earlier, "2", "resources/subscribe", `"uri":"file:///a"`))
					h.result("2")
				}
				s.mu.Lock()
				s.session = "s2"
				s.mu.Unlock()
				h.send(request(hosts, "3", "tools/list", ""))
				h.result("3")
				h.notification("notifications/resources/updated")
				h.notification("notifications/tools/list_changed")
				if got := s.count("resources/subscribe"); got != 2 {
					t.Errorf("subscribed %d times, want 2", got)
				}
				if got := s.count("logging/setLevel"); hosts == earlier && got != 2 {
					t.Errorf("the level was set %d times, want 2", got)
				}
			})
		})
	}
}

// One 404 does not end a server for good.
func TestTransient404(t *testing.T) {
	t.Parallel()
	bubble(t, newest, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
		s.answer("prompts/list", `{"prompts":[]}`)
		h.initialize(earlier)
		for _, method := range []string{"prompts/list", "server/discover", "initialize"} {
			fail(1, 404)(s, method)
		}
		h.send(request(earlier, "1", "prompts/list", ""))
		h.response("1") // whatever it is
		h.send(request(earlier, "2", "prompts/list", ""))
		if got, want := h.result("2"), `{"prompts":[]}`; got != want {
			t.Errorf("the list is %s, want %s", got, want)
		}
	})
}

// Every request gets one answer, though the server dies with all of them.
func TestOneAnswerEach(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, 401, 403, 404, 429, 500, 502, 503} {
		for _, hosts := range []string{earlier, newest} {
			t.Run(fmt.Sprint(status, " to ", hosts), func(t *testing.T) {
				t.Parallel()
				bubble(t, newest, bridge.Config{MaxConcurrent: 8}, func(t *testing.T, h *host, s *fake) {
					s.answer("prompts/list", `{"prompts":[]}`)
					h.begin(hosts)
					h.send(request(hosts, `"first"`, "prompts/list", ""))
					h.result(`"first"`)
					for _, method := range []string{"prompts/list", "tools/call", "server/discover", "initialize"} {
						s.handle(method, func(w http.ResponseWriter, _ *http.Request) {
							if status == 0 {
								panic(http.ErrAbortHandler)
							}
							w.WriteHeader(status)
						})
					}
					const n = 40
					go func() {
						for id := range n {
							method, params := "prompts/list", ""
							if id%2 == 1 {
								method, params = "tools/call", `"name":"act"`
							}
							h.send(request(hosts, fmt.Sprint(id), method, params))
						}
					}()
					answers := make(map[string]int)
					for range n {
						m := h.wait("answer", func(m message) bool { return m.Method == "" })
						if m.Error == nil {
							t.Errorf("a dead server has answered %s", m.raw)
						}
						answers[string(m.ID)]++
					}
					if len(answers) != n {
						t.Errorf("%d of %d requests are answered", len(answers), n)
					}
					for _, method := range []string{"prompts/list", "tools/call", "server/discover", "initialize"} {
						s.handle(method, nil)
					}
					h.send(request(hosts, `"last"`, "prompts/list", ""))
					h.result(`"last"`) // it is back
				})
			})
		}
	}
}

// A subscription that is lost is made again, and the host hears that anything
// may have changed.
func TestSubscriptionLost(t *testing.T) {
	t.Parallel()
	for _, hosts := range []string{earlier, newest} {
		t.Run(hosts, func(t *testing.T) {
			t.Parallel()
			bubble(t, newest, bridge.Config{}, func(t *testing.T, h *host, s *fake) {
				s.answer("server/discover", `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}}}`)
				s.handle("subscriptions/listen", func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%s},\"notifications\":{\"toolsListChanged\":true}}}\n\n", r.Header.Get("Test-Id"))
				})
				h.begin(hosts)
				if hosts == newest {
					h.send(request(newest, `"sub"`, "subscriptions/listen", `"notifications":{"toolsListChanged":true}`))
					h.notification("notifications/subscriptions/acknowledged")
				}
				changed := h.notification("notifications/tools/list_changed")
				if strings.Contains(changed.raw, `"sub"`) != (hosts == newest) {
					t.Errorf("the change is %s", changed.raw)
				}
				for _, m := range h.seen {
					if m.Method == "notifications/subscriptions/acknowledged" {
						t.Errorf("acknowledged again: %s", m.raw)
					}
				}
			})
		})
	}
}

// Input that the host does not send is not waited for beyond the time-out, and
// ends the request on the server.
func TestInputThatNeverComes(t *testing.T) {
	t.Parallel()
	h := pair{newest, earlier}.open(t, newEngine())
	h.send(request(newest, "1", "tools/call", `"name":"ask","arguments":{}`))
	if got := h.result("1"); !strings.Contains(got, `"resultType":"input_required"`) || !strings.Contains(got, `"elicitation/create"`) {
		t.Fatalf("the result is %s", got)
	}
	h.send(request(newest, "2", "tools/call", `"name":"ask","arguments":{},"requestState":"made up"`))
	if m := h.response("2"); m.Error == nil || m.Error.Code != -32602 {
		t.Errorf("a state that is made up is answered with %s", m.raw)
	}
	if err := h.close(); err != nil {
		t.Errorf("the bridge ended with %v", err)
	}
}

// How it ends says why nothing could be answered.
func TestExitCode(t *testing.T) {
	t.Parallel()
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	status := func(code int) string {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	}
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // it complains that it is not trusted
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	for name, row := range map[string]struct {
		url  string
		kind string
		code int
	}{
		"refused":      {"http://" + closed.Addr().String(), "unreachable", bridge.ExitUnreachable},
		"no such name": {"http://far.invalid/mcp", "unreachable", bridge.ExitUnreachable},
		"not trusted":  {untrusted.URL, "unreachable", bridge.ExitUnreachable},
		"401":          {status(401), "auth", bridge.ExitAuth},
		"403":          {status(403), "auth", bridge.ExitAuth},
		"404":          {status(404), "protocol", bridge.ExitProtocol},
		"500":          {status(500), "http", bridge.ExitError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, bridge.Config{URL: row.url})
			h.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"host","version":"1"}}}`)
			m := h.response("1")
			if m.Error == nil || string(m.Error.Data) != `{"kind":"`+row.kind+`"}` {
				t.Errorf("the answer is %s, want the kind %s", m.raw, row.kind)
			}
			if code := bridge.ExitCode(h.close()); code != row.code {
				t.Errorf("the exit code is %d, want %d", code, row.code)
			}
		})
	}
}

// The end of the context ends the bridge, with nothing left behind.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	e := newEngine()
	started, ended := addWait(e)
	t.Cleanup(e.Close)
	ctx, cancel := context.WithCancelCause(t.Context())
	in, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- bridge.Serve(ctx, in, io.Discard, bridge.Config{URL: serve(t, e), Grace: time.Millisecond})
	}()
	h := &host{t: t, in: write}
	h.send(request(newest, "1", "tools/call", `"name":"wait","arguments":{}`))
	within(t, started, "the call starts")
	enough := errors.New("enough")
	cancel(enough)
	within(t, ended, "the call is cancelled")
	if err := <-done; !errors.Is(err, enough) {
		t.Errorf("Serve = %v, want the cause", err)
	}
	write.Close()
}

// Tools that the profile hides are neither listed nor called.
func TestFilter(t *testing.T) {
	t.Parallel()
	const list = `{"tools":[{"name":"look","annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"}},{"name":"act","inputSchema":{}},{"name":"drop","inputSchema":{}}],"nextCursor":"n"}`
	for name, row := range map[string]struct {
		filter profile.Filter
		listed []string
	}{
		"all":             {profile.Filter{}, []string{"look", "act", "drop"}},
		"allow":           {profile.Filter{Allow: []string{"act", "look"}}, []string{"look", "act"}},
		"deny":            {profile.Filter{Deny: []string{"drop"}}, []string{"look", "act"}},
		"read only":       {profile.Filter{ReadOnly: true}, []string{"look"}},
		"nothing is left": {profile.Filter{ReadOnly: true, Deny: []string{"look"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, era := range []string{newest, earlier} {
				s := newFake(t, era)
				s.answer("tools/list", strings.Replace(list, `,"nextCursor":"n"`, "", 1))
				s.answer("tools/call", `{"content":[]}`)
				h := newHost(t, bridge.Config{URL: s.url, Tools: row.filter})
				h.begin(era)
				// The calls come first: what is hidden is not a matter of having listed.
				for i, tool := range []string{"look", "act", "drop"} {
					h.send(request(era, fmt.Sprint(i), "tools/call", fmt.Sprintf(`"name":%q`, tool)))
					m := h.response(fmt.Sprint(i))
					if want := slices.Contains(row.listed, tool); (m.Error == nil) != want {
						t.Errorf("%s: the call of %s is answered with %s", era, tool, m.raw)
					}
				}
				h.send(request(era, "9", "tools/list", ""))
				got := h.result("9")
				for _, tool := range []string{"look", "act", "drop"} {
					if listed := strings.Contains(got, `"`+tool+`"`); listed != slices.Contains(row.listed, tool) {
						t.Errorf("%s: the list is %s", era, got)
					}
				}
				if len(row.listed) == 3 && got != strings.Replace(list, `,"nextCursor":"n"`, "", 1) {
					t.Errorf("%s: a list that nothing is taken from is %s", era, got)
				}
			}
		})
	}
}

// A certificate of an own authority is trusted, and the client's is shown.
func TestCertificates(t *testing.T) {
	t.Parallel()
	e := newEngine()
	t.Cleanup(e.Close)
	server := httptest.NewUnstartedServer(e)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert} //nolint:gosec // a test
	server.StartTLS()
	t.Cleanup(server.Close)
	files := writeCertificates(t, server)
	var logged bytes.Buffer
	source := bridge.Source{
		Name: "far", Home: t.TempDir(), Now: time.Now, Getenv: func(string) string { return "" },
		Log:     bridge.NewLog(&logged, 0, ""),
		Profile: &profile.Profile{URL: server.URL, CAFile: files.ca, CertFile: files.cert, KeyFile: files.key},
	}
	config, release, err := source.Config()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	h := newHost(t, config)
	h.initialize(earlier)
	if got, want := h.call(earlier, "1", "weather", `{"city":"Bern"}`), "sunny in Bern"; got != want {
		t.Errorf("the tool says %q, want %q", got, want)
	}
}
