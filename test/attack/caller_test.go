package attack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/mcp"
)

// A scope matches byte for byte, or through a declared hierarchy.
func TestAttackC04Scopes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	tests := []struct {
		scope string
		want  verdict
	}{
		{"mcp:write", passes},
		{"other mcp:write more", passes},
		{"mcp:admin", passes}, // C5
		{"mcp:read", needs("mcp:write")},
		{"mcp:writer", needs("mcp:write")},
		{"xmcp:write", needs("mcp:write")},
		{"MCP:WRITE", needs("mcp:write")},
		{"mcp:*", needs("mcp:write")},
		{"mcp:", needs("mcp:write")},
		{"*", needs("mcp:write")},
		{"mcp:write,", needs("mcp:write")},
		{"", needs("mcp:write")},
	}
	for _, test := range tests {
		for _, way := range ways {
			t.Run(test.scope+" over "+way.name, func(t *testing.T) {
				token := f.token(authtest.Claims{"scope": test.scope})
				f.check(t, way.send(t, f.engine, call{method: "tools/call", params: `"name":"write"`, header: bearer(token), login: token}), test.want)
			})
		}
	}
}

// One name stands for a tool, a prompt and a resource, each with a policy of its
// own.
func TestAttackC07Namespaces(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	text := func(context.Context, none) (string, error) { return "done", nil }
	mcpengine.AddTool(f.engine, "same", "", text, mcpengine.Public())
	mcpengine.AddPrompt(f.engine, "same", "", text, mcpengine.RequireScopes("mcp:write"))
	mcpengine.AddResource(f.engine, "same:same", "", text, mcpengine.Allow(auth.InGroup("admin")))
	reader := f.token(nil)
	f.check(t, sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"same"`}), passes)
	f.check(t, sendStateless(t, f.engine, call{method: "prompts/get", params: `"name":"same"`, header: bearer(reader)}), needs("mcp:write"))
	f.check(t, sendStateless(t, f.engine, call{method: "resources/read", params: `"uri":"same:same"`, header: bearer(reader)}), denied)
}

// With two issuers, a rule has to name the issuer of the group. A rule that
// does not lets nobody in.
func TestAttackC10Groups(t *testing.T) {
	t.Parallel()
	other := authtest.NewProvider(t)
	f := newFixture(t, fixtureConfig{resource: []auth.ResourceOption{auth.WithProvider(idp.OIDC(other.Issuer(), resourceURL))}})
	groups := authtest.Claims{"groups": []string{"admin"}}
	own, others := f.token(groups), other.AccessToken(resourceURL, groups)
	text := func(context.Context, none) (string, error) { return "done", nil }
	mcpengine.AddTool(f.engine, "ours", "", text, mcpengine.Allow(auth.InGroup(f.idp.Issuer()+"#admin")))
	for _, test := range []struct {
		tool, token string
		want        verdict
	}{{"ours", own, passes}, {"ours", others, denied}, {"staff", own, denied}, {"staff", others, denied}} {
		c := call{method: "tools/call", params: fmt.Sprintf(`"name":%q`, test.tool), header: bearer(test.token)}
		f.check(t, sendStateless(t, f.engine, c), test.want)
	}
}

// A handler that finds a scope missing is answered with an HTTP status if the
// response has not begun, and with a JSON-RPC error otherwise.
func TestAttackC11CheckScopes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	mcpengine.AddTool(f.engine, "delete", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "looking")
		if err := mcpengine.CheckScopes(ctx, "mcp:write"); err != nil {
			return "part of a secret", err
		}
		f.run("delete")
		return "deleted", nil
	})
	reader, writer := f.token(nil), f.token(authtest.Claims{"scope": "mcp:write"})
	silent := call{method: "tools/call", params: `"name":"delete"`, header: bearer(reader)}
	f.check(t, sendStateless(t, f.engine, silent), needs("mcp:write"))

	body, header := silent.stateless()
	body = strings.Replace(body, `"_meta":{`, `"_meta":{"progressToken":1,`, 1)
	a := post(t, f.engine, "/mcp", body, header)
	m := a.message(t)
	if a.status != http.StatusOK || m.Error == nil || m.Error.Data["scope"] != "mcp:write" || strings.Contains(a.body, "secret") || len(f.took()) > 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	silent.header = bearer(writer)
	f.check(t, sendStateless(t, f.engine, silent), passes)
	if err := mcpengine.CheckScopes(t.Context(), "mcp:write"); err == nil {
		t.Error("no request, and no error")
	}
}

// listed returns the names in all pages of a list, and an answer of each page.
func listed(t *testing.T, f *fixture, method, member string, header http.Header) (names []string, pages []answer) {
	t.Helper()
	cursor := ""
	for {
		a := sendStateless(t, f.engine, call{method: method, params: cursor, header: header})
		var page map[string]json.RawMessage
		if err := json.Unmarshal(a.message(t).Result, &page); err != nil {
			t.Fatalf("%d %s", a.status, a.body)
		}
		var features []struct{ Name string }
		if err := json.Unmarshal(page[member], &features); err != nil {
			t.Fatalf("%s: %s", err, a.body)
		}
		for _, feature := range features {
			names = append(names, feature.Name)
		}
		pages = append(pages, a)
		if page["nextCursor"] == nil {
			return names, pages
		}
		cursor = `"cursor":` + string(page["nextCursor"])
	}
}

// A list has the features that the caller may use, and the features that
// another scope would open to it. A cursor of one caller is of no use to
// another.
func TestAttackC12Lists(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{
		resource: []auth.ResourceOption{auth.OpenDiscovery()},
		engine:   []mcpengine.Option{mcpengine.WithPageSize(3), mcpengine.WithCache(time.Hour, mcp.CacheScopePublic)},
	})
	tests := []struct {
		name  string
		token string
		want  string
	}{
		{"nobody", "", "admin both fails panics person plain public read staff write"},
		{"reader", f.token(nil), "both person plain public read write"},
		{"staff", f.token(authtest.Claims{"groups": []string{"admin"}}), "admin both person plain public read staff write"},
		{"admin", f.token(authtest.Claims{"scope": "mcp:admin", "groups": []string{"admin"}}), "admin both person plain public read secret staff write"},
	}
	for _, test := range tests {
		for method, member := range map[string]string{"tools/list": "tools", "prompts/list": "prompts"} {
			t.Run(test.name+" "+method, func(t *testing.T) {
				names, pages := listed(t, f, method, member, bearer(test.token))
				if got := strings.Join(names, " "); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
				if len(pages) < 2 {
					t.Errorf("%d pages", len(pages))
				}
				for _, page := range pages {
					if !strings.Contains(page.body, `"cacheScope":"private"`) {
						t.Errorf("shared caches may keep %s", page.body)
					}
				}
			})
		}
		t.Run(test.name+" resources", func(t *testing.T) {
			names, _ := listed(t, f, "resources/list", "resources", bearer(test.token))
			if got := strings.ReplaceAll(strings.Join(names, " "), "file:///", ""); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	t.Run("2025-11-25", func(t *testing.T) {
		reader := f.token(nil)
		a := sendSession(t, f.engine, call{method: "tools/list", header: bearer(reader), login: reader})
		if strings.Contains(a.body, "secret") || strings.Contains(a.body, `"staff"`) {
			t.Errorf("a list with %s", a.body)
		}
	})
	t.Run("the cursor of somebody else", func(t *testing.T) {
		_, pages := listed(t, f, "tools/list", "tools", bearer(f.token(nil)))
		var page struct{ NextCursor string }
		if err := json.Unmarshal(pages[0].message(t).Result, &page); err != nil {
			t.Fatal(err)
		}
		next := call{method: "tools/list", params: fmt.Sprintf(`"cursor":%q`, page.NextCursor), header: bearer(f.token(authtest.Claims{"sub": "bob"}))}
		a := sendStateless(t, f.engine, next)
		if m := a.message(t); m.Error == nil || m.Error.Code != mcp.CodeInvalidParams {
			t.Errorf("%d %s", a.status, a.body)
		}
		next.header = bearer(f.token(authtest.Claims{"jti": "renewed"}))
		f.check(t, sendStateless(t, f.engine, next), passes)
	})
}

// Lists need a token, unless the resource opens discovery.
func TestAttackC12ClosedDiscovery(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	for _, method := range []string{"server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "no/method", "subscriptions/listen"} {
		params := ""
		if method == "subscriptions/listen" {
			params = `"notifications":{"toolsListChanged":true}`
		}
		f.check(t, sendStateless(t, f.engine, call{method: method, params: params}), nobody)
		f.check(t, sendLambda(t, f.engine, call{method: method, params: params}), nobody)
	}
	for _, method := range []string{"ping", "tools/list", "logging/setLevel", "resources/unsubscribe", "tools/call"} {
		f.check(t, post(t, f.engine, "/mcp", call{method: method}.handshake(), handshakeHeader(nil)), nobody)
	}
}

// A request state, a session and a connection belong to one caller, and are of
// no use to another.
func TestAttackC15BoundToTheCaller(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{resource: []auth.ResourceOption{auth.OpenDiscovery()}})
	type name struct {
		Name string `json:"name"`
	}
	mcpengine.AddTool(f.engine, "ask", "", func(ctx context.Context, _ none) (string, error) {
		who, err := mcpengine.Elicit[name](ctx, "Your name?", mcpengine.WithKey("who"))
		f.run("ask " + who.Name)
		return "hello " + who.Name, err
	}, mcpengine.RequireScopes("mcp:read"))
	alice, bob := bearer(f.token(nil)), bearer(f.token(authtest.Claims{"sub": "bob"}))
	renewed := bearer(f.token(authtest.Claims{"jti": "renewed"}))

	t.Run("requestState", func(t *testing.T) {
		a := sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"ask","arguments":{}`, header: alice})
		var asked struct{ RequestState string }
		if err := json.Unmarshal(a.message(t).Result, &asked); err != nil || asked.RequestState == "" {
			t.Fatalf("%v: %s", err, a.body)
		}
		f.took()
		retry := call{method: "tools/call", header: bob, params: fmt.Sprintf(
			`"name":"ask","arguments":{},"requestState":%q,"inputResponses":{"who":{"action":"accept","content":{"name":"x"}}}`, asked.RequestState)}
		a = sendStateless(t, f.engine, retry)
		if m := a.message(t); m.Error == nil || m.Error.Code != mcp.CodeInvalidParams || len(f.took()) > 0 {
			t.Errorf("bob: %d %s", a.status, a.body)
		}
		retry.header = nil
		f.check(t, sendStateless(t, f.engine, retry), loginFor("mcp:read"))
		retry.header = renewed
		f.check(t, sendStateless(t, f.engine, retry), passes)
	})
	t.Run("session", func(t *testing.T) {
		header := openSession(t, f.engine, "2025-11-25", alice)
		for who, test := range map[string]struct {
			header http.Header
			status int
		}{"bob": {bob, 404}, "nobody": {nil, 401}, "alice": {alice, 200}, "alice with a new token": {renewed, 200}} {
			h := handshakeHeader(test.header)
			h.Set("Mcp-Session-Id", header.Get("Mcp-Session-Id"))
			if a := post(t, f.engine, "/mcp", call{method: "tools/call", params: `"name":"read"`}.handshake(), h); a.status != test.status {
				t.Errorf("%s: %d %s", who, a.status, a.body)
			}
			if test.status != http.StatusOK {
				if a := serve(t, f.engine, http.MethodDelete, "/mcp", "", h); a.status != http.StatusNotFound {
					t.Errorf("DELETE by %s: %d %s", who, a.status, a.body)
				}
			}
		}
	})
	t.Run("session of nobody", func(t *testing.T) {
		h := handshakeHeader(alice)
		h.Set("Mcp-Session-Id", openSession(t, f.engine, "2025-11-25", nil).Get("Mcp-Session-Id"))
		if a := post(t, f.engine, "/mcp", call{method: "tools/list"}.handshake(), h); a.status != http.StatusNotFound {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("HTTP+SSE", func(t *testing.T) {
		s := openSSE(t, f.engine, alice)
		s.post(t, fmt.Sprintf(initialize, "2024-11-05"), alice)
		s.next(t)
		read := call{method: "tools/call", params: `"name":"read"`}.handshake()
		if a := s.post(t, read, bob); a.status != http.StatusNotFound {
			t.Errorf("bob: %d %s", a.status, a.body)
		}
		f.took() // what the session has run
		f.check(t, s.post(t, read, nil), loginFor("mcp:read"))
		if a := s.post(t, read, renewed); a.status != http.StatusAccepted || !strings.Contains(s.next(t), "hello alice") {
			t.Errorf("alice with a new token: %d %s", a.status, a.body)
		}
	})
}

// A tool that is added while the engine serves has the default policy.
func TestAttackC20AddedLater(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	f.check(t, sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"late"`}), nobody)
	addTool(f.engine, "late")
	f.check(t, sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"late"`}), nobody)
	f.check(t, sendStateless(t, f.engine, call{method: "tools/call", params: `"name":"late"`, header: bearer(f.token(nil))}), passes)
}

