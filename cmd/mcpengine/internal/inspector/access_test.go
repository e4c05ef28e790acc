package inspector_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/inspector"
)

// Every request that the page has not sent is refused, and has no effect.
func TestRefusals(t *testing.T) {
	t.Parallel()
	p := connected(t, inspector.Options{Target: &httpTarget{handler: newServer()}})
	for _, test := range []struct {
		name         string
		method, path string
		change       func(*http.Request)
		status       int
		want         string
	}{
		{"DNS rebinding", "GET", "/api/state", func(r *http.Request) { r.Host = "rebound.example" }, 421, "at the address"},
		{"localhost", "GET", "/api/state", func(r *http.Request) { r.Host = strings.Replace(r.URL.Host, "127.0.0.1", "localhost", 1) }, 421, "at the address"},
		{"no port in Host", "GET", "/api/state", func(r *http.Request) { r.Host = "127.0.0.1" }, 421, "at the address"},
		{"DNS rebinding of a file", "GET", "/", func(r *http.Request) { r.Host = "rebound.example" }, 421, "at the address"},
		{"foreign origin", "POST", "/api/request", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, "another origin"},
		{"opaque origin", "POST", "/api/request", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403, "another origin"},
		{"origin with another port", "POST", "/api/request", func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }, 403, "another origin"},
		{"two origins", "POST", "/api/request", func(r *http.Request) { r.Header["Origin"] = []string{p.base, "https://evil.example"} }, 403, "another origin"},
		{"page of another site", "GET", "/api/state", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, "another site"},
		{"page of another port", "GET", "/api/state", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403, "another site"},
		{"no token", "GET", "/api/state", func(r *http.Request) { r.Header.Del("Authorization") }, 401, "token"},
		{"wrong token", "GET", "/api/state", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.Repeat("A", len(p.token))) }, 401, "token"},
		{"no scheme", "GET", "/api/state", func(r *http.Request) { r.Header.Set("Authorization", p.token) }, 401, "token"},
		{"empty token", "GET", "/api/state", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, 401, "token"},
		{"two tokens", "GET", "/api/state", func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer " + p.token, "Bearer x"} }, 401, "token"},
		{"token in the query", "GET", "/api/state?token=" + p.token, func(r *http.Request) { r.Header.Del("Authorization") }, 401, "token"},
		{"token as a cookie", "GET", "/api/state", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.AddCookie(&http.Cookie{Name: "token", Value: p.token})
		}, 401, "token"},
		{"preflight", "OPTIONS", "/api/request", func(r *http.Request) { r.Header.Del("Authorization") }, 401, "token"},
		{"form of another site", "POST", "/api/request", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, "application/json"},
		{"url-encoded form", "POST", "/api/request", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415, "application/json"},
		{"no content type", "POST", "/api/request", func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "application/json"},
		{"GET that calls", "GET", "/api/request", nil, 405, ""},
		{"GET that reconnects", "GET", "/api/reconnect", nil, 405, ""},
		{"PUT", "PUT", "/api/state", nil, 405, ""},
		{"unknown path", "GET", "/api/exec", nil, 404, ""},
		{"POST of a file", "POST", "/index.html", nil, 405, "only read"},
		{"file outside of the page", "GET", "/../page.go", nil, 404, "no file"},
		{"escaped path", "GET", "/%2e%2e/doc.go", nil, 404, "no file"},
	} {
		body := ""
		if test.method == http.MethodPost {
			body = `{"method":"tools/call","params":{"name":"rename"}}`
		}
		r := p.request(test.method, test.path, body)
		if test.change != nil {
			test.change(r)
		}
		status, text := p.do(r)
		if status != test.status || !strings.Contains(text, test.want) {
			t.Errorf("%s: HTTP %d %s, want %d and %q", test.name, status, text, test.status, test.want)
		}
	}
	if _, text := p.get("/api/features"); strings.Contains(text, "new_tool") {
		t.Error("one of the requests has called the tool")
	}
}

// A request of the page is admitted as browsers send it.
func TestAdmitted(t *testing.T) {
	t.Parallel()
	p := connected(t, inspector.Options{Target: &httpTarget{handler: newServer()}})
	r := p.request(http.MethodPost, "/api/reconnect", "{}")
	r.Header.Set("Origin", p.base)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if status, text := p.do(r); status != http.StatusOK {
		t.Errorf("HTTP %d %s", status, text)
	}
}

