package attack_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/internal/brokertest"
)

// G1: the browser is sent to a URI that the client has registered, byte for byte,
// except for the port of a loopback address.
func TestAttackG01Redirect(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	for _, test := range []struct {
		registered, asked string
		good              bool
	}{
		{appRedirect, appRedirect, true},
		{appRedirect, "", true}, // the only one
		{appRedirect, appRedirect + "/", false},
		{appRedirect, appRedirect + "?x=1", false},
		{appRedirect, appRedirect + "#f", false},
		{appRedirect, "https://app.example/callback/../evil", false},
		{appRedirect, "https://app.example/callbackevil", false},
		{appRedirect, "https://app.example/", false},
		{appRedirect, "https://APP.example/callback", false},
		{appRedirect, "https://app.example:443/callback", false},
		{appRedirect, "https://app.example:8443/callback", false},
		{appRedirect, "https://evil.app.example/callback", false},
		{appRedirect, "https://app.example.evil.example/callback", false},
		{appRedirect, "https://app.example@evil.example/callback", false},
		{appRedirect, "https://evil.example/?https://app.example/callback", false},
		{appRedirect, "https://evil.example\\@app.example/callback", false},
		{appRedirect, "http://app.example/callback", false},
		{appRedirect, "//app.example/callback", false},
		{appRedirect, "javascript:alert(1)//https://app.example/callback", false},
		{appRedirect, "data:text/html,hello", false},
		{"http://127.0.0.1:1234/cb", "http://127.0.0.1:5678/cb", true},
		{"http://127.0.0.1/cb", "http://127.0.0.1:5678/cb", true},
		{"http://[::1]:1/cb", "http://[::1]:2/cb", true},
		{"http://localhost:1/cb", "http://localhost:2/cb", true},
		{"http://localhost:1/cb", "http://127.0.0.1:1/cb", false},
		{"http://127.0.0.1:1/cb", "http://127.0.0.2:1/cb", false},
		{"http://127.0.0.1:1/cb", "http://127.0.0.1:1/other", false},
		{"http://127.0.0.1:1/cb", "http://127.0.0.1:1/cb?x=1", false},
		{"http://127.0.0.1:1/cb", "https://127.0.0.1:1/cb", false},
		{"http://127.0.0.1:1/cb", "http://127.0.0.1.evil.example:1/cb", false},
		{"http://127.0.0.1:1/cb", "http://user@127.0.0.1:1/cb", false},
		{"http://127.0.0.1:1/cb", "http://127.0.0.1:1/cb#f", false},
		{"cursor://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback", true},
		{"cursor://anysphere.cursor-mcp/oauth/callback", "cursor://evil/oauth/callback", false},
	} {
		c := d.client(t, test.registered)
		p := d.browser(t).Get(c.AuthorizationURL(map[string]string{"redirect_uri": test.asked}))
		status := http.StatusBadRequest
		if test.good {
			status = http.StatusOK
		}
		stays(t, test.registered+" asked for as "+test.asked, p, status)
		if !test.good && strings.Contains(p.Body, "href=") {
			t.Errorf("%s: the page has a link to it", test.asked)
		}
	}
	for _, uri := range []string{
		"javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://x", "about:blank",
		"http://app.example/callback", "https://app.example/#f", "https://u:p@app.example/", "https://app.example/\r\nSet-Cookie: a=b",
		"https:///callback", "https:app.example", "//app.example", "/callback", "", "intent://x#Intent;end", "unknown://x", "cursor:",
		"https://*.example/callback", "https://app.example/{x}", "http://127.0.0.1@evil.example/", "http://localhost.evil.example/",
		"https://app.example/" + strings.Repeat("a", 1024), "view-source:https://app.example", "https://app.example/ x", "ftp://app.example/x",
	} {
		c := brokertest.NewClient(t, d.internet, brokerURL, uri, resourceURL)
		a := c.Register(map[string]any{"client_name": "App", "redirect_uris": []string{appRedirect, uri}})
		refused(t, "registering "+uri, a, "invalid_redirect_uri")
	}
	// No scheme that a browser handles itself can be allowed.
	for _, scheme := range []string{"javascript", "data", "https", "http", "file", "blob", "", "Cursor", "a b", "vbscript"} {
		if _, err := tryBroker(broker.Config{RedirectSchemes: []string{scheme}}); err == nil {
			t.Errorf("scheme %q is allowed", scheme)
		}
	}
}