// Middleware sees a request only after its authorization, and can read the
// caller.
func TestMiddlewareComesAfterAuthorization(t *testing.T) {
	t.Parallel()
	var seen []string
	f := newFixture(t, fixtureConfig{engine: []mcpengine.Option{mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			seen = append(seen, req.Name()+" "+auth.UserFrom(ctx).Subject)
			return next(ctx, req)
		}
	})}})
	for _, tool := range []string{"write", "read", "staff"} {
		sendStateless(t, f.engine, call{method: "tools/call", params: fmt.Sprintf(`"name":%q`, tool), header: bearer(f.token(nil))})
	}
	if want := []string{"read alice"}; !slices.Equal(seen, want) {
		t.Errorf("middleware saw %q, want %q", seen, want)
	}
}

// A hidden feature and a missing feature are answered with the same bytes.
func TestAttackC13Hidden(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	reader := f.token(nil)
	for _, touch := range touches {
		for _, way := range ways {
			stateless := way.name == "2026-07-28" || way.name == "Lambda"
			if touch.handshake && stateless {
				continue
			}
			for _, token := range []string{reader, ""} {
				answers := map[string]string{}
				for _, name := range []string{"secret", "absent"} {
					c := call{method: touch.method, params: strings.ReplaceAll(touch.params, "%s", name), header: bearer(token), login: reader}
					a := way.send(t, f.engine, c)
					a.header.Del("Date")
					a.header.Del("Content-Length")
					answers[name] = strings.ReplaceAll(fmt.Sprint(a.status, a.header, a.body), name, "x")
				}
				if answers["secret"] != answers["absent"] {
					t.Errorf("%s %s over %s: hidden is\n%s\nabsent is\n%s", touch.method, touch.params, way.name, answers["secret"], answers["absent"])
				}
			}
		}
	}
	if ran := f.took(); len(ran) > 0 {
		t.Errorf("%v ran", ran)
	}
}

