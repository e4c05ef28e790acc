package attack_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
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

func from(address string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = address
		h.ServeHTTP(w, r)
	})
}

func tryBroker(config broker.Config) (*auth.Resource, error) {
	return auth.NewResource(resourceURL, broker.OIDC("https://id.example", "server", "secret", config))
}
