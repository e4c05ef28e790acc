package handshake_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A backend answers "wait" when it is released or cancelled, "ask" with what
// the client answers, "who" with the caller, and everything else at once.
type backend struct {
	release chan bool
	ended   chan error // has the context's error for each "wait"
}

func newBackend() *backend {
	return &backend{release: make(chan bool), ended: make(chan error, 1000)}
}

type contextKey struct{}

func (b *backend) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	answer := "{}"
	switch req.Method {
	case "subscriptions/listen":
		<-ctx.Done()
		b.ended <- ctx.Err()
	case "wait":
		select {
		case <-b.release:
		case <-ctx.Done():
			b.ended <- ctx.Err()
			notify(jsonrpc.Notification{Method: "late", Params: []byte("{}")})
		}
	case "ask":
		got, err := req.Asker.Ask(ctx, "question", nil)
		answer = string(got)
		if err != nil {
			answer = strconv.Quote(err.Error())
		}
	case "who":
		answer = fmt.Sprintf(`{"header":%v,"context":%q}`, req.HTTP != nil, ctx.Value(contextKey{}))
	case "lines":
		answer = "[\n\"a\\nb\",\r\n1]\n"
	}
	resp := jsonrpc.NewResponse()
	resp.BeginResult(req.ID)
	resp.Body = append(resp.Body, answer...)
	resp.EndResult()
	return resp
}

func TestSSE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openSSE(t, newSSE(newBackend(), handshake.SSEConfig{Messages: "/messages"}), "/sse", "")
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := c.stream.header.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		c.send(initializeRequest("0", "2024-11-05", everything), initialized)
		c.wants(success("0", "{}"))
		c.send(request("1", "lines", ""))
		c.wants(success("1", `[ "a\nb",  1] `))
		c.send(request("2", "ask", ""))
		c.wants(request(`"s-1"`, "question", ""))
		c.send(success(`"s-1"`, `"yes"`))
		c.wants(success("2", `"yes"`))
		c.send(request("3", "wait", ""), notification("notifications/cancelled", `{"requestId":3}`))
		c.wants()
	})
}

func TestSessionIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSSE(newBackend(), handshake.SSEConfig{})
		seen := map[string]bool{}
		for range 100 {
			c := openSSE(t, h, "/sse", "")
			id, ok := strings.CutPrefix(c.endpoint, "/messages?sessionId=")
			if !ok || len(id) < 26 || seen[id] { // 26 characters of Base32 are 130 bits
				t.Errorf("endpoint = %q", c.endpoint)
			}
			seen[id] = true
		}
	})
}

// Each client has a connection of its own.
func TestSSEConnectionsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSSE(newBackend(), handshake.SSEConfig{})
		a, b := openSSE(t, h, "/sse", "a"), openSSE(t, h, "/sse", "a")
		for _, c := range []*sseClient{a, b} {
			c.send(initializeRequest("0", "2024-11-05", everything), initialized, request("1", "ask", ""))
			c.wants(success("0", "{}"), request(`"s-1"`, "question", ""))
		}
		b.send(success(`"s-1"`, `"b"`))
		a.wants()
		b.wants(success("1", `"b"`))
		a.send(success(`"s-1"`, `"a"`))
		a.wants(success("1", `"a"`))
	})
}

func TestRequestOverSSE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openSSE(t, newSSE(newBackend(), handshake.SSEConfig{}), "/sse", "ann")
		c.send(initializeRequest("0", "2024-11-05", everything))
		c.wants(success("0", "{}"))
		for id, message := range map[string]string{"1": request("1", "who", ""), "2": stateless("2", "who", "")} {
			r := post(t, c.endpoint, "ann", message)
			// The values of the context outlive the POST.
			ctx, cancel := context.WithCancel(context.WithValue(r.Context(), contextKey{}, "value"))
			w := httptest.NewRecorder()
			c.h.ServeHTTP(w, r.WithContext(ctx))
			cancel()
			c.wants(success(id, `{"header":false,"context":"value"}`))
		}
	})
}