// G1: whatever is wrong with a request, the browser stays: a client that anybody can
// register must not turn the server into an open redirector.
func TestAttackG01OpenRedirector(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, "https://phishing.example/")
	for what, changes := range map[string]map[string]string{
		"response type": {"response_type": "token"}, "no response type": {"response_type": ""}, "hybrid": {"response_type": "code id_token"},
		"scope": {"scope": "a\tb"}, "no PKCE": {"code_challenge": ""}, "prompt": {"prompt": "none"}, "resource": {"resource": "https://other.example/mcp"},
		"mode": {"response_mode": "form_post"}, "fragment": {"response_mode": "fragment"}, "request": {"request": "x.y.z"}, "request_uri": {"request_uri": "https://169.254.169.254/"},
		"state": {"state": "line\nend"}, "long state": {"state": strings.Repeat("s", 3000)},
	} {
		stays(t, what, d.browser(t).Get(c.AuthorizationURL(changes)), http.StatusBadRequest)
	}
	twice := c.AuthorizationURL(nil) + "&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback"
	stays(t, "two redirect URIs", d.browser(t).Get(twice), http.StatusBadRequest)
}

// G2: PKCE with S256 is required, and the verifier has to be the one.
func TestAttackG02PKCE(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	for what, changes := range map[string]map[string]string{
		"none": {"code_challenge": "", "code_challenge_method": ""}, "plain": {"code_challenge_method": "plain", "code_challenge": c.Verifier},
		"no method": {"code_challenge_method": ""}, "short": {"code_challenge": "abc"}, "padded": {"code_challenge": strings.Repeat("A", 43) + "="},
		"lower case method": {"code_challenge_method": "s256"},
	} {
		stays(t, what, d.browser(t).Get(c.AuthorizationURL(changes)), http.StatusBadRequest)
	}
	for what, verifier := range map[string]string{
		"none": "", "short": "abc", "wrong": strings.Repeat("a", 43), "cut": c.Verifier[:len(c.Verifier)-1], "long": strings.Repeat("a", 129),
	} {
		code := c.Authorize(d.browser(t)).Get("code")
		refused(t, what, c.Redeem(code, map[string]string{"code_verifier": verifier}), "invalid_grant")
		if a := c.Redeem(code, nil); a.Status != http.StatusOK {
			t.Errorf("%s: the code was used up by a request that was refused: %d %s", what, a.Status, a.Body)
		}
	}
}

// G3: a code is good once, for one client and one redirect URI, for a minute.
func TestAttackG03Code(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c, other := d.client(t, appRedirect), d.client(t, appRedirect)
	code := c.Authorize(d.browser(t)).Get("code")
	refused(t, "another client", c.Redeem(code, map[string]string{"client_id": other.ID}), "invalid_grant")
	refused(t, "another redirect URI", c.Redeem(code, map[string]string{"redirect_uri": appRedirect + "/"}), "invalid_grant")
	refused(t, "no redirect URI", c.Redeem(code, map[string]string{"redirect_uri": ""}), "invalid_grant")
	refused(t, "no client", c.Redeem(code, map[string]string{"client_id": ""}), "invalid_client")
	for _, changed := range []string{code[:len(code)-1], code + "A", "B" + code[1:], code[:20] + "AAAA" + code[24:], "", code + "\n"} {
		refused(t, "a changed code", c.Redeem(changed, nil), "invalid_grant")
	}
	if a := c.Redeem(code, nil); a.Status != http.StatusOK {
		t.Fatalf("the code is not good: %d %s", a.Status, a.Body)
	}
	refused(t, "replay", c.Redeem(code, nil), "invalid_grant")
	late := c.Authorize(d.browser(t)).Get("code")
	d.wait(time.Minute)
	refused(t, "after a minute", c.Redeem(late, nil), "invalid_grant")
}

