package peer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

const discovered = `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,"cacheScope":"public"}`

// request reads a message and returns its id and method.
func request(r *http.Request) (id, method string) {
	data, _ := io.ReadAll(r.Body)
	var m jsonrpc.Message
	_ = m.Parse(data)
	return string(m.ID), m.Method
}

// stateless answers server/discover and leaves everything else to next.
func stateless(next func(w http.ResponseWriter, r *http.Request, id string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, method := request(r)
		if method == "server/discover" {
			reply(w, id, discovered)
			return
		}
		next(w, r, id)
	})
}

func reply(w http.ResponseWriter, id, result string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result)
}

func refuse(w http.ResponseWriter, status int, id string, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":"no","data":{"supported":["2026-07-28"]}}}`, id, code)
}

func body(contentType, text string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, id string) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, strings.ReplaceAll(text, "ID", id))
	}
}

// After a hostile answer, a call ends with an error of the right type.
func TestHostile(t *testing.T) {
	t.Parallel()
	const stream, plain = "text/event-stream", "application/json"
	for _, test := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request, string)
		kind   string
		text   string // a part of the error
	}{
		{"not JSON", body(plain, "hello"), "protocol", "parse error"},
		{"two messages", body(plain, `{"jsonrpc":"2.0","id":ID,"result":{}}{}`), "protocol", "goes on"},
		{"duplicate names", body(plain, `{"jsonrpc":"2.0","id":ID,"result":{"a":1,"a":2}}`), "protocol", "duplicate"},
		{"deep", body(plain, strings.Repeat("[", 1000)), "protocol", ""},
		{"another id", body(plain, `{"jsonrpc":"2.0","id":999,"result":{}}`), "protocol", "id 999"},
		{"no id", body(plain, `{"jsonrpc":"2.0","result":{}}`), "protocol", "id"},
		{"result and error", body(plain, `{"jsonrpc":"2.0","id":ID,"result":{},"error":{}}`), "protocol", "either"},
		{"malformed error", body(plain, `{"jsonrpc":"2.0","id":ID,"error":{"code":"x"}}`), "protocol", "code"},
		{"a notification", body(plain, `{"jsonrpc":"2.0","method":"notifications/message"}`), "protocol", "not a response"},
		{"a request", body(stream, "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n\n"), "protocol", "ping"},
		{"a batch", body(plain, `[{"jsonrpc":"2.0","id":ID,"result":{}}]`), "protocol", "batch"},
		{"HTML", body("text/html", "<html>"), "protocol", "text/html"},
		{"large body", body(plain, strings.Repeat(" ", 2000)), "protocol", "1024"},
		{"large chunked body", func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Content-Type", plain)
			for range 20 {
				io.WriteString(w, strings.Repeat(" ", 100))
				w.(http.Flusher).Flush()
			}
		}, "protocol", "1024"},
		{"large event", body(stream, "data: "+strings.Repeat("x", 2000)+"\n\n"), "protocol", "too large"},
		{"cut stream", body(stream, "data: {\"jsonrpc\":\"2.0\",\"method\":\"a\"}\n\n"), "unreachable", "ended before"},
		{"cut body", func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Content-Type", plain)
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "unreachable", "read the answer"},
		{"accepted", func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusAccepted) }, "protocol", "202"},
		{"nothing at all", func(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() }, "idle", ""},
		{"a stream of nothing", func(w http.ResponseWriter, r *http.Request, _ string) {
			w.Header().Set("Content-Type", stream)
			io.WriteString(w, ": alive\n\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "idle", ""},
		{"redirect elsewhere", func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, "http://elsewhere.invalid/mcp", http.StatusTemporaryRedirect)
		}, "status 307", "redirect"},
		{"redirect to GET", func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, "/other", http.StatusFound)
		}, "status 302", "redirect"},
		{"redirect in circles", func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, "/mcp", http.StatusTemporaryRedirect)
		}, "status 307", "redirect"},
		{"too many requests", func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "status 429 after 7s", "Too Many"},
		{"unavailable, with an error", func(w http.ResponseWriter, _ *http.Request, id string) { refuse(w, 503, id, -32603) }, "status 503", "-32603"},
		{"error", func(w http.ResponseWriter, _ *http.Request, id string) { refuse(w, 200, id, -32602) }, "rpc -32602", ""},
		{"error with 400", func(w http.ResponseWriter, _ *http.Request, id string) { refuse(w, 400, id, -32602) }, "rpc -32602", ""},
		{"error without an id", body(plain, `{"jsonrpc":"2.0","error":{"code":-32000,"message":"no"}}`), "rpc -32000", ""},
		{"unauthorized", func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.Header().Set("X-Amzn-Remapped-Www-Authenticate", `Bearer resource_metadata="https://a.example/x", error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, "auth 401 https://a.example/x", "invalid_token"},
		{"forbidden", func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusForbidden) }, "status 403", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			idle := time.Minute
			if test.kind == "idle" {
				idle = 100 * time.Millisecond
			}
			url := serve(t, stateless(test.answer)) + "/mcp"
			c, err := peer.Dial(t.Context(), url, peer.Config{MaxMessage: 1024, IdleTimeout: idle})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Call(t.Context(), peer.Call{Method: "tools/list"})
			if got := kind(err); got != test.kind || !strings.Contains(err.Error(), test.text) {
				t.Errorf("Call: %s (%v), want %s (…%s…)", got, err, test.kind, test.text)
			}
		})
	}
}

// kind names the type of an error.
func kind(err error) string {
	if e, ok := errors.AsType[*peer.AuthError](err); ok {
		return fmt.Sprintf("auth %d %s", e.Status, e.Challenges[0].Params["resource_metadata"])
	}
	if e, ok := errors.AsType[*peer.StatusError](err); ok {
		if e.RetryAfter > 0 {
			return fmt.Sprintf("status %d after %v", e.Status, e.RetryAfter)
		}
		return fmt.Sprintf("status %d", e.Status)
	}
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok && !isProtocol(err) {
		return fmt.Sprintf("rpc %d", e.Code)
	}
	if _, ok := errors.AsType[*peer.UnreachableError](err); ok {
		return "unreachable"
	}
	switch {
	case isProtocol(err):
		return "protocol"
	case errors.Is(err, peer.ErrIdle):
		return "idle"
	case err == nil:
		return "none"
	}
	return "other"
}

func isProtocol(err error) bool {
	_, ok := errors.AsType[*peer.ProtocolError](err)
	return ok
}

// A server that refuses a version and lists it all the same gets the request
// once more, and not again.
func TestUnsupportedVersion(t *testing.T) {
	t.Parallel()
	asked := 0
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := request(r)
		if asked++; asked == 1 {
			refuse(w, http.StatusBadRequest, id, mcp.CodeUnsupportedProtocolVersion)
			return
		}
		reply(w, id, discovered)
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if asked != 2 {
		t.Errorf("the server was asked %d times, want 2", asked)
	}
}

// The cached version is used at once, and found out again when it is wrong.
func TestCache(t *testing.T) {
	t.Parallel()
	var asked []string
	current := true
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, method := request(r)
		asked = append(asked, method)
		switch {
		case method == "notifications/initialized":
			w.WriteHeader(http.StatusAccepted)
		case method == "initialize" && !current:
			reply(w, id, `{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"handshake","version":"1"}}`)
		case method == "server/discover" && current:
			reply(w, id, discovered)
		case method != "initialize" && method != "" && current == (r.Header.Get("Mcp-Method") != ""):
			reply(w, id, `{}`)
		default:
			http.Error(w, "no session", http.StatusBadRequest)
		}
	}))
	cache := memory{}
	once := func(want string) {
		t.Helper()
		asked = nil
		c, err := peer.Dial(t.Context(), url, peer.Config{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Call(t.Context(), peer.Call{Method: "tools/list"}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(asked, " "); got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
	}
	once("server/discover tools/list")
	once("tools/list")
	current = false
	once("tools/list server/discover initialize notifications/initialized server/discover tools/list")
	once("initialize notifications/initialized tools/list")
	current = true
	once("initialize  server/discover tools/list") // with a GET in between
}

type memory map[string]peer.Known

func (m memory) Load(server string) (peer.Known, bool) { k, ok := m[server]; return k, ok }
func (m memory) Store(server string, known peer.Known) { m[server] = known }

// If the server has forgotten the session, a new one begins, and the refused
// request is sent again.
func TestSessionLost(t *testing.T) {
	t.Parallel()
	sessions, calls, ended := 0, 0, 0
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, method := request(r)
		switch {
		case r.Method == http.MethodDelete:
			ended++
		case method == "initialize":
			sessions++
			w.Header().Set("Mcp-Session-Id", fmt.Sprint("s", sessions))
			reply(w, id, `{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"handshake","version":"1"}}`)
		case method == "notifications/initialized":
			w.WriteHeader(http.StatusAccepted)
		case r.Header.Get("Mcp-Session-Id") == "s1":
			http.Error(w, "gone", http.StatusNotFound)
		default:
			calls++
			reply(w, id, `{}`)
		}
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{"2025-11-25"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), peer.Call{Method: "tools/list"}); err != nil {
		t.Error(err)
	}
	c.Close()
	if sessions != 2 || calls != 1 || ended != 1 {
		t.Errorf("%d sessions, %d calls, %d sessions ended; want 2, 1, 1", sessions, calls, ended)
	}
}

// A stream that the server ends early is resumed, from where it ended and after
// the time that the server names.
func TestResume(t *testing.T) {
	t.Parallel()
	var waited time.Time
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, method := request(r)
		switch {
		case method == "initialize":
			reply(w, id, `{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"handshake","version":"1"}}`)
		case method == "notifications/initialized":
			w.WriteHeader(http.StatusAccepted)
		case r.Method == http.MethodPost:
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "id: %s\nretry: 50\ndata:\n\n", id)
			waited = time.Now()
		default:
			if d := time.Since(waited); d < 50*time.Millisecond {
				t.Errorf("came back after %v, want 50ms", d)
			}
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"late\":true}}\n\n", r.Header.Get("Last-Event-Id"))
		}
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{"2025-11-25"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	result, err := c.Call(t.Context(), peer.Call{Method: "tools/list"})
	if err != nil || string(result) != `{"late":true}` {
		t.Errorf("Call = %s, %v", result, err)
	}
}

// Credentials are set on every request, and again after a challenge.
func TestAuthorizer(t *testing.T) {
	t.Parallel()
	var sent []string
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") != "Bearer 2" {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		id, _ := request(r)
		reply(w, id, discovered)
	}))
	a := &counter{}
	c, err := peer.Dial(t.Context(), url, peer.Config{Authorizer: a})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := strings.Join(sent, ", "); got != "Bearer 0, Bearer 1, Bearer 2" {
		t.Errorf("sent %s", got)
	}
	a.n = 100
	_, err = c.Call(t.Context(), peer.Call{Method: "tools/list"})
	if kind(err) != "auth 401 " || a.n != 103 {
		t.Errorf("Call: %v after %d challenges, want 401 after 3", err, a.n-100)
	}
}

type counter struct{ n int }

func (c *counter) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", fmt.Sprint("Bearer ", c.n))
	return nil
}

func (c *counter) Challenged(context.Context, *http.Response) (bool, error) {
	c.n++
	return true, nil
}

// A call returns when the answer arrives, even if the server keeps the stream
// open.
func TestStreamGoesOn(t *testing.T) {
	t.Parallel()
	url := serve(t, stateless(func(w http.ResponseWriter, r *http.Request, id string) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n\n", id)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Call(t.Context(), peer.Call{Method: "tools/list"}); err != nil {
		t.Error(err)
	}
}

// The answer to the handshake may be hostile, too.
func TestHostileHandshake(t *testing.T) {
	t.Parallel()
	const initialized = `{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"handshake","version":"1"}}`
	stream := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			body("text/event-stream", text)(w, r, "")
		}
	}
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"invisible session id", func(w http.ResponseWriter, r *http.Request) {
			id, _ := request(r)
			w.Header().Set("Mcp-Session-Id", "a b")
			reply(w, id, initialized)
		}, "not visible"},
		{"unknown version", func(w http.ResponseWriter, r *http.Request) {
			id, _ := request(r)
			reply(w, id, `{"protocolVersion":"1999-01-01"}`)
		}, "no protocol version in common"},
		{"endpoint elsewhere", stream("event: endpoint\ndata: http://elsewhere.invalid/messages\n\n"), "another origin"},
		{"no endpoint", stream("data: {}\n\n"), "names the endpoint"},
		{"nothing here", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "404"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := peer.Dial(t.Context(), serve(t, test.handler), peer.Config{Versions: protocol.Names(nil)[1:]})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Dial: %v, want %q", err, test.want)
			}
		})
	}
}

// When a session is lost while a request is under way, the server may have
// acted on it. The caller decides whether to send it again.
func TestSessionLostUnderWay(t *testing.T) {
	t.Parallel()
	calls := 0
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, method := request(r)
		switch {
		case method == "initialize":
			w.Header().Set("Mcp-Session-Id", "s")
			reply(w, id, `{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"handshake","version":"1"}}`)
		case r.Method == http.MethodGet:
			http.Error(w, "gone", http.StatusNotFound)
		case method == "tools/call":
			calls++
			if calls == 3 {
				reply(w, id, `{}`)
				return
			}
			body("text/event-stream", "id: 1\nretry: 1\ndata:\n\n")(w, r, id)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{"2025-11-25"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Call(t.Context(), peer.Call{Method: "tools/call"})
	if lost, ok := errors.AsType[*peer.SessionError](err); !ok || !lost.Sent || calls != 1 {
		t.Errorf("Call: %v after %d calls, want a lost session after one", err, calls)
	}
	if _, err := c.Call(t.Context(), peer.Call{Method: "tools/call", Replay: true}); err != nil || calls != 3 {
		t.Errorf("Call with Replay: %v after %d calls, want 3", err, calls)
	}
}

// A refused connection says that nothing was sent.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := peer.Dial(t.Context(), s.URL+"?token=secret", peer.Config{})
	if e, ok := errors.AsType[*peer.UnreachableError](err); !ok || e.Sent {
		t.Errorf("Dial: %v, want a server that cannot be reached and got nothing", err)
	}
	if strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("the error tells the secret: %v", err)
	}
	for _, url := range []string{"ftp://a.example", "a.example/mcp", "http://", "http://a b?secret"} {
		if _, err := peer.Dial(t.Context(), url, peer.Config{}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Dial(%s): %v", url, err)
		}
	}
}
