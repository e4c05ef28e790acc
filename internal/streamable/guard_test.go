package streamable_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// at returns the context of a request that arrived at the given local address.
func at(ctx context.Context, ip string) context.Context {
	return context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(ip), Port: 8000})
}

const (
	loopback = "127.0.0.1"
	public   = "192.0.2.1"
)

// guarded reports whether a request gets past the checks of Host and Origin.
func guarded(t *testing.T, c streamable.Config, address, host string, origins ...string) bool {
	t.Helper()
	var h counter
	r := newRequest(at(t.Context(), address), call)
	r.Host = host
	if origins != nil {
		r.Header["Origin"] = origins
	}
	w := serve(streamable.New(&h, c), r)
	if h.runs.Load() == 1 {
		return true
	}
	wantError(t, w, http.StatusForbidden, mcp.CodeInvalidRequest, "is not allowed: HTTPConfig.")
	if id := parse(t, w.Body.Bytes()).ID; id != nil {
		t.Errorf("the error has the id %s, want none", id)
	}
	if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("the refusal is readable to %q", got)
	}
	return false
}

// By DNS rebinding a page of evil.example reaches a server on the same machine
// under the name evil.example.
func TestHost(t *testing.T) {
	t.Parallel()
	none, allowed := []string(nil), []string{"MCP.example", "192.0.2.7"}
	for _, test := range []struct {
		address string
		allowed []string
		host    string
		ok      bool
	}{
		{loopback, none, "localhost", true},
		{loopback, none, "localhost:8000", true},
		{loopback, none, "LocalHost:8000", true},
		{loopback, none, "127.0.0.1", true},
		{loopback, none, "127.0.0.1:8000", true},
		{loopback, none, "127.0.0.2:8000", true},
		{loopback, none, "[::1]", true},
		{loopback, none, "[::1]:8000", true},
		{loopback, none, "[0:0:0:0:0:0:0:1]:8000", true},
		{loopback, none, "[::ffff:127.0.0.1]:8000", true},
		{"::1", none, "[::1]:8000", true},
		{"::1", none, "localhost:8000", true},
		{"::ffff:127.0.0.1", none, "localhost", true},

		{loopback, none, "", false},
		{loopback, none, ":8000", false},
		{loopback, none, "evil.example", false},
		{loopback, none, "evil.example:8000", false},
		{"::1", none, "evil.example", false},
		{"127.0.0.53", none, "evil.example", false},
		{"::ffff:127.0.0.1", none, "evil.example", false},
		{loopback, none, "localhost.", false}, // a resolver may be asked for it
		{loopback, none, "localhost.evil.example", false},
		{loopback, none, "evil-localhost", false},
		{loopback, none, "x.localhost", false},
		{loopback, none, "127.0.0.1.evil.example", false},
		{loopback, none, "127.0.0.1.", false},
		{loopback, none, "0.0.0.0:8000", false},
		{loopback, none, "[::]:8000", false},
		{loopback, none, "127.1", false},
		{loopback, none, "2130706433", false},
		{loopback, none, "0x7f000001", false},
		{loopback, none, "127.0.0.01", false},
		{loopback, none, "::1", false}, // not a host in brackets
		{loopback, none, "[::1", false},
		{loopback, none, "[::1%25lo]:8000", false},
		{loopback, none, "[::1%lo]:8000", false},
		{loopback, none, "[localhost]", false},
		{loopback, none, "[127.0.0.1]:8000", false},
		{loopback, none, "[::2]:8000", false},
		{loopback, none, "192.0.2.1", false},
		{loopback, none, "[::ffff:192.0.2.1]", false},
		{loopback, none, "localhost:80:90", false},
		{loopback, none, "localhost:80@evil.example", false},
		{loopback, none, "localhost:evil.example", false},
		{loopback, none, "user@localhost", false},
		{loopback, none, "localhost/evil.example", false},
		{loopback, none, "localhost,evil.example", false},
		{loopback, none, " localhost", false},
		{loopback, none, "loc\u0430lhost", false},

		{public, none, "mcp.example", true}, // there, the name is for the gateway to check
		{public, none, "evil.example:8000", true},
		{public, none, "localhost", true},

		{public, allowed, "mcp.example", true},
		{public, allowed, "mcp.example:443", true},
		{public, allowed, "MCP.EXAMPLE", true},
		{public, allowed, "192.0.2.7:80", true},
		{public, allowed, "evil.example", false},
		{public, allowed, "mcp.example.", false},
		{public, allowed, "mcp.example.evil.example", false},
		{public, allowed, "evil-mcp.example", false},
		{public, allowed, "a.mcp.example", false},
		{public, allowed, "mcp.example:80:90", false},
		{public, allowed, "mcp.example:80@evil.example", false},
		{public, allowed, "localhost", false},
		{public, allowed, "127.0.0.1", false},
		{public, allowed, "", false},
		{loopback, allowed, "mcp.example", true}, // a proxy on the same machine
		{loopback, allowed, "localhost:8000", true},
		{loopback, allowed, "evil.example", false},
	} {
		t.Run(fmt.Sprintf("%s at %s allowing %d", test.host, test.address, len(test.allowed)), func(t *testing.T) {
			t.Parallel()
			c := config()
			c.AllowedHosts = test.allowed
			if got := guarded(t, c, test.address, test.host); got != test.ok {
				t.Errorf("Host %q passes: %v, want %v", test.host, got, test.ok)
			}
		})
	}
}