// G3: of two replicas that get one code at the same time, one gives a token.
func TestAttackG03Replicas(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	_, second := d.replica(t, resourceURL, deputyKey)
	for range 20 {
		c := d.client(t, appRedirect)
		code := c.Authorize(d.browser(t)).Get("code")
		var wg sync.WaitGroup
		answers := make([]brokertest.Answer, 6)
		for i := range answers {
			copied := *c
			if i%2 == 1 {
				copied = *brokertest.NewClient(t, brokertest.Internet{"rs.example": second}, brokerURL, c.Redirect, c.Resource)
				copied.ID, copied.Verifier = c.ID, c.Verifier
			}
			wg.Go(func() { answers[i] = copied.Redeem(code, nil) })
		}
		wg.Wait()
		good := 0
		for _, a := range answers {
			if a.Status == http.StatusOK {
				good++
			} else {
				refused(t, "replay", a, "invalid_grant")
			}
		}
		if good != 1 {
			t.Errorf("%d of the replicas gave a token, want 1", good)
		}
	}
}

// G4: a sign-in belongs to the browser in which a person agreed. The URL of the
// provider, or of the callback, is worth nothing in another one.
func TestAttackG04Browser(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	attacker, victim := d.browser(t), d.browser(t)
	toProvider := attacker.Decide(attacker.Get(c.AuthorizationURL(nil)), "allow")
	callback := victim.Follow(brokertest.Page{Location: toProvider.Location}, brokerURL+"/oauth/callback")
	stays(t, "the attacker's request in the victim's browser", victim.Get(callback), http.StatusForbidden)

	// A cookie that is forged, or of another client's sign-in.
	mine := victim.Decide(victim.Get(d.client(t, appRedirect).AuthorizationURL(nil)), "allow")
	var own string
	for _, cookie := range victim.Cookies(brokerURL) {
		if strings.HasPrefix(cookie.Name, "__Host-mcpengine-signin-") {
			own = cookie.Value
		}
	}
	if own == "" || mine.Location == "" {
		t.Fatal("the victim's own sign-in has no cookie")
	}
	var name string
	for _, cookie := range attacker.Cookies(brokerURL) {
		if strings.HasPrefix(cookie.Name, "__Host-mcpengine-signin-") {
			name = cookie.Name
		}
	}
	for what, value := range map[string]string{"another client's": own, "forged": "AAAA", "empty": "", "a client id": c.ID} {
		victim.SetCookie(brokerURL, &http.Cookie{Name: name, Value: value, Path: "/", Secure: true})
		stays(t, what, victim.Get(callback), http.StatusForbidden)
	}

	// The callback is good once.
	back := attacker.Follow(toProvider, brokerURL+"/oauth/callback")
	if p := attacker.Get(back); !strings.HasPrefix(p.Location, appRedirect+"?") {
		t.Errorf("the attacker's own sign-in: %d %s", p.Status, brokertest.Text(p.Body))
	}
	stays(t, "the same callback again", attacker.Get(back), http.StatusForbidden)
}

// G5: a consent page is sent by the browser that has opened it, and by a click on
// it.
func TestAttackG05Forgery(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	attacker, victim := d.browser(t), d.browser(t)
	page := attacker.Get(c.AuthorizationURL(nil))
	action, fields, err := page.Form()
	if err != nil {
		t.Fatal(err)
	}
	fields.Set("decision", "allow")
	same := http.Header{"Sec-Fetch-Site": {"same-origin"}}
	stays(t, "in a browser without cookies", victim.Post(action, fields, same), http.StatusForbidden)
	victim.Get(c.AuthorizationURL(nil))
	stays(t, "in a browser with a page of its own", victim.Post(action, fields, same), http.StatusForbidden)
	forged := d.browser(t)
	for _, cookie := range attacker.Cookies(brokerURL) {
		value := []byte(cookie.Value)
		value[len(value)/2] ^= 1
		forged.SetCookie(brokerURL, &http.Cookie{Name: cookie.Name, Value: string(value), Path: "/", Secure: true})
	}
	stays(t, "with a forged cookie", forged.Post(action, fields, same), http.StatusForbidden)
	stays(t, "with the cookie of another client's page", d.pageCookie(t).Post(action, fields, same), http.StatusForbidden)
	for what, header := range map[string]http.Header{
		"another site":       {"Sec-Fetch-Site": {"cross-site"}},
		"the same site":      {"Sec-Fetch-Site": {"same-site"}},
		"no page":            {"Sec-Fetch-Site": {"none"}},
		"another origin":     {"Origin": {"https://evil.example"}},
		"no origin":          {"Origin": {"null"}},
		"an origin of a kin": {"Origin": {"https://rs.example.evil.example"}},
	} {
		stays(t, what, attacker.Post(action, fields, header), http.StatusForbidden)
	}
	for what, form := range map[string]url.Values{
		"no decision":     {"request": fields["request"]},
		"another one":     {"request": fields["request"], "decision": {"yes"}},
		"two":             {"request": fields["request"], "decision": {"", "allow"}},
		"in capitals":     {"request": fields["request"], "decision": {"ALLOW"}},
		"no request":      {"decision": {"allow"}},
		"another request": {"request": {c.ID}, "decision": {"allow"}},
	} {
		if p := attacker.Post(action, form, same); p.Location != "" || p.Status < 400 {
			t.Errorf("%s: HTTP status %d to %s", what, p.Status, p.Location)
		}
	}
	d.wait(10 * time.Minute)
	stays(t, "after ten minutes", attacker.Post(action, fields, same), http.StatusForbidden)
}

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

