package attack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
)

// Family D, bad credentials: each is refused, whichever feature is requested.
func TestAttackCredentials(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	good, admin := f.token(nil), f.token(authtest.Claims{"scope": "mcp:admin", "groups": []string{"admin"}})
	header := func(name string, values ...string) http.Header { return http.Header{name: values} }
	tests := []struct {
		name    string
		feature string
		header  http.Header
		query   string
		status  int
	}{
		{"D01 no credentials", "plain", nil, "", 401},
		{"D02 two tokens", "public", header("Authorization", "Bearer "+good, "Bearer "+admin), "", 400},
		{"D02 the same twice", "public", header("Authorization", "Bearer "+good, "Bearer "+good), "", 400},
		{"D04 only the scheme", "public", header("Authorization", "Bearer"), "", 401},
		{"D04 a tab", "public", header("Authorization", "Bearer\t"+good), "", 400},
		{"D04 two words", "public", header("Authorization", "Bearer "+good+" x"), "", 400},
		{"D04 Basic", "public", header("Authorization", "Basic YTpi"), "", 401},
		{"D04 not ASCII", "public", header("Authorization", "Bearer tökentökentöken"), "", 401},
		{"D05 token in the query", "plain", nil, "access_token=" + good, 400},
		{"D05 token in the query, open tool", "public", nil, "access_token=" + good, 400},
		{"D05 token in both", "plain", bearer(good), "access_token=" + good, 400},
		{"D05 cookie", "plain", header("Cookie", "access_token="+good), "", 401},
		{"D05 header of our own", "plain", header("X-Auth-Token", good), "", 401},
		{"D05 header of a gateway", "plain", header("X-Amzn-Oidc-Data", good), "", 401},
		{"D05 user of a gateway", "plain", header("X-Forwarded-User", "alice"), "", 401},
		{"D05 Proxy-Authorization", "plain", header("Proxy-Authorization", "Bearer "+good), "", 401},
	}
	for _, test := range tests {
		c := call{method: "tools/call", params: fmt.Sprintf(`"name":%q`, test.feature), header: test.header}
		path := "/mcp"
		if test.query != "" {
			path += "?" + test.query
		}
		check := func(t *testing.T, a answer) {
			t.Helper()
			if a.status != test.status || len(f.took()) > 0 {
				t.Errorf("status %d, want %d\n%s", a.status, test.status, a.body)
			}
			if a.message(t).Error == nil {
				t.Errorf("no error: %s", a.body)
			}
			f.checkSecret(t, good, a)
			f.checkSecret(t, admin, a)
		}
		t.Run(test.name+", 2026-07-28", func(t *testing.T) {
			body, h := c.stateless()
			check(t, post(t, f.engine, path, body, h))
		})
		t.Run(test.name+", 2025-11-25", func(t *testing.T) {
			h := handshakeHeader(test.header)
			h.Set("Mcp-Session-Id", openSession(t, f.engine, "2025-11-25", bearer(good)).Get("Mcp-Session-Id"))
			check(t, post(t, f.engine, path, c.handshake(), h))
		})
		t.Run(test.name+", GET /sse", func(t *testing.T) {
			if test.feature == "public" && test.status == 401 || test.status == 400 || test.feature == "plain" {
				check(t, serve(t, f.engine.SSEHandler(""), http.MethodGet, strings.Replace(path, "/mcp", "/sse", 1), "", test.header))
			}
		})
		if len(test.header["Authorization"]) < 2 { // an event joins them
			t.Run(test.name+", Lambda", func(t *testing.T) {
				body, h := c.stateless()
				check(t, invoke(t, f.engine, test.query, body, h))
			})
		}
	}
}