// "If the Origin header is present and invalid, servers MUST respond with HTTP
// 403 Forbidden" (streamable-http, "Security & Endpoint").
func TestOrigin(t *testing.T) {
	t.Parallel()
	none, allowed := []string(nil), []string{"https://App.example", "http://localhost.example:8080"}
	one := func(values ...string) []string { return values }
	for _, test := range []struct {
		address string
		allowed []string
		origins []string
		ok      bool
	}{
		{loopback, none, nil, true},
		{public, none, nil, true},

		{loopback, none, one("http://localhost"), true},
		{loopback, none, one("http://localhost:5173"), true},
		{loopback, none, one("https://localhost:5173"), true},
		{loopback, none, one("HTTP://LocalHost:5173"), true},
		{loopback, none, one("http://127.0.0.1:5173"), true},
		{loopback, none, one("http://[::1]:5173"), true},
		{"::1", none, one("http://localhost:5173"), true},

		{loopback, none, one(""), false},
		{loopback, none, one("null"), false},
		{loopback, none, one("*"), false},
		{loopback, none, one("https://evil.example"), false},
		{loopback, none, one("https://localhost.evil.example"), false},
		{loopback, none, one("http://localhost.:5173"), false},
		{loopback, none, one("http://evil-localhost"), false},
		{loopback, none, one("http://localhostevil.example"), false},
		{loopback, none, one("http://127.0.0.1.evil.example"), false},
		{loopback, none, one("http://0.0.0.0:5173"), false},
		{loopback, none, one("http://127.1:5173"), false},
		{loopback, none, one("http://[::]:5173"), false},
		{loopback, none, one("http://[::1%25lo]:5173"), false},
		{loopback, none, one("http://localhost:80@evil.example"), false},
		{loopback, none, one("http://localhost@evil.example"), false},
		{loopback, none, one("http://user@localhost"), false},
		{loopback, none, one("http://@localhost"), false},
		{loopback, none, one("http://localhost:x"), false},
		{loopback, none, one("http://evil.example#localhost"), false},
		{loopback, none, one("http://evil.example\\@localhost"), false},
		{loopback, none, one("http://localhost/"), false}, // an origin has no path
		{loopback, none, one("http://localhost/.evil.example"), false},
		{loopback, none, one("http://localhost?evil.example"), false},
		{loopback, none, one("http://localhost#evil.example"), false},
		{loopback, none, one("http:localhost"), false},
		{loopback, none, one("http:///localhost"), false},
		{loopback, none, one("//localhost"), false},
		{loopback, none, one("localhost"), false},
		{loopback, none, one("localhost:5173"), false},
		{loopback, none, one("http://"), false},
		{loopback, none, one("file://localhost"), false},
		{loopback, none, one("ws://localhost"), false},
		{loopback, none, one("chrome-extension://localhost"), false},
		{loopback, none, one("javascript://localhost"), false},
		{loopback, none, one("http://loc%61lhost"), false},
		{loopback, none, one("http://localhost https://evil.example"), false},
		{loopback, none, one("http://localhost, https://evil.example"), false},
		{loopback, none, one("http://localhost", "https://evil.example"), false},
		{loopback, none, one("https://evil.example", "http://localhost"), false},
		{loopback, none, one("http://localhost", "http://localhost"), false},
		{loopback, none, one("http://localhost\x00.evil.example"), false},

		{public, none, one("http://localhost:5173"), false}, // whose localhost?
		{public, none, one("http://mcp.example"), false},
		{public, none, one("null"), false},

		{public, allowed, one("https://app.example"), true},
		{public, allowed, one("https://APP.example"), true},
		{public, allowed, one("http://localhost.example:8080"), true},
		{public, allowed, one("http://app.example"), false},
		{public, allowed, one("https://app.example:443"), false}, // a browser leaves the default port out
		{public, allowed, one("https://app.example:8443"), false},
		{public, allowed, one("https://app.example."), false},
		{public, allowed, one("https://app.example/"), false},
		{public, allowed, one("https://app.example.evil.example"), false},
		{public, allowed, one("https://evil-app.example"), false},
		{public, allowed, one("https://a.app.example"), false},
		{public, allowed, one("https://user@app.example"), false},
		{public, allowed, one("https://app.example@evil.example"), false},
		{public, allowed, one("app.example"), false},
		{public, allowed, one("http://localhost.example"), false},
		{public, allowed, one("null"), false},
		{public, allowed, one(""), false},
		{public, allowed, one("https://app.example", "https://app.example"), false},
		{loopback, allowed, one("https://app.example"), true},
		{loopback, allowed, one("http://localhost:5173"), true},
		{loopback, allowed, one("https://evil.example"), false},

		{public, one("null"), one("null"), true}, // the configuration allows it
	} {
		t.Run(fmt.Sprintf("%q at %s allowing %d", test.origins, test.address, len(test.allowed)), func(t *testing.T) {
			t.Parallel()
			c := config()
			c.AllowedOrigins = test.allowed
			if got := guarded(t, c, test.address, "localhost", test.origins...); got != test.ok {
				t.Errorf("Origin %q passes: %v, want %v", test.origins, got, test.ok)
			}
		})
	}
}