// G9: every kind of sealed value has keys of its own: in any other place than its
// own it is worth nothing.
func TestAttackG09Swapped(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	b := d.browser(t)
	page := b.Get(c.AuthorizationURL(nil))
	_, fields, err := page.Form()
	if err != nil {
		t.Fatal(err)
	}
	toProvider := b.Decide(page, "allow")
	var cookie string
	for _, kept := range b.Cookies(brokerURL) {
		if strings.Contains(kept.Name, "signin") {
			cookie = kept.Value
		}
	}
	code := c.Back(b.Follow(toProvider, appRedirect)).Get("code")
	tokens := c.Redeem(code, nil)
	values := map[string]string{
		"client id": c.ID, "form": fields.Get("request"), "cookie": cookie, "code": c.Authorize(d.browser(t)).Get("code"),
		"refresh token": tokens.Text("refresh_token"), "access token": tokens.Text("access_token"),
	}
	for kind, value := range values {
		if value == "" {
			t.Fatalf("no %s", kind)
		}
		if kind != "client id" {
			stays(t, kind+" as client id", d.browser(t).Get(c.AuthorizationURL(map[string]string{"client_id": value})), http.StatusBadRequest)
		}
		if kind != "form" {
			form := url.Values{"request": {value}, "decision": {"allow"}}
			stays(t, kind+" as form", b.Post(brokerURL+"/oauth/authorize", form, http.Header{"Sec-Fetch-Site": {"same-origin"}}), http.StatusForbidden)
		}
		if kind != "code" {
			refused(t, kind+" as code", c.Redeem(value, nil), "invalid_grant")
		}
		if kind != "refresh token" {
			refused(t, kind+" as refresh token", c.Refresh(value, nil), "invalid_grant")
		}
		if kind != "access token" {
			if _, challenge := d.user(t, d.resource, value); challenge == nil || challenge.Status != http.StatusUnauthorized {
				t.Errorf("%s as access token: %+v", kind, challenge)
			}
		}
	}
}

// G9: values of a server whose key is gone, or of another server with the same key,
// are refused.
func TestAttackG09Keys(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	tokens := c.Redeem(c.Authorize(d.browser(t)).Get("code"), nil)
	next := slices.Repeat([]byte{2}, 32)
	rotated, sealed := d.replica(t, resourceURL, next, deputyKey)
	gone, stranger := d.replica(t, resourceURL, next)
	sister, _ := d.replica(t, "https://rs.example/sister", deputyKey)
	if _, challenge := d.user(t, rotated, tokens.Text("access_token")); challenge != nil {
		t.Errorf("after a rotation: %s", challenge.Message)
	}
	d.internet["rs.example"] = sealed
	renewed := c.Refresh(tokens.Text("refresh_token"), nil)
	if renewed.Status != http.StatusOK {
		t.Errorf("renewed after a rotation: %d %s", renewed.Status, renewed.Body)
	}
	if _, challenge := d.user(t, d.resource, renewed.Text("access_token")); challenge == nil {
		t.Error("a replica without the new key takes its tokens")
	}
	for what, r := range map[string]*auth.Resource{"without the key": gone, "a sister server": sister} {
		if _, challenge := d.user(t, r, tokens.Text("access_token")); challenge == nil || challenge.Status != http.StatusUnauthorized {
			t.Errorf("%s: the token is accepted", what)
		}
	}
	d.internet["rs.example"] = stranger
	refused(t, "refresh without the key", c.Refresh(tokens.Text("refresh_token"), nil), "invalid_grant")
	stays(t, "client without the key", d.browser(t).Get(c.AuthorizationURL(nil)), http.StatusBadRequest)
}

