package attack_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth/authtest"
)

// A verdict is the answer that a test expects.
type verdict struct {
	status    int
	challenge string // WWW-Authenticate
	data      map[string]any
	unknown   bool // answered as if there were nothing of that name
}

var (
	passes  = verdict{status: http.StatusOK}
	denied  = verdict{status: http.StatusForbidden}
	nothing = verdict{status: http.StatusOK, unknown: true}
	nobody  = verdict{status: http.StatusUnauthorized, challenge: `Bearer resource_metadata="` + metadataURL + `"`}
)

// needs returns the verdict for a caller that lacks one of the scopes.
func needs(scopes string) verdict {
	return verdict{
		status: http.StatusForbidden,
		challenge: `Bearer error="insufficient_scope", error_description="the access token lacks a scope that this operation needs", ` +
			`scope="` + scopes + `", resource_metadata="` + metadataURL + `"`,
		data: map[string]any{"error": "insufficient_scope", "scope": scopes, "resource_metadata": metadataURL},
	}
}

// loginFor returns the verdict for a request without a token that needs the
// scopes.
func loginFor(scopes string) verdict {
	return verdict{
		status:    http.StatusUnauthorized,
		challenge: nobody.challenge + `, scope="` + scopes + `"`,
		data:      map[string]any{"scope": scopes, "resource_metadata": metadataURL},
	}
}

// badToken is the verdict for an invalid token: 401T.
var badToken = verdict{
	status: http.StatusUnauthorized,
	challenge: `Bearer error="invalid_token", error_description="the access token is invalid", ` +
		`resource_metadata="` + metadataURL + `"`,
	data: map[string]any{"error": "invalid_token", "resource_metadata": metadataURL},
}

// check compares an answer with the verdict, and checks that a handler has run
// if and only if the verdict lets the request pass.
func (f *fixture) check(t *testing.T, a answer, want verdict) {
	t.Helper()
	ran := f.took()
	if a.status != want.status {
		t.Fatalf("status %d, want %d\nheader: %v\nbody: %s", a.status, want.status, a.header, a.body)
	}
	if got := strings.Join(a.header.Values("WWW-Authenticate"), "; "); got != want.challenge {
		t.Errorf("WWW-Authenticate\n got %s\nwant %s", got, want.challenge)
	}
	m := a.message(t)
	if want.status == http.StatusOK && !want.unknown {
		if m.Error != nil || strings.Contains(a.body, `"isError":true`) {
			t.Errorf("an error: %s", a.body)
		}
		return
	}
	if len(ran) > 0 {
		t.Errorf("%v ran", ran)
	}
	if m.Error == nil {
		t.Fatalf("no error: %s", a.body)
	}
	if want.unknown && !strings.HasPrefix(m.Error.Message, "Unknown ") && m.Error.Message != "Resource not found" {
		t.Errorf("message %q, want that there is nothing of that name", m.Error.Message)
	}
	for name, value := range want.data {
		if m.Error.Data[name] != value {
			t.Errorf("error data %q is %v, want %v", name, m.Error.Data[name], value)
		}
	}
	if want.status >= http.StatusUnauthorized && !strings.Contains(a.header.Get("Cache-Control"), "no-store") && a.header.Get("Cache-Control") != "" {
		t.Errorf("a refusal can be cached: %v", a.header)
	}
}

// touches are all the requests that use a feature. "%s" is its name.
var touches = []struct {
	method, params string
	stateless      bool // handshake versions lack it
	handshake      bool // 2026-07-28 lacks it
}{
	{method: "tools/call", params: `"name":"%s","arguments":{}`},
	{method: "prompts/get", params: `"name":"%s","arguments":{"topic":"t"}`},
	{method: "resources/read", params: `"uri":"file:///%s"`},
	{method: "resources/read", params: `"uri":"file:///%s/t"`},
	{method: "completion/complete", params: `"ref":{"type":"ref/prompt","name":"%s"},"argument":{"name":"topic","value":""}`},
	{method: "completion/complete", params: `"ref":{"type":"ref/resource","uri":"file:///%s/{topic}"},"argument":{"name":"topic","value":""}`},
	{method: "completion/complete", params: `"ref":{"type":"ref/resource","uri":"file:///%s/t"},"argument":{"name":"topic","value":""}`},
	{method: "resources/subscribe", params: `"uri":"file:///%s"`, handshake: true},
	{method: "resources/subscribe", params: `"uri":"file:///%s/t"`, handshake: true},
}

