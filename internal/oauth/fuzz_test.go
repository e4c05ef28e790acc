package oauth

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// Scopes of any kind can be sent and shown.
func FuzzParseScopes(f *testing.F) {
	f.Add("mcp:read mcp:write")
	f.Add("a\"b \\ \x00")
	f.Fuzz(func(t *testing.T, list string) {
		for _, scope := range parseScopes(list) {
			if !validScope(scope) {
				t.Errorf("scope %q", scope)
			}
		}
	})
}

// Whatever a peer answers, what comes of it can be sent and shown.
func FuzzAnswers(f *testing.F) {
	const issuer = "https://id.example.com/tenant"
	for _, seed := range []string{
		`{"resource":"https://mcp.example.com/mcp","authorization_servers":["` + issuer + `"],"scopes_supported":["a","b c"]}`,
		`{"issuer":"` + issuer + `","token_endpoint":"https://id.example.com/token","code_challenge_methods_supported":["S256"]}`,
		`{"access_token":"t","token_type":"Bearer","expires_in":"3600","refresh_token":"r","scope":"a"}`,
		`{"error":"invalid_grant","error_description":"no"}`,
		`{"client_id":"c","client_secret":"s","client_secret_expires_at":0}`,
		`{"device_code":"d","user_code":"A-B","verification_uri":"https://id.example.com/","interval":1}`,
		`{"access_token":"t","issued_token_type":"urn:ietf:params:oauth:token-type:id-jag"}`,
	} {
		f.Add([]byte(seed))
	}
	home, err := url.Parse("https://mcp.example.com/mcp")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := parseResource(data, home, "https://mcp.example.com"+wellKnownResource); err == nil {
			if u, err := url.Parse(r.ID); err != nil || weburl.Origin(u) != weburl.Origin(home) || len(r.Servers) == 0 {
				t.Errorf("resource %q of %q", r.ID, r.Servers)
			}
		}
		if s, err := parseServer(data, issuer); err == nil && (s.Issuer != issuer || !strings.HasPrefix(s.Token, "https://")) {
			t.Errorf("server %+v", s)
		}
		now := time.Unix(1e9, 0)
		if tok, err := parseToken(data, false, now); err == nil {
			if strings.ContainsAny(tok.Access+tok.Refresh, "\r\n ") || tok.Bound || tok.Expiry.After(now.Add(maxTokenLife)) {
				t.Errorf("token that expires at %s", tok.Expiry)
			}
		}
		if message := refusal(&answer{status: 400, body: data}).Error(); strings.ContainsAny(message, "\r\n\x1b") || len(message) > 300 {
			t.Errorf("message %q", message)
		}
		f := &flow{server: &server{}}
		if c, err := f.parseRegistration(data, "http://127.0.0.1:1/callback"); err == nil && !plainText(c.ID) {
			t.Errorf("client id %q", c.ID)
		}
		if d, err := parseDevice(data, now); err == nil && (d.interval < minPollInterval || d.life > maxDeviceLife) {
			t.Errorf("device %+v", d)
		}
		_, _ = parseExchange(data)
	})
}

// What a token says of itself is shown as printable text of bounded length.
func FuzzExplainToken(f *testing.F) {
	for _, seed := range []string{`{"iss":"https://id.example.com","aud":"https://rs.example/mcp"}`, `{"aud":["a","b\u001b[31m"],"scope":["x"]}`, `{"aud":7}`, `[`, ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		s := &session{Issuer: "https://id.example.com", Resource: "https://rs.example/mcp"}
		s.Token.Access = "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".secret-signature"
		steps := &trace{}
		s.explain(steps, time.Now())
		text := ""
		for _, step := range steps.steps {
			text += step.Answer + step.Decision + step.Caution
		}
		if len(text) > 4<<10 || strings.Contains(text, "secret-signature") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("explained as %q", text)
		}
	})
}

// A callback that does not answer this sign-in has no code.
func FuzzCallback(f *testing.F) {
	for _, seed := range []string{"state=s&code=c", "state=s&code=c&iss=https://id.example.com", "state=s&error=e&error_description=d", "state=s&state=s&code=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		a := &attempt{flow: &flow{server: &server{Issuer: "https://id.example.com", SendsIssuer: true}}, state: "s"}
		code, err := a.code(q)
		if err == nil && (code == "" || len(q["state"]) != 1 || q.Get("state") != "s" || len(q["iss"]) != 1 || q.Get("iss") != a.server.Issuer) {
			t.Errorf("code %q of %q", code, query)
		}
	})
}