// G10: a token is for this server, whatever a client asks for.
func TestAttackG10Resource(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	for resource, good := range map[string]bool{
		"": true, resourceURL: true, resourceURL + "/": true, "HTTPS://RS.example/mcp": true,
		"https://rs.example": false, "https://rs.example/mcp/other": false, "https://evil.example/mcp": false, resourceURL + "#f": false,
		resourceURL + "?x": false, "https://u@rs.example/mcp": false, "mcp": false,
	} {
		status := http.StatusBadRequest
		if good {
			status = http.StatusOK
		}
		stays(t, "resource "+resource, d.browser(t).Get(c.AuthorizationURL(map[string]string{"resource": resource})), status)
	}
	both := c.AuthorizationURL(nil) + "&resource=" + url.QueryEscape("https://evil.example/mcp")
	stays(t, "two resources", d.browser(t).Get(both), http.StatusBadRequest)
	code := c.Authorize(d.browser(t)).Get("code")
	refused(t, "another resource at the token endpoint", c.Redeem(code, map[string]string{"resource": "https://evil.example/mcp"}), "invalid_target")
	tokens := c.Redeem(code, nil)
	refused(t, "another resource when renewing", c.Refresh(tokens.Text("refresh_token"), map[string]string{"resource": "https://evil.example/mcp"}), "invalid_target")
}

// G11, G18: the answer of the provider names the provider, is of this sign-in, and
// ours names us, on errors too.
func TestAttackG11MixUp(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	for what, changes := range map[string]map[string]string{
		"another issuer": {"iss": "https://evil.example"}, "no issuer": {"iss": ""}, "a slash": {"iss": d.idp.Issuer() + "/"},
		"an error of another issuer": {"iss": "https://evil.example", "error": "access_denied", "error_description": "visit evil.example"},
		"an error":                   {"error": "server_error", "error_description": "<script>"},
		"no code":                    {"code": ""},
	} {
		b := d.browser(t)
		back := b.Follow(b.Decide(b.Get(c.AuthorizationURL(nil)), "allow"), brokerURL+"/oauth/callback")
		p := b.Get(with(back, changes))
		got := c.Back(p.Location)
		if !strings.HasPrefix(p.Location, appRedirect+"?") || got.Get("code") != "" || got.Get("error") != "server_error" || got.Get("iss") != brokerURL ||
			got.Get("state") != c.State || strings.Contains(p.Location, "evil") || strings.Contains(p.Location, "%3Cscript") {
			t.Errorf("%s: sent to %s", what, p.Location)
		}
	}
	b := d.browser(t)
	back := b.Follow(b.Decide(b.Get(c.AuthorizationURL(nil)), "allow"), brokerURL+"/oauth/callback")
	stays(t, "another state", b.Get(with(back, map[string]string{"state": "other"})), http.StatusForbidden)
	stays(t, "no state", b.Get(with(back, map[string]string{"state": ""})), http.StatusBadRequest)
	stays(t, "two states", b.Get(back+"&state=other"), http.StatusBadRequest)
	stays(t, "two codes", b.Get(back+"&code=other"), http.StatusBadRequest)
}