// A server finds out by itself that a connection is a loopback connection.
func TestRebindingOverTheWire(t *testing.T) {
	t.Parallel()
	server := listen(t, newServer(complete))
	length := fmt.Sprintf("Content-Length: %d\r\n", len(call))
	good := raw(mirrored+length, call)
	for _, test := range []struct {
		name, text string
		status     int
	}{
		{"localhost", good, http.StatusOK},
		{"rebound name", strings.Replace(good, "localhost", "evil.example", 1), http.StatusForbidden},
		{"rebound name in the target", strings.Replace(good, "/mcp", "http://evil.example/mcp", 1), http.StatusForbidden},
		{"forwarded host does not count", strings.Replace(good, "Host: localhost", "Host: evil.example\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost", 1), http.StatusForbidden},
		{"two hosts", strings.Replace(good, "Host: localhost", "Host: localhost\r\nHost: evil.example", 1), http.StatusBadRequest},
		{"no host", strings.Replace(good, "Host: localhost\r\n", "", 1), http.StatusBadRequest},
		{"no host in HTTP/1.0", strings.Replace(strings.Replace(good, "Host: localhost\r\n", "", 1), "HTTP/1.1", "HTTP/1.0", 1), http.StatusForbidden},
		{"page of the same machine", strings.Replace(good, "Host", "Origin: http://localhost:5173\r\nHost", 1), http.StatusOK},
		{"page of another", strings.Replace(good, "Host", "Origin: https://evil.example\r\nHost", 1), http.StatusForbidden},
		{"sandboxed page", strings.Replace(good, "Host", "Origin: null\r\nHost", 1), http.StatusForbidden},
		{"two origins", strings.Replace(good, "Host", "Origin: http://localhost\r\norigin: https://evil.example\r\nHost", 1), http.StatusForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if status, text := exchange(t, server, test.text); status != test.status {
				t.Errorf("status = %d, want %d: %s", status, test.status, text)
			}
		})
	}
}