// D26: the contents of a protected resource never have the cache scope
// "public", even if the resource asks for it.
func TestAttackD26Resources(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	text := func(context.Context, none) (string, error) { return "done", nil }
	shared := mcpengine.WithCache(time.Hour, mcp.CacheScopePublic)
	mcpengine.AddResource(f.engine, "file:///shared", "", text, shared)
	mcpengine.AddResource(f.engine, "file:///open", "", text, shared, mcpengine.Public())
	for uri, scope := range map[string]string{"file:///shared": "private", "file:///open": "public"} {
		a := sendStateless(t, f.engine, call{method: "resources/read", params: fmt.Sprintf(`"uri":%q`, uri), header: bearer(f.token(nil))})
		if !strings.Contains(a.body, `"cacheScope":"`+scope+`"`) {
			t.Errorf("%s: %s, want it %s", uri, a.body, scope)
		}
	}
}

// D6: the caller comes from the token alone. A user that a wrapping handler
// puts into the context does not count.
func TestAttackD06CallerOfTheContext(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureConfig{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		admin := &auth.User{Issuer: f.idp.Issuer(), Subject: "root", Scopes: []string{"mcp:admin"}, Groups: []string{"admin"}}
		f.engine.ServeHTTP(w, r.WithContext(auth.ContextWithUser(r.Context(), admin)))
	})
	for _, tool := range []string{"public", "admin"} {
		body, header := call{method: "tools/call", params: fmt.Sprintf(`"name":%q`, tool)}.stateless()
		a := post(t, h, "/mcp", body, header)
		if strings.Contains(a.body, "root") || tool == "admin" && a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", tool, a.status, a.body)
		}
	}
}