// G11: the ID token is the provider's, for our client, of this sign-in.
func TestAttackG11IDToken(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	stranger := authtest.NewProvider(t)
	for what, claims := range map[string]authtest.Claims{
		"of another sign-in": {"nonce": "other"}, "without a nonce": {"nonce": nil}, "for another client": {"aud": "other", "azp": "other"},
		"for another party": {"azp": "other"}, "of another issuer": {"iss": stranger.Issuer()}, "expired": {"exp": d.clock().Add(-time.Hour).Unix()},
		"without a subject": {"sub": nil}, "with two audiences and no party": {"aud": []string{"server", "other"}, "azp": nil},
	} {
		code := c.Authorize(d.browser(t)).Get("code")
		d.idp.Override(authtest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"access_token":"x","token_type":"Bearer","id_token":%q}`, d.idp.IDToken("server", claims))
		}))
		refused(t, what, c.Redeem(code, nil), "invalid_grant")
		d.idp.Override(authtest.TokenPath, nil)
	}
}

// G12: a provider that is away, or answers nonsense, gives no token and keeps the
// client's.
func TestAttackG12Outage(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	c := d.client(t, appRedirect)
	tokens := c.Redeem(c.Authorize(d.browser(t)).Get("code"), nil)
	for what, h := range map[string]http.HandlerFunc{
		"503":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"a page":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"no ID token": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"access_token":"x"}`) },
		"our mistake": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
		},
		"names twice":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"access_token":"x","access_token":"y"}`) },
		"too much":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 600<<10)) },
		"an odd status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
	} {
		d.idp.Override(authtest.TokenPath, h)
		a := c.Refresh(tokens.Text("refresh_token"), nil)
		if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Text("error") != "server_error" {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}
	d.idp.Override(authtest.TokenPath, nil)
	if a := c.Refresh(tokens.Text("refresh_token"), nil); a.Status != http.StatusOK {
		t.Errorf("afterwards: %d %s", a.Status, a.Body)
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

// G14: a refresh token belongs to its client and its scopes.
func TestAttackG14Refresh(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	d.idp.KeepRefreshTokens(true)
	c, other := d.client(t, appRedirect), d.client(t, appRedirect)
	c.Scope = "mcp:read"
	tokens := c.Redeem(c.Authorize(d.browser(t)).Get("code"), nil)
	refresh := tokens.Text("refresh_token")
	refused(t, "another client", other.Refresh(refresh, nil), "invalid_grant")
	refused(t, "no client", c.Refresh(refresh, map[string]string{"client_id": ""}), "invalid_client")
	refused(t, "more scopes", c.Refresh(refresh, map[string]string{"scope": "mcp:read mcp:write"}), "invalid_scope")
	refused(t, "other scopes", c.Refresh(refresh, map[string]string{"scope": "mcp:write"}), "invalid_scope")
	if a := c.Refresh(refresh, map[string]string{"scope": "mcp:read offline_access"}); a.Text("scope") != "mcp:read" {
		t.Errorf("the same scopes: %d %s", a.Status, a.Body)
	}
	d.wait(time.Minute)
	d.idp.Override(authtest.TokenPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"access_token":"x","token_type":"Bearer","id_token":%q}`, d.idp.IDToken("server", authtest.Claims{"sub": "mallory", "nonce": nil}))
	}))
	refused(t, "another user", c.Refresh(refresh, nil), "invalid_grant")
	d.idp.Override(authtest.TokenPath, nil)
	d.wait(31 * 24 * time.Hour)
	refused(t, "after the session", c.Refresh(refresh, nil), "invalid_grant")
}

// G15: nothing of the provider's reaches the client, and nothing secret the log.
func TestAttackG15Secrets(t *testing.T) {
	t.Parallel()
	d := newDeputy(t, nil)
	var sent []string
	handle := d.idp
	d.internet[strings.TrimPrefix(d.idp.Issuer(), "http://")] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.URL.Query().Get("state"), r.URL.Query().Get("nonce"))
		handle.ServeHTTP(w, r)
	})
	c := d.client(t, appRedirect)
	b := d.browser(t)
	back := b.Follow(b.Decide(b.Get(c.AuthorizationURL(nil)), "allow"), brokerURL+"/oauth/callback")
	theirs := c.Back(back).Get("code")
	answer := c.Back(b.Follow(b.Get(back), appRedirect))
	tokens := c.Redeem(answer.Get("code"), nil)
	c.Redeem(answer.Get("code"), nil)
	renewed := c.Refresh(tokens.Text("refresh_token"), nil)
	c.Refresh("nonsense-"+tokens.Text("refresh_token"), nil)
	for what, text := range map[string]string{"token": tokens.Body, "renewed": renewed.Body} {
		if strings.Contains(text, theirs) || strings.Contains(text, "id_token") || strings.Contains(text, "secret of the server") {
			t.Errorf("the %s answer has something of the provider's", what)
		}
	}
	secrets := append(sent, theirs, c.State, c.Verifier, answer.Get("code"), tokens.Text("access_token"), tokens.Text("refresh_token"), renewed.Text("refresh_token"),
		"the secret of the server")
	for _, cookie := range b.Cookies(brokerURL) {
		secrets = append(secrets, cookie.Value)
	}
	log := d.logged()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(log, secret) {
			t.Errorf("the log has %.12s…", secret)
		}
	}
}

func from(address string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = address
		h.ServeHTTP(w, r)
	})
}

func tryBroker(config broker.Config) (*auth.Resource, error) {
	return auth.NewResource(resourceURL, broker.OIDC("https://id.example", "server", "secret", config))
}