// A feature has the same policy in every method that uses it, over every
// transport and in every version.
func TestAttackC14EveryMethodHasThePolicy(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	tokens := map[string]string{
		"nobody":           "",
		"reader":           f.token(nil),
		"writer":           f.token(authtest.Claims{"scope": "mcp:write"}),
		"admin":            f.token(authtest.Claims{"scope": "mcp:admin", "groups": []string{"admin"}}),
		"admin, no group":  f.token(authtest.Claims{"scope": "mcp:admin"}),
		"staff, no scopes": f.token(authtest.Claims{"scope": nil, "groups": []string{"admin"}}),
		"machine":          f.token(authtest.Claims{"sub": "robot", "client_id": "robot"}),
	}
	tests := []struct {
		feature, caller string
		want            verdict
	}{
		{"public", "nobody", passes},
		{"public", "reader", passes},
		{"plain", "nobody", nobody},
		{"plain", "staff, no scopes", passes},
		{"read", "nobody", loginFor("mcp:read")},
		{"read", "reader", passes},
		{"read", "admin", passes},
		{"read", "staff, no scopes", needs("mcp:read")},
		{"write", "reader", needs("mcp:write")},
		{"write", "writer", passes},
		{"write", "admin", passes},
		{"both", "nobody", loginFor("mcp:write reports")},
		{"both", "writer", needs("mcp:write reports")},
		{"admin", "nobody", loginFor("mcp:admin")},
		{"admin", "writer", needs("mcp:admin")},
		{"admin", "admin, no group", denied},
		{"admin", "staff, no scopes", needs("mcp:admin")},
		{"admin", "admin", passes},
		{"staff", "reader", denied},
		{"staff", "staff, no scopes", passes},
		{"secret", "nobody", nobody},
		{"secret", "reader", nothing},
		{"secret", "admin", passes},
		{"missing", "nobody", nobody},
		{"missing", "reader", nothing},
		{"person", "machine", denied},
		{"person", "reader", passes},
		{"panics", "admin", denied},
		{"fails", "admin", denied},
	}
	for _, test := range tests {
		for _, touch := range touches {
			for _, way := range ways {
				stateless := way.name == "2026-07-28" || way.name == "Lambda"
				if touch.stateless && !stateless || touch.handshake && stateless {
					continue
				}
				// A session and a connection belong to their caller: a request without
				// a token cannot use the reader's, not even for a public feature.
				if !stateless && tokens[test.caller] == "" && test.want.status == http.StatusOK {
					continue
				}
				params := strings.ReplaceAll(touch.params, "%s", test.feature)
				t.Run(test.caller+" "+touch.method+" "+params+" over "+way.name, func(t *testing.T) {
					token := tokens[test.caller]
					login := token
					if login == "" {
						login = tokens["reader"]
					}
					a := way.send(t, f.engine, call{method: touch.method, params: params, header: bearer(token), login: login})
					f.check(t, a, test.want)
					f.checkSecret(t, token, a)
				})
			}
		}
	}
}

// Authorization and the handler read the same feature name, however the member
// is spelled.
func TestAttackC14OneReaderOfNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	token := f.token(nil)
	for _, params := range []string{
		`"ref":{"type":"ref/prompt","NAME":"secret"},"argument":{"name":"topic","value":""}`,
		`"ref":{"type":"ref/prompt","Name":"admin"},"argument":{"name":"topic","value":""}`,
		`"ref":{"TYPE":"ref/prompt","name":"admin"},"argument":{"name":"topic","value":""}`,
		`"ref":{"type":"ref/resource","Uri":"file:///admin/t"},"argument":{"name":"topic","value":""}`,
		`"Ref":{"type":"ref/prompt","name":"admin"},"argument":{"name":"topic","value":""}`,
		`"ref":{"type":"ref/prompt","name":"nothing","NAME":"admin"},"argument":{"name":"topic","value":""}`,
		`"ref":{"type":"ref/prompt","name":"nothing"},"Ref":{"type":"ref/prompt","name":"admin"},"argument":{"name":"topic","value":""}`,
	} {
		for _, way := range ways {
			a := way.send(t, f.engine, call{method: "completion/complete", params: params, header: bearer(token), login: token})
			if ran := f.took(); len(ran) > 0 || !strings.Contains(a.body, `"error"`) {
				t.Errorf("%s over %s: %v ran: %s", params, way.name, ran, a.body)
			}
		}
	}
}

// Adding a feature with wrong options panics with the reason.
func TestPolicyMistakes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	open := mcpengine.New("open")
	tests := []struct {
		name   string
		engine *mcpengine.Engine
		opts   []mcpengine.ToolOption
		want   string
	}{
		{"public and scopes", f.engine, []mcpengine.ToolOption{mcpengine.Public(), mcpengine.RequireScopes("a")}, "contradicts"},
		{"public and rules", f.engine, []mcpengine.ToolOption{mcpengine.Public(), mcpengine.Allow()}, "contradicts"},
		{"public and hidden", f.engine, []mcpengine.ToolOption{mcpengine.Public(), mcpengine.Hidden()}, "contradicts"},
		{"no rule", f.engine, []mcpengine.ToolOption{mcpengine.Allow()}, "Allow: no rule"},
		{"no scope", f.engine, []mcpengine.ToolOption{mcpengine.RequireScopes()}, "RequireScopes: no scope"},
		{"invalid scope", f.engine, []mcpengine.ToolOption{mcpengine.RequireScopes("a", "b c")}, `scope "b c" is not valid`},
		{"quote in a scope", f.engine, []mcpengine.ToolOption{mcpengine.RequireScopes(`a"`)}, "is not valid"},
		{"line end in a scope", f.engine, []mcpengine.ToolOption{mcpengine.RequireScopes("a\r\nX: y")}, "is not valid"},
		{"scopes without WithAuth", open, []mcpengine.ToolOption{mcpengine.RequireScopes("a")}, "need WithAuth"},
		{"hidden without WithAuth", open, []mcpengine.ToolOption{mcpengine.Hidden()}, "need WithAuth"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				got, _ := recover().(string)
				if !strings.Contains(got, test.want) || !strings.Contains(got, `AddTool("mistake")`) {
					t.Errorf("panic %q, want it to name the tool and say %q", got, test.want)
				}
			}()
			addTool(test.engine, "mistake", test.opts...)
			t.Error("no panic")
		})
	}
	addTool(open, "public", mcpengine.Public()) // says what is so anyway
}

func addTool(e *mcpengine.Engine, name string, opts ...mcpengine.ToolOption) {
	mcpengine.AddTool(e, name, "", func(context.Context, none) (string, error) { return "done", nil }, opts...)
}
