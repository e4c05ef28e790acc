package attack_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
)

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

// G12: a provider that is down, or answers nonsense, gives no token and keeps the
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