func TestWrongSSERequests(t *testing.T) {
	const noConnection = "there is no such connection: open an event stream first"
	ping := request("1", "ping", "")
	for _, test := range []struct {
		name    string
		method  string
		path    string // "" is the endpoint of an open connection
		body    string
		header  string // "Name: value", one to replace
		status  int
		message string
	}{
		{"stream by POST", "POST", "/sse", ping, "", 405, "the MCP endpoint accepts GET, OPTIONS only"},
		{"stream by HEAD", "HEAD", "/sse", "", "", 405, ""},
		{"stream by DELETE", "DELETE", "/sse", "", "", 405, "the MCP endpoint accepts GET, OPTIONS only"},
		{"stream as JSON", "GET", "/sse", "", "Accept: application/json", 406, "Accept must list text/event-stream"},
		{"stream refused by quality", "GET", "/sse", "", "Accept: text/event-stream;q=0", 406, "Accept must list text/event-stream"},
		{"stream for a page of another origin", "GET", "/sse", "", "Origin: https://evil.example", 403, "is not allowed: HTTPConfig.AllowedOrigins"},
		{"stream for a page without origin", "GET", "/sse", "", "Origin: null", 403, "is not allowed: HTTPConfig.AllowedOrigins"},
		{"stream for another host", "GET", "/sse", "", "Host: evil.example", 403, "is not allowed: HTTPConfig.PublicURL"},
		{"message by GET", "GET", "", "", "", 405, "the MCP endpoint accepts POST only"},
		{"message by PUT", "PUT", "", ping, "", 405, "the MCP endpoint accepts POST only"},
		{"message of a page of another origin", "POST", "", ping, "Origin: https://evil.example", 403, "is not allowed: HTTPConfig.AllowedOrigins"},
		{"message to another host", "POST", "", ping, "Host: evil.example", 403, "is not allowed: HTTPConfig.PublicURL"},
		{"message as text", "POST", "", ping, "Content-Type: text/plain", 415, "Content-Type must be application/json, not encoded further"},
		{"message without type", "POST", "", ping, "Content-Type: ", 415, "Content-Type must be application/json, not encoded further"},
		{"message in Latin-1", "POST", "", ping, "Content-Type: application/json; charset=latin1", 415, "Content-Type must be application/json, not encoded further"},
		{"compressed message", "POST", "", ping, "Content-Encoding: gzip", 415, "Content-Type must be application/json, not encoded further"},
		{"message too large", "POST", "", request(`"`+strings.Repeat("x", 1000)+`"`, "ping", ""), "", 413, "the message is larger than 1000 bytes"},
		{"no message", "POST", "", "", "", 400, "parse error: unexpected end of text, want a value at byte 0"},
		{"garbage", "POST", "", "garbage", "", 400, "parse error: unexpected byte 'g', want a value at byte 0"},
		{"two messages", "POST", "", ping + ping, "", 400, "parse error: text goes on after the value at byte 40"},
		{"invalid UTF-8", "POST", "", "\"\xff\"", "", 400, "parse error: invalid UTF-8 at byte 1"},
		{"no connection named", "POST", "/messages", ping, "", 404, noConnection},
		{"empty name", "POST", "/messages?sessionId=", ping, "", 404, noConnection},
		{"unknown connection", "POST", "/messages?sessionId=AAAAAAAAAAAAAAAAAAAAAAAAAA", ping, "", 404, noConnection},
		{"parameter of another name", "POST", "/messages?session_id=AAAAAAAAAAAAAAAAAAAAAAAAAA", ping, "", 404, noConnection},
		{"broken query", "POST", "/messages?sessionId=%zz", ping, "", 404, noConnection},
		{"unknown connection and garbage", "POST", "/messages?sessionId=A", "garbage", "", 404, noConnection},
		{"another caller", "POST", "", ping, "X-Caller: bob", 404, noConnection},
		{"no caller", "POST", "", ping, "X-Caller: ", 404, noConnection},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := openSSE(t, newSSE(newBackend(), handshake.SSEConfig{}), "/sse", "ann")
				path := test.path
				if path == "" {
					path = c.endpoint
				}
				r := post(t, path, "ann", test.body)
				r.Method = test.method
				if name, value, _ := strings.Cut(test.header, ": "); name == "Host" {
					r.Host = value
				} else if r.Header.Set(name, value); value == "" {
					r.Header.Del(name)
				}
				w := httptest.NewRecorder()
				c.h.ServeHTTP(w, r)
				if w.Code != test.status || !strings.Contains(w.Body.String(), test.message) {
					t.Errorf("answer = %d %s, want %d %s", w.Code, w.Body, test.status, test.message)
				}
				if allow := w.Header().Get("Allow"); (allow != "") != (test.status == http.StatusMethodNotAllowed) {
					t.Errorf("Allow = %q", allow)
				}
				c.wants() // it does not reach the connection
			})
		})
	}
}

func TestSSEForPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSSE(newBackend(), handshake.SSEConfig{})
		for path, method := range map[string]string{"/sse": "GET", "/messages": "POST"} {
			for _, asked := range []string{"GET", "POST", "DELETE"} {
				r := post(t, path, "", "")
				r.Method = http.MethodOptions
				r.Header.Set("Origin", "https://app.example")
				r.Header.Set("Access-Control-Request-Method", asked)
				r.Header.Set("Access-Control-Request-Headers", "authorization, x-other")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				got := w.Header().Get("Access-Control-Allow-Methods")
				if w.Code != http.StatusNoContent || w.Header().Get("Allow") != method+", OPTIONS" || (got == method) != (asked == method) || (got == "") == (asked == method) {
					t.Errorf("%s %s: status %d, Allow %q, allowed %q", path, asked, w.Code, w.Header().Get("Allow"), got)
				}
				if w.Header().Get("Access-Control-Allow-Origin") != "https://app.example" {
					t.Errorf("%s: the origin is not allowed", path)
				}
			}
		}
	})
}

func TestSSEConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSSE(newBackend(), handshake.SSEConfig{MaxConnections: 4}) // one caller gets half of them
		first, _ := openSSE(t, h, "/sse", ""), openSSE(t, h, "/sse", "")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, get(t.Context(), "/sse", ""))
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"retryAfterMs":5000`) {
			t.Errorf("the third stream is answered with %d %s", w.Code, w.Body)
		}
		first.hangUp()
		<-first.ended
		openSSE(t, h, "/sse", "")
	})
}

func TestSSEKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openSSE(t, newSSE(newBackend(), handshake.SSEConfig{KeepAlive: 20 * time.Second}), "/sse", "")
		<-time.After(61 * time.Second)
		c.stream.mu.Lock()
		defer c.stream.mu.Unlock()
		if got := c.stream.body.String()[c.seen:]; got != strings.Repeat(":\n\n", 3) {
			t.Errorf("within a minute %q is sent, want three comments", got)
		}
	})
}

// A connection whose calls all block still answers requests that need no slot.
func TestSSEBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		c := openSSE(t, newSSE(b, handshake.SSEConfig{}), "/sse", "")
		c.send(initializeRequest("0", "2024-11-05", everything))
		for i := range 129 { // the last one waits for a slot
			c.send(request(strconv.Itoa(i+1), "wait", ""))
		}
		c.wants(success("0", "{}"))
		c.send(request("200", "ping", ""))
		c.wants(success("200", "{}"))
		close(b.release)
		synctest.Wait()
		if got := c.events(); len(got) != 129 {
			t.Errorf("received %d answers, want 129", len(got))
		}
	})
}

// When the client goes, its requests and subscriptions end.
func TestSSEClientIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		c := openSSE(t, newSSE(b, handshake.SSEConfig{}), "/sse", "")
		c.send(initializeRequest("0", "2024-11-05", everything), initialized, request("1", "wait", ""), request("2", "wait", ""))
		c.wants(success("0", "{}"))
		start := time.Now()
		c.hangUp()
		<-c.ended
		if waited := time.Since(start); waited != 0 || len(b.ended) != 3 { // and the subscription
			t.Errorf("the stream ends after %v, %d requests were cancelled", waited, len(b.ended))
		}
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, post(t, c.endpoint, "", request("3", "ping", "")))
		if w.Code != http.StatusNotFound {
			t.Errorf("POST is answered with %d", w.Code)
		}
	})
}

// A POST that waits for the connection is told when the connection has ended.
func TestSSEClientIsGoneWhileAMessageWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		c := openSSE(t, newSSE(b, handshake.SSEConfig{}), "/sse", "")
		c.send(initializeRequest("0", "2024-11-05", everything))
		for i := range 129 {
			c.send(request(strconv.Itoa(i+1), "wait", ""))
		}
		w := httptest.NewRecorder()
		done := make(chan bool)
		go func() {
			c.h.ServeHTTP(w, post(t, c.endpoint, "", request("200", "wait", "")))
			close(done)
		}()
		synctest.Wait()
		c.hangUp()
		<-done
		<-c.ended
		if w.Code != http.StatusNotFound && w.Code != http.StatusAccepted {
			t.Errorf("POST is answered with %d", w.Code)
		}
	})
}

// A client that does not read is treated as gone.
func TestSSEClientDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		c := openSSE(t, newSSE(b, handshake.SSEConfig{IOTimeout: 10 * time.Second}), "/sse", "")
		c.send(initializeRequest("0", "2024-11-05", everything), request("1", "wait", ""))
		c.stream.mu.Lock()
		c.stream.blocked = true
		c.stream.mu.Unlock()
		start := time.Now()
		c.send(request("2", "ping", ""))
		<-c.ended
		if waited := time.Since(start); waited != 10*time.Second || len(b.ended) != 1 {
			t.Errorf("the stream ends after %v, %d requests were cancelled", waited, len(b.ended))
		}
	})
}

func TestSSEServerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		closing := make(chan struct{})
		h := newSSE(b, handshake.SSEConfig{Closing: closing, Grace: 7 * time.Second})
		c := openSSE(t, h, "/sse", "")
		c.send(initializeRequest("0", "2024-11-05", everything), initialized, request("1", "ask", ""), request("2", "wait", ""), request("3", "wait", ""))
		c.wants(success("0", "{}"), request(`"s-1"`, "question", ""))
		start := time.Now()
		close(closing)
		synctest.Wait()
		c.send(success(`"s-1"`, "7")) // the client may still answer
		b.release <- true
		if got := c.events(); len(got) != 2 {
			t.Errorf("received %q, want two answers", got)
		}
		c.send(request("4", "ping", ""))
		c.wants(failure("4", "-32603", "the server is shutting down"))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, get(t.Context(), "/sse", ""))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("another stream is answered with %d", w.Code)
		}
		<-c.ended
		if waited := time.Since(start); waited != 7*time.Second {
			t.Errorf("the stream ends after %v, want 7s", waited)
		}
	})
}

// With 100 clients at once, over real connections.
func TestSSEOverTCP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newTCPFixture(t))
	defer server.Close()
	errs := make(chan error)
	const clients = 100
	for range clients {
		go func() { errs <- talk(t.Context(), server.URL) }()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
