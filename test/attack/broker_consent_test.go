package attack_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// pageCookie returns a browser that has the page of another client open.
func (d *deputy) pageCookie(t *testing.T) *brokertest.Browser {
	t.Helper()
	b := d.browser(t)
	b.Get(d.client(t, "https://other.example/callback").AuthorizationURL(nil))
	return b
}

// G6: a person is asked for each client and each time. The provider, which knows one
// client for all of them, would not ask.
func TestAttackG06ConfusedDeputy(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	b := d.browser(t)
	c := d.client(t, appRedirect)
	c.Authorize(b)
	evil := d.client(t, "https://evil.example/")
	for what, client := range map[string]*brokertest.Client{"another client": evil, "the same client": c} {
		p := b.Get(client.AuthorizationURL(nil))
		stays(t, what, p, http.StatusOK)
		if !strings.Contains(brokertest.Text(p.Body), "Allow App to use Board") {
			t.Errorf("%s: nobody is asked: %s", what, brokertest.Text(p.Body))
		}
	}
	p := b.Decide(b.Get(evil.AuthorizationURL(nil)), "deny")
	back := evil.Back(p.Location)
	if !strings.HasPrefix(p.Location, "https://evil.example/?") || back.Get("error") != "access_denied" || back.Get("code") != "" ||
		back.Get("iss") != brokerURL || back.Get("state") != evil.State {
		t.Errorf("a person who does not agree is sent to %s", p.Location)
	}
	if n := d.idp.Requests(authtest.AuthorizePath); n != 1 {
		t.Errorf("the provider was asked %d times, once with consent", n)
	}
}

// G7: the page cannot be framed, runs nothing, and shows a client's text as text.
func TestAttackG07Page(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := brokertest.NewClient(t, d.internet, brokerURL, "https://app.example/<script>", resourceURL)
	c.Redirect = "https://app.example/callback"
	if a := c.Register(map[string]any{
		"client_name":   "Claude\u202egpj\u2066\u200b\x00\x1b[31m</h1><script>alert(1)</script> a\u0301\u0302\u0303\u0304\u0305\u0306 " + strings.Repeat("x", 200),
		"redirect_uris": []string{c.Redirect}, "logo_uri": "https://evil.example/track.png", "client_uri": "javascript:alert(1)", "tos_uri": "javascript:alert(1)",
	}); a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	p := d.browser(t).Get(c.AuthorizationURL(map[string]string{"scope": "mcp:read \u003cscript>"}))
	stays(t, "consent", p, http.StatusOK)
	for name, want := range map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8", "Referrer-Policy": "same-origin",
	} {
		if got := p.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := p.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %s", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") {
		t.Errorf("policy %q", policy)
	}
	for _, bad := range []string{"<script", "javascript:", "evil.example", "\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\u0303", strings.Repeat("x", 61)} {
		if strings.Contains(p.Body, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, cookie := range p.Header["Set-Cookie"] {
		for _, want := range []string{"__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("cookie without %s: %.60s", want, cookie)
			}
		}
	}
}

// G8: any program of the computer can use a client's loopback address and its id. The
// page says so, and where the answer goes.
func TestAttackG08Loopback(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.documented(t, map[string]any{"client_name": "Famous", "redirect_uris": []string{"http://127.0.0.1/cb", appRedirect}})
	for redirect, want := range map[string][]string{
		"http://127.0.0.1:666/cb": {"A program on this computer", "http://127.0.0.1:666/cb", "Any program on this device can say that it is Famous", "client.example"},
		appRedirect:               {"app.example", "client.example"},
	} {
		said := brokertest.Text(d.browser(t).Get(c.AuthorizationURL(map[string]string{"redirect_uri": redirect})).Body)
		for _, text := range want {
			if !strings.Contains(said, text) {
				t.Errorf("%s: the page does not say %q: %s", redirect, text, said)
			}
		}
		if warns := strings.Contains(said, "Any program"); warns != strings.HasPrefix(redirect, "http:") {
			t.Errorf("%s: warns %t", redirect, warns)
		}
	}
}

// G13: registration is bounded, and a flood of one caller leaves room for others.
func TestAttackG13Registration(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := brokertest.NewClient(t, d.internet, brokerURL, appRedirect, resourceURL)
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("https://app.example/%d", i)
	}
	if a := c.Register(map[string]any{"redirect_uris": many}); a.Status < 400 || a.Status >= 500 {
		t.Errorf("a thousand redirect URIs: %d %.200s", a.Status, a.Body)
	}
	long := make([]string, 16)
	for i := range long {
		long[i] = fmt.Sprintf("https://app.example/%d/%s", i, strings.Repeat("a", 500))
	}
	refused(t, "long redirect URIs", c.Register(map[string]any{"redirect_uris": long}), "invalid_client_metadata")
	for what, body := range map[string]string{
		"a megabyte": `{"redirect_uris":["https://app.example/` + strings.Repeat("a", 1<<20) + `"]}`, "no JSON": "hello", "a list": "[]",
		"null": "null", "names twice": `{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}`,
		"in capitals": `{"Redirect_URIs":["https://a.example/"]}`, "nothing": "", "deep": strings.Repeat("[", 10000),
		"a key": `{"redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt"}`,
	} {
		if a := c.Send("/oauth/register", "application/json", body); a.Status < 400 || a.Status >= 500 || a.Text("client_id") != "" {
			t.Errorf("%s: %d %.200s", what, a.Status, a.Body)
		}
	}
	if a := c.Send("/oauth/register", "text/plain", `{"redirect_uris":["https://a.example/"]}`); a.Status != http.StatusBadRequest {
		t.Errorf("a form of a web page: %d", a.Status)
	}
	limited := 0
	for range 300 {
		if a := c.Register(map[string]any{"redirect_uris": []string{appRedirect}}); a.Status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("a flood is not limited")
	}
	d.internet["rs.example"] = from("198.51.100.7:1", d.engine)
	if a := c.Register(map[string]any{"redirect_uris": []string{appRedirect}}); a.Status != http.StatusCreated {
		t.Errorf("another caller: %d %s", a.Status, a.Body)
	}
	d.internet["rs.example"] = d.engine
	d.wait(time.Minute)
	if a := c.Register(map[string]any{"redirect_uris": []string{appRedirect}}); a.Status != http.StatusCreated {
		t.Errorf("a minute later: %d %s", a.Status, a.Body)
	}
}
