package attack_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
)

// badTokens returns tokens that must not be accepted. The tests of auth/idp
// have many more. The tests here check what the engine does with a refused
// token.
func badTokens(f *fixture) map[string]string {
	good := f.token(nil)
	parts := strings.Split(good, ".")
	return map[string]string{
		"A01 no signature":               "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"A05 signature of another token": parts[0] + "." + parts[1] + "." + strings.Split(f.token(authtest.Claims{"sub": "bob"}), ".")[2],
		"A06 payload swapped":            parts[0] + "." + strings.Split(f.token(authtest.Claims{"scope": "mcp:admin"}), ".")[1] + "." + parts[2],
		"A21 JSON serialization":         `{"payload":"` + parts[1] + `"}`,
		"A24 too long":                   strings.Repeat("a", auth.MaxTokenBytes+1),
		"B01 another issuer":             f.token(authtest.Claims{"iss": "https://evil.example"}),
		"B03 no issuer":                  f.token(authtest.Claims{"iss": nil}),
		"B08 no audience":                f.token(authtest.Claims{"aud": nil}),
		"B10 audience of another server": f.token(authtest.Claims{"aud": "https://other.example/mcp"}),
		"B12 without an expiry":          f.token(authtest.Claims{"exp": nil}),
		"B14 not valid yet":              f.token(authtest.Claims{"nbf": time.Now().Add(time.Hour).Unix()}),
		"B15 no subject":                 f.token(authtest.Claims{"sub": nil}),
		"B16 ID token":                   f.idp.IDToken(resourceURL, nil),
		"B24 any text":                   "garbage-that-python-let-pass",
		"B28 opaque token":               f.idp.OpaqueToken(resourceURL, nil),
	}
}

// An invalid token is refused with 401 before the body is read, even if the
// feature needs no token.
func TestAttackBadTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	good := f.token(nil)
	for name, token := range badTokens(f) {
		for _, feature := range []string{"public", "read"} {
			for _, way := range ways {
				t.Run(name+" for "+feature+" over "+way.name, func(t *testing.T) {
					a := way.send(t, f.engine, call{method: "tools/call", params: `"name":"` + feature + `"`, header: bearer(token), login: good})
					f.check(t, a, badToken)
					f.checkSecret(t, token, a)
				})
			}
		}
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			t.Run(name+" "+method, func(t *testing.T) {
				header := openSession(t, f.engine, "2025-11-25", bearer(good))
				header.Set("Authorization", "Bearer "+token)
				a := serve(t, f.engine, method, "/mcp", "", header)
				f.check(t, a, badToken)
				f.checkSecret(t, token, a)
			})
		}
		t.Run(name+" GET /sse", func(t *testing.T) {
			a := serve(t, f.engine.SSEHandler(""), http.MethodGet, "/sse", "", bearer(token))
			f.check(t, a, badToken)
			f.checkSecret(t, token, a)
		})
	}
}

func TestAttackB12Expired(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	token := f.token(authtest.Claims{"exp": time.Now().Add(-time.Hour).Unix()})
	want := badToken
	want.challenge = strings.Replace(want.challenge, "is invalid", "has expired", 1)
	a := sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"read"`, header: bearer(token)})
	f.check(t, a, want)
}

// The refusal of a token that is bound to a key names the scheme for such
// tokens.
func TestAttackB20BoundToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	for _, way := range ways {
		token := f.token(authtest.Claims{"cnf": map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}})
		a := way.send(t, f.engine, call{method: "tools/call", params: `"name":"read"`, header: bearer(token), login: f.token(nil)})
		if got := strings.Join(a.header.Values("WWW-Authenticate"), ", "); a.status != http.StatusUnauthorized || !strings.Contains(got, "DPoP error=") {
			t.Errorf("%s: %d %s", way.name, a.status, got)
		}
	}
}

// unread is a body that fails the test when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.ErrUnexpectedEOF
}

// A request with a bad token is refused before its body is read.
func TestAttackD23BodyIsNotRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	f.token(nil)
	for _, path := range []string{"/mcp", "/messages"} {
		var h http.Handler = f.engine
		if path == "/messages" {
			h = f.engine.SSEHandler("")
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, unread{t})
		r.Header = handshakeHeader(bearer("garbage-that-is-no-token"))
		r.Header.Set("Expect", "100-continue")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("POST %s: status %d", path, w.Code)
		}
	}
}

// Faults of the Python MCPEngine that this engine must not have.
func TestPythonFaults(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	reader := f.token(authtest.Claims{"sid": "session-of-somebody", "user_id": "admin"})
	tests := []struct {
		name string
		call call
		want verdict
		says string
	}{
		{"any bearer was accepted", call{method: "tools/call", params: `"name":"plain"`, header: bearer("xxxxxxxxxxxxxxxx")}, badToken, ""},
		{
			"audiences were not compared",
			call{method: "tools/call", params: `"name":"plain"`, header: bearer(f.idp.AccessToken("https://other.example/mcp", nil))},
			badToken, "",
		},
		{
			"a failed JWT was looked up as an opaque token",
			call{method: "tools/call", params: `"name":"plain"`, header: bearer(f.idp.OpaqueToken(resourceURL, nil))},
			badToken, "",
		},
		{"resources had no scopes", call{method: "resources/read", params: `"uri":"file:///write"`, header: bearer(reader)}, needs("mcp:write"), ""},
		{"templates had no scopes", call{method: "resources/read", params: `"uri":"file:///write/x"`, header: bearer(reader)}, needs("mcp:write"), ""},
		{
			"only three methods were checked",
			call{
				method: "completion/complete", header: bearer(reader),
				params: `"ref":{"type":"ref/prompt","name":"write"},"argument":{"name":"topic","value":""}`,
			},
			needs("mcp:write"), "",
		},
		{
			"the client said who its user was",
			call{method: "tools/call", params: `"name":"plain","user_context":{"sub":"admin","user_id":"admin"}`, header: bearer(reader)},
			passes, "hello alice",
		},
		{"the user was taken from sid", call{method: "tools/call", params: `"name":"plain"`, header: bearer(reader)}, passes, "hello alice"},
	}
	for _, test := range tests {
		for _, way := range ways {
			t.Run(test.name+" over "+way.name, func(t *testing.T) {
				test.call.login = reader
				a := way.send(t, f.engine, test.call)
				f.check(t, a, test.want)
				if !strings.Contains(a.body, test.says) {
					t.Errorf("body %s, want %q in it", a.body, test.says)
				}
			})
		}
	}
	t.Run("a renamed tool was open", func(t *testing.T) {
		f.engine.RemoveTools("write")
		for _, name := range policies()["write"] {
			addTool(f.engine, "renamed", name)
		}
		a := sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"renamed"`, header: bearer(reader)})
		f.check(t, a, needs("mcp:write"))
	})
	t.Run("the stream of HTTP+SSE was open", func(t *testing.T) {
		f.check(t, serve(t, f.engine.SSEHandler(""), http.MethodGet, "/sse", "", nil), nobody)
	})
}