// Host and Origin are checked first: a page of another origin must not learn
// what the server is.
func TestGuardComesFirst(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete, http.MethodOptions} {
		r := newRequest(at(t.Context(), loopback), "not JSON")
		r.Method, r.Host = method, "localhost"
		r.Header = http.Header{"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"POST"}}
		w := serve(newServer(complete), r)
		wantError(t, w, http.StatusForbidden, mcp.CodeInvalidRequest, "Origin")
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") || name == "Allow" {
				t.Errorf("%s is refused with %s", method, name)
			}
		}
	}
}

func TestSkipOriginCheck(t *testing.T) {
	t.Parallel()
	c := config()
	c.SkipOriginCheck = true
	c.AllowedHosts, c.AllowedOrigins = []string{"mcp.example"}, []string{"https://app.example"}
	for _, address := range []string{loopback, public} {
		if !guarded(t, c, address, "evil.example", "https://evil.example") {
			t.Errorf("a request at %s is refused with the checks turned off", address)
		}
	}
}

// A page whose origin is allowed can read the answers (Fetch, section 3.3).
func TestCORS(t *testing.T) {
	t.Parallel()
	const origin = "https://app.example"
	c := config()
	c.AllowedOrigins = []string{origin}
	stream := handlerFunc(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		notify(jsonrpc.Notification{Method: "notifications/x", Params: []byte(`{}`)})
		return result(req, completed)
	})
	for _, test := range []struct {
		name    string
		handler jsonrpc.Handler
		edit    func(*http.Request)
		status  int
	}{
		{"result", handlerFunc(complete), func(*http.Request) {}, http.StatusOK},
		{"stream", stream, func(*http.Request) {}, http.StatusOK},
		{"notification", handlerFunc(complete), func(r *http.Request) {
			*r = *newRequest(r.Context(), notification)
			r.Header.Set("Origin", origin)
		}, http.StatusAccepted},
		{"mismatch", handlerFunc(complete), func(r *http.Request) { r.Header.Del("Mcp-Name") }, http.StatusBadRequest},
		{"wrong method", handlerFunc(complete), func(r *http.Request) { r.Method = http.MethodGet }, http.StatusMethodNotAllowed},
		{"wrong type", handlerFunc(complete), func(r *http.Request) { r.Header.Del("Content-Type") }, http.StatusUnsupportedMediaType},
		{"wrong Accept", handlerFunc(complete), func(r *http.Request) { r.Header.Del("Accept") }, http.StatusNotAcceptable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRequest(t.Context(), call)
			r.Header.Set("Origin", origin)
			test.edit(r)
			w := serve(streamable.New(test.handler, c), r)
			if w.Code != test.status {
				t.Errorf("status = %d, want %d", w.Code, test.status)
			}
			h := w.Header()
			if got := h.Get("Access-Control-Allow-Origin"); got != origin {
				t.Errorf("Access-Control-Allow-Origin = %q, want %q", got, origin)
			}
			if got := strings.ToLower(h.Get("Access-Control-Expose-Headers")); !strings.Contains(got, "www-authenticate") {
				t.Errorf("Access-Control-Expose-Headers = %q, want WWW-Authenticate in it", got)
			}
			if got := h.Get("Vary"); got != "Origin" {
				t.Errorf("Vary = %q, want Origin", got)
			}
			if got, ok := h["Access-Control-Allow-Credentials"]; ok {
				t.Errorf("Access-Control-Allow-Credentials = %q, want none", got)
			}
		})
	}
	t.Run("no page", func(t *testing.T) {
		t.Parallel()
		w := serve(streamable.New(handlerFunc(complete), c), newRequest(t.Context(), call))
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("a request without Origin is answered with %s", name)
			}
		}
	})
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	const origin = "https://app.example"
	c := config()
	c.AllowedOrigins = []string{origin}
	for _, test := range []struct {
		name      string
		method    string // that the page wants to use
		requested string
		methods   string // that it may
		allowed   string
	}{
		{"what a client sends", "POST", "content-type,accept,mcp-protocol-version,mcp-method,mcp-name", "POST", "content-type, accept, mcp-protocol-version, mcp-method, mcp-name"},
		{"token and parameters", "POST", "authorization, Mcp-Param-Region", "POST", "authorization, mcp-param-region"},
		{"tracing", "POST", "traceparent, tracestate, baggage", "POST", "traceparent, tracestate, baggage"},
		{"fields of the handshake versions", "POST", "mcp-session-id, last-event-id", "POST", "mcp-session-id, last-event-id"},
		{"nothing", "POST", "", "POST", ""},
		{"something else", "POST", "cookie, x-forwarded-for, mcp-params, content-type", "POST", "content-type"},
		{"wildcard", "POST", "*", "POST", ""},
		{"GET", "GET", "authorization", "", ""},
		{"DELETE", "DELETE", "authorization", "", ""},
		{"no method", "", "authorization", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h counter
			r := newRequest(t.Context(), "")
			r.Method = http.MethodOptions
			r.Header = http.Header{
				"Origin":                         {origin},
				"Access-Control-Request-Method":  {test.method},
				"Access-Control-Request-Headers": {test.requested},
			}
			w := serve(streamable.New(&h, c), r)
			if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
				t.Errorf("answer %d %q, want 204 and nothing", w.Code, w.Body)
			}
			header := w.Header()
			if got := header.Get("Access-Control-Allow-Methods"); got != test.methods {
				t.Errorf("Access-Control-Allow-Methods = %q, want %q", got, test.methods)
			}
			if got := header.Get("Access-Control-Allow-Headers"); got != test.allowed {
				t.Errorf("Access-Control-Allow-Headers = %q, want %q", got, test.allowed)
			}
			if got := header.Get("Access-Control-Allow-Origin"); got != origin {
				t.Errorf("Access-Control-Allow-Origin = %q, want %q", got, origin)
			}
			if got := strings.Join(header.Values("Vary"), ", "); !strings.Contains(got, "Origin") {
				t.Errorf("Vary = %q, want Origin in it", got)
			}
			if n := h.runs.Load(); n != 0 {
				t.Errorf("the handler ran %d times", n)
			}
		})
	}
}