// Family D, requests whose header and body disagree.
func TestAttackMessages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	reader := f.token(nil)
	body := func(method, params string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s,%s}}`, method, statelessMeta, params)
	}
	tests := []struct {
		name         string
		method, tool string // as the header says
		version      string
		body         string
		status       int
		code         int
	}{
		{"D07 another name in the header", "tools/call", "public", "2026-07-28", body("tools/call", `"name":"write"`), 400, -32020},
		{"D07 another method in the header", "tools/list", "public", "2026-07-28", body("tools/call", `"name":"write"`), 400, -32020},
		{"D09 another version in the header", "tools/call", "write", "2025-03-26", body("tools/call", `"name":"write"`), 400, -32020},
		{"D09 no version in the header", "tools/call", "write", "", body("tools/call", `"name":"write"`), 400, -32020},
		{
			"D09 a handshake version without a session", "tools/call", "write", "2025-03-26",
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write"}}`, 403, -32600,
		},
		{
			"D09 no version at all", "tools/call", "write", "",
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write"}}`, 403, -32600,
		},
		{"D10 two names", "tools/call", "public", "2026-07-28", body("tools/call", `"name":"public","name":"write"`), 400, -32700},
		{"D10 a name in upper case", "tools/call", "public", "2026-07-28", body("tools/call", `"name":"public","Name":"write"`), 400, -32600},
		{
			"D10 two methods", "tools/call", "public", "2026-07-28",
			strings.Replace(body("tools/list", `"name":"public"`), `"id":1`, `"id":1,"method":"tools/call"`, 1), 400, -32700,
		},
		{
			"D10 two params", "tools/call", "public", "2026-07-28",
			strings.Replace(body("tools/call", `"name":"public"`), `"id":1`, `"id":1,"params":{"name":"write"}`, 1), 400, -32700,
		},
		{"D14 id null", "tools/call", "read", "2026-07-28", strings.Replace(body("tools/call", `"name":"read"`), `"id":1`, `"id":null`, 1), 400, -32600},
		{"D14 id an object", "tools/call", "read", "2026-07-28", strings.Replace(body("tools/call", `"name":"read"`), `"id":1`, `"id":{}`, 1), 400, -32600},
		{"D14 a notification", "tools/call", "read", "2026-07-28", strings.Replace(body("tools/call", `"name":"read"`), `"id":1,`, "", 1), 202, 0},
		{"C14 a method of an extension", "tasks/get", "", "2026-07-28", body("tasks/get", `"taskId":"x"`), 404, -32601},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := bearer(reader)
			h.Set("Content-Type", "application/json")
			h.Set("Accept", "application/json, text/event-stream")
			h.Set("Mcp-Method", test.method)
			if test.tool != "" {
				h.Set("Mcp-Name", test.tool)
			}
			if test.version != "" {
				h.Set("Mcp-Protocol-Version", test.version)
			}
			a := post(t, f.engine, "/mcp", test.body, h)
			if a.status != test.status {
				t.Errorf("status %d, want %d: %s", a.status, test.status, a.body)
			}
			if ran := f.took(); len(ran) > 0 {
				t.Errorf("%v ran", ran)
			}
			if test.code != 0 {
				if m := a.message(t); m.Error == nil || m.Error.Code != test.code {
					t.Errorf("%s, want the code %d", a.body, test.code)
				}
			}
			f.checkSecret(t, reader, a)
		})
	}
}

// A name that only looks like the name of a feature is unknown.
func TestAttackD12Names(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	reader := f.token(nil)
	for _, name := range []string{"re\u0430d", "read ", " read", "read\u0000", "read\u200d", "\uff52ead", "READ", "./read", "read/", "", strings.Repeat("read", 2500)} {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		f.check(t, sendSession(t, f.engine, call{method: "tools/call", params: `"name":` + string(quoted), header: bearer(reader), login: reader}), nothing)
	}
}