// Bodies are bounded, and have the members that the API names.
func TestBodies(t *testing.T) {
	t.Parallel()
	p := connected(t, inspector.Options{Target: &httpTarget{handler: newServer()}})
	for _, test := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/api/version", `{"version":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "more than"},
		{"/api/version", `{"version":"1999-01-01"}`, 400, "2026-07-28"},
		{"/api/version", `{"ver":""}`, 400, "ver"},
		{"/api/version", `{"version":""}{}`, 400, "more after"},
		{"/api/version", `[]`, 400, "read the request"},
		{"/api/identity", `{"name":"mallory"}`, 400, "mallory"},
		{"/api/request", `{"method":""}`, 400, "name the method"},
		{"/api/request", `{"method":"notifications/cancelled","params":{}}`, 400, "name the method"},
		{"/api/answer", `{"question":"q1","action":"shrug"}`, 400, "accept"},
		{"/api/answer", `{"question":"q1","action":"accept"}`, 404, "any more"},
	} {
		if status, text := p.post(test.path, test.body); status != test.status || !strings.Contains(text, test.want) {
			t.Errorf("%s %.40s: HTTP %d %s, want %d and %q", test.path, test.body, status, text, test.status, test.want)
		}
	}
	for _, test := range []struct {
		path   string
		status int
	}{{"/api/events?after=x", 400}, {"/api/curl?seq=x", 400}, {"/api/curl?seq=999999", 404}, {"/api/record", 409}, {"/api/record?package=a-b", 400}, {"/api/record?server=)", 400}} {
		if status, text := p.get(test.path); status != test.status || !strings.Contains(text, `"error"`) {
			t.Errorf("GET %s: HTTP %d %s, want %d", test.path, status, text, test.status)
		}
	}
}

// Every answer forbids other pages to frame it, to read it and to add to it, and
// the token of each run is another one.
func TestHeaders(t *testing.T) {
	t.Parallel()
	p := start(t, inspector.Options{Target: &httpTarget{handler: newServer()}})
	for _, path := range []string{"/", "/api/state", "/none"} {
		resp, err := p.stream.Do(p.request(http.MethodGet, path, ""))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		policy := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "frame-src http://127.0.0.1:"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %q", path, policy, want)
			}
		}
		for name, want := range map[string]string{
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "", "Set-Cookie": "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", path, name, got, want)
			}
		}
	}
	if other := start(t, inspector.Options{Target: &httpTarget{handler: newServer()}}); other.token == p.token || len(p.token) != 43 {
		t.Errorf("tokens %q and %q", p.token, other.token)
	}
}

// The sandbox serves the frame of views to the page alone, with the policy that the
// specification makes of a view's CSP.
func TestSandbox(t *testing.T) {
	t.Parallel()
	p := start(t, inspector.Options{Target: &httpTarget{handler: newServer()}})
	_, state := p.get("/api/state")
	_, rest, _ := strings.Cut(state, `"sandbox":"`)
	origin, _, _ := strings.Cut(rest, `"`)
	if origin == p.base || !strings.HasPrefix(origin, "http://127.0.0.1:") {
		t.Fatalf("the sandbox is %q", origin)
	}
	for _, test := range []struct {
		path, host string
		status     int
		want       string // of the policy
	}{
		{"/sandbox.html", "", 200, "connect-src 'none'"},
		{"/sandbox.html?csp=" + `{"connectDomains":["https://api.example.com"],"frameDomains":["https://f.example"]}`, "", 200, "connect-src 'self' https://api.example.com; frame-src https://f.example"},
		{"/sandbox.html?csp=" + `{"resourceDomains":["https://cdn.example"]}`, "", 200, "script-src 'self' 'unsafe-inline' https://cdn.example"},
		{"/sandbox.html?csp=" + `{"connectDomains":["x%3B%20script-src%20*"]}`, "", 400, ""},
		{"/sandbox.html?csp=" + `{"connectDomains":["'unsafe-eval'"]}`, "", 400, ""},
		{"/sandbox.html?csp=" + `{"connectDomains":[""]}`, "", 400, ""},
		{"/sandbox.html?csp=1", "", 400, ""},
		{"/sandbox.html", "rebound.example", 421, ""},
		{"/", "", 404, ""},
		{"/api/state", "", 404, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+strings.ReplaceAll(test.path, " ", "%20"), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+p.token)
		if test.host != "" {
			r.Host = test.host
		}
		resp, err := p.stream.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		policy := resp.Header.Get("Content-Security-Policy")
		if resp.StatusCode != test.status || !strings.Contains(policy, test.want) {
			t.Errorf("GET %s: HTTP %d %q, want %d and %q", test.path, resp.StatusCode, policy, test.status, test.want)
		}
		if test.status == http.StatusOK && !strings.HasSuffix(policy, fmt.Sprintf("; frame-ancestors %s", p.base)) {
			t.Errorf("GET %s: the policy %q lets others than the page frame it", test.path, policy)
		}
	}
}