// OPTIONS without CORS asks for the methods of the endpoint (RFC 9110, section
// 9.3.7).
func TestOptions(t *testing.T) {
	t.Parallel()
	r := newRequest(t.Context(), "")
	r.Method = http.MethodOptions
	w := serve(newServer(complete), r)
	if got, want := w.Header().Get("Allow"), "POST, OPTIONS"; w.Code != http.StatusNoContent || got != want {
		t.Errorf("answer %d with Allow = %q, want 204 with %q", w.Code, got, want)
	}
}

// Behind a proxy on the same machine the connection is local and the host is
// the public one.
func TestPublicHost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		public string
		host   string
		ok     bool
	}{
		{"mcp.example.com", "mcp.example.com", true},
		{"mcp.example.com", "mcp.example.com:443", true},
		{"mcp.example.com:8443", "MCP.example.COM", true},
		{"[2001:db8::1]", "[2001:db8::1]:443", true},
		{"mcp.example.com", "localhost:8000", true},
		{"mcp.example.com", "evil.example", false},
		{"mcp.example.com", "mcp.example.com.evil.example", false},
		{"mcp.example.com", "", false},
		{"", "", false},
		{"", "mcp.example.com", false},
	} {
		c := config()
		c.PublicHost = test.public
		if got := guarded(t, c, loopback, test.host); got != test.ok {
			t.Errorf("public host %q, Host %q: %t, want %t", test.public, test.host, got, test.ok)
		}
		c.AllowedHosts = []string{"other.example"}
		if got := guarded(t, c, public, test.host); got != test.ok && test.host != "localhost:8000" {
			t.Errorf("public host %q beside others, Host %q: %t, want %t", test.public, test.host, got, test.ok)
		}
	}
}

// A refused host is logged once.
func TestRefusalIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := config()
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	var h counter
	s := streamable.New(&h, c)
	for range 3 {
		r := newRequest(at(t.Context(), loopback), call)
		r.Host = "mcp.example.com"
		if w := serve(s, r); !strings.Contains(w.Body.String(), `mcp.example.com`) || !strings.Contains(w.Body.String(), "PublicURL") {
			t.Errorf("the refusal is %s, want the host and the option", w.Body)
		}
	}
	if n := strings.Count(log.String(), "mcp.example.com"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, &log)
	}
}