// A batch is authorized as a whole before any of it runs.
func TestAttackD13Batch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{resource: []auth.ResourceOption{auth.OpenDiscovery()}})
	item := func(id int, tool string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q}}`, id, tool)
	}
	subscribe := `{"jsonrpc":"2.0","id":9,"method":"resources/subscribe","params":{"uri":"file:///write"}}`
	tests := []struct {
		name  string
		token string
		items []string
		want  verdict
	}{
		{"the last lacks a scope", f.token(nil), []string{item(1, "public"), item(2, "read"), item(3, "write")}, needs("mcp:write")},
		{"the first lacks a scope", f.token(nil), []string{item(1, "write"), item(2, "public")}, needs("mcp:write")},
		{"a subscription lacks a scope", f.token(nil), []string{item(1, "public"), subscribe}, needs("mcp:write")},
		{"a rule denies", f.token(nil), []string{item(1, "public"), item(2, "staff")}, denied},
		{"nobody", "", []string{item(1, "public"), item(2, "read")}, loginFor("mcp:read")},
	}
	for _, test := range tests {
		batch := "[" + strings.Join(test.items, ",") + "]"
		t.Run(test.name+", session", func(t *testing.T) {
			header := openSession(t, f.engine, "2025-03-26", bearer(test.token))
			f.check(t, post(t, f.engine, "/mcp", batch, header), test.want)
		})
		t.Run(test.name+", HTTP+SSE", func(t *testing.T) {
			s := openSSE(t, f.engine, bearer(test.token))
			s.post(t, fmt.Sprintf(initialize, "2025-03-26"), bearer(test.token))
			s.next(t)
			f.check(t, s.post(t, batch, bearer(test.token)), test.want)
		})
	}
	t.Run("all of it may run", func(t *testing.T) {
		header := openSession(t, f.engine, "2025-03-26", bearer(f.token(nil)))
		a := post(t, f.engine, "/mcp", "["+item(1, "public")+","+item(2, "secret")+","+item(3, "read")+"]", header)
		if ran := f.took(); a.status != http.StatusOK || len(ran) != 2 || !strings.Contains(a.body, "Unknown tool") {
			t.Errorf("status %d, %v ran: %s", a.status, ran, a.body)
		}
	})
}

// Origin and Host are checked before the token, so that a web page does not
// learn whether a token is good.
func TestAttackD16Origin(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{engine: []mcpengine.Option{mcpengine.WithHTTP(mcpengine.HTTPConfig{
		AllowedOrigins: []string{"https://app.example"}, AllowedHosts: []string{"rs.example"},
	})}})
	token := f.token(nil)
	for name, set := range map[string]func(*http.Request){
		"D16 another origin":          func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"D16 null":                    func(r *http.Request) { r.Header.Set("Origin", "null") },
		"D16 a suffix":                func(r *http.Request) { r.Header.Set("Origin", "https://app.example.evil.example") },
		"D16 looks like localhost":    func(r *http.Request) { r.Header.Set("Origin", "http://localhost.evil.example") },
		"D16 two origins":             func(r *http.Request) { r.Header["Origin"] = []string{"https://app.example", "https://evil.example"} },
		"D17 another host":            func(r *http.Request) { r.Host = "evil.example" },
		"D18 preflight of the origin": func(r *http.Request) { r.Method = http.MethodOptions; r.Header.Set("Origin", "https://evil.example") },
	} {
		for _, credentials := range []string{token, "garbage-that-is-no-token"} {
			t.Run(name, func(t *testing.T) {
				body, header := call{method: "tools/call", params: `"name":"read"`, header: bearer(credentials)}.stateless()
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", strings.NewReader(body))
				r.Header, r.Host = header, "rs.example"
				set(r)
				w := httptest.NewRecorder()
				f.engine.ServeHTTP(w, r)
				if w.Code != http.StatusForbidden || len(w.Header()["Www-Authenticate"])+len(w.Header()["Access-Control-Allow-Origin"]) > 0 {
					t.Errorf("%d %v", w.Code, w.Header())
				}
				if strings.Contains(f.logged(), "access token") || len(f.took()) > 0 {
					t.Error("the token was looked at")
				}
			})
		}
	}
}

// D18: pages of an allowed origin may ask, but never with credentials that the
// browser adds by itself.
func TestAttackD18Preflight(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{engine: []mcpengine.Option{mcpengine.WithHTTP(mcpengine.HTTPConfig{AllowedOrigins: []string{"https://app.example"}})}})
	header := http.Header{}
	header.Set("Origin", "https://app.example")
	header.Set("Access-Control-Request-Method", "POST")
	header.Set("Access-Control-Request-Headers", "authorization, content-type")
	a := serve(t, f.engine, http.MethodOptions, "/mcp", "", header)
	if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != "https://app.example" ||
		!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "authorization") || a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	body, h := call{method: "tools/call", params: `"name":"read"`, header: header}.stateless()
	a = post(t, f.engine, "/mcp", body, h)
	if a.status != http.StatusUnauthorized || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") ||
		strings.Join(a.header.Values("Vary"), ", ") != "Origin, Authorization" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// HTTP methods that the endpoint does not serve are refused, and the others
// need a token.
func TestAttackD21Methods(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	token := f.token(nil)
	for _, method := range []string{http.MethodPut, http.MethodHead, http.MethodPatch, "BREW"} {
		if a := serve(t, f.engine, method, "/mcp", "", bearer(token)); a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d", method, a.status)
		}
	}
	session := openSession(t, f.engine, "2025-11-25", bearer(token))
	session.Del("Authorization")
	f.check(t, serve(t, f.engine, http.MethodGet, "/mcp", "", session), nobody)
	f.check(t, serve(t, f.engine, http.MethodDelete, "/mcp", "", session), nobody)
	f.check(t, serve(t, f.engine.SSEHandler(""), http.MethodGet, "/sse", "", nil), nobody)
	f.check(t, post(t, f.engine, "/mcp", fmt.Sprintf(initialize, "2025-11-25"), handshakeHeader(nil)), nobody)
	f.check(t, serve(t, f.engine.SSEHandler(""), http.MethodPost, "/messages?sessionId=x", call{method: "tools/list"}.handshake(), handshakeHeader(nil)), nobody)
}

// No answer may be cached for another caller.
func TestAttackD26Caches(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	for _, token := range []string{"", "garbage-that-is-no-token", f.token(nil)} {
		for _, c := range []call{
			{method: "tools/list", header: bearer(token)},
			{method: "tools/call", params: `"name":"read"`, header: bearer(token)},
			{method: "tools/call", params: `"name":"write"`, header: bearer(token)},
			{method: "resources/read", params: `"uri":"file:///read"`, header: bearer(token)},
		} {
			a := sendStateless(t, f.engine, c)
			if a.header.Get("Cache-Control") != "no-store" || len(a.header.Values("Vary")) != 1 || a.header.Get("Vary") != "Authorization" {
				t.Errorf("%s: %d %v", c.method, a.status, a.header)
			}
		}
	}
}
