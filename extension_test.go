package mcpengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
)

// nothing is a method that does nothing.
func nothing(name string, opts ...mcpengine.MethodOption) mcpengine.Feature {
	return mcpengine.NewMethod(name, func(context.Context, none) (none, error) { return none{}, nil }, opts...)
}

func greet(name string, opts ...mcpengine.ToolOption) mcpengine.Feature {
	return mcpengine.NewTool(name, "", func(context.Context, none) (string, error) { return "hello", nil }, opts...)
}

// A mistake in an extension panics when it is added, with a message that names the
// extension, and the other side when something is taken.
func TestExtensionMistakes(t *testing.T) {
	t.Parallel()
	with := func(id string, features ...mcpengine.Feature) mcpengine.Extension {
		return mcpengine.Extension{ID: id, Features: features}
	}
	settings := func(v any) mcpengine.Extension {
		return mcpengine.Extension{ID: "a.b/new", Settings: func(string) any { return v }}
	}
	for _, test := range []struct {
		name string
		x    mcpengine.Extension
		want []string
	}{
		{"no ID", with(""), []string{"prefix"}},
		{"no prefix", with("notes"), []string{`"notes"`, "prefix"}},
		{"empty prefix", with("/notes"), []string{"labels"}},
		{"digit first", with("com.1x/notes"), []string{"labels"}},
		{"hyphen last", with("com-/notes"), []string{"labels"}},
		{"no name", with("com.example/"), []string{"the name in the ID"}},
		{"two slashes", with("com.example/a/b"), []string{"the name in the ID"}},
		{"dot last", with("com.example/a."), []string{"the name in the ID"}},
		{"long", with("com.example/" + strings.Repeat("a", 128)), []string{"128"}},
		{"twice", with(notesID), []string{notesID, "before"}},
		{"settings that are no object", settings([]int{1}), []string{"a.b/new", "2026-07-28", "object"}},
		{"settings that do not encode", settings(func() {}), []string{"a.b/new", "2026-07-28", "func()"}},
		{"method of the protocol", with("a.b/new", nothing("tools/call")), []string{"a.b/new", `method "tools/call"`, "protocol"}},
		{"method of a handshake version", with("a.b/new", nothing("logging/setLevel")), []string{`"logging/setLevel"`, "protocol"}},
		{"question of the protocol", with("a.b/new", nothing("sampling/createMessage")), []string{`"sampling/createMessage"`, "protocol"}},
		{"notification as a method", with("a.b/new", nothing("notifications/a")), []string{`"notifications/a"`, "notification"}},
		{"method of JSON-RPC", with("a.b/new", nothing("rpc.discover")), []string{`"rpc.discover"`, "JSON-RPC"}},
		{"method with a space", with("a.b/new", nothing("a b")), []string{`"a b"`, "' '"}},
		{"method of another extension", with("a.b/new", nothing("a"), nothing("notes/get")), []string{"a.b/new", `method "notes/get"`, notesID}},
		{"method twice", with("a.b/new", nothing("a"), nothing("a")), []string{`method "a"`, "taken by the extension a.b/new"}},
		{"tool of another extension", with("a.b/new", greet("count_notes")), []string{"a.b/new", `tool "count_notes"`, notesID}},
		{"tool of the program", with("a.b/new", greet("own")), []string{"a.b/new", `tool "own"`, "program"}},
		{"no handler", with("a.b/new", mcpengine.NewMethod[none, none]("a", nil)), []string{`method "a"`, "handler"}},
		{"params that are no struct", with("a.b/new", mcpengine.NewMethod("a", func(context.Context, string) (none, error) { return none{}, nil })), []string{`method "a"`, "string is not a struct"}},
		{"policy without authentication", with("a.b/new", nothing("a", mcpengine.RequireScopes("s"))), []string{`method "a"`, "WithAuth"}},
		{"zero listen field", mcpengine.Extension{ID: "a.b/new", Listen: []mcpengine.ListenField{{}}}, []string{"zero ListenField"}},
		{"listen field without functions", mcpengine.Extension{ID: "a.b/new", Listen: []mcpengine.ListenField{mcpengine.NewListenField("ids", mcpengine.ListenHandler[[]string]{})}}, []string{`"ids"`, "Accept and Notify"}},
		{"listen field of the protocol", mcpengine.Extension{ID: "a.b/new", Listen: []mcpengine.ListenField{noteField("toolsListChanged")}}, []string{`"toolsListChanged"`, "protocol"}},
		{"listen field of another extension", mcpengine.Extension{ID: "a.b/new", Listen: []mcpengine.ListenField{noteField("noteIds")}}, []string{`"noteIds"`, "a.b/new", notesID}},
		{"listen field with a dot", mcpengine.Extension{ID: "a.b/new", Listen: []mcpengine.ListenField{noteField("a.b")}}, []string{`"a.b"`, "letters"}},
		{"listen field of a type without schema", mcpengine.Extension{ID: "a.b/new", Listen: []mcpengine.ListenField{mcpengine.NewListenField("ids", mcpengine.ListenHandler[chan int]{
			Accept: func(context.Context, chan int) (chan int, []string, error) { return nil, nil, nil },
			Notify: func(context.Context, string) (string, any, bool) { return "", nil, false },
		})}}, []string{`"ids"`, "chan int"}},
		{"notification of the protocol", mcpengine.Extension{ID: "a.b/new", Notifications: []string{"notifications/progress"}}, []string{`"notifications/progress"`, "protocol"}},
		{"notification of a handshake version", mcpengine.Extension{ID: "a.b/new", Notifications: []string{"notifications/initialized"}}, []string{`"notifications/initialized"`, "protocol"}},
		{"notification of another extension", mcpengine.Extension{ID: "a.b/new", Notifications: []string{"notifications/notes"}}, []string{`"notifications/notes"`, "a.b/new", notesID}},
		{"notification with another prefix", mcpengine.Extension{ID: "a.b/new", Notifications: []string{"notes/changed"}}, []string{`"notes/changed"`, "notifications/"}},
		{"result type of the protocol", mcpengine.Extension{ID: "a.b/new", ResultTypes: []string{"input_required"}}, []string{`"input_required"`, "protocol"}},
		{"result type of another extension", mcpengine.Extension{ID: "a.b/new", ResultTypes: []string{"later"}}, []string{`"later"`, "a.b/new", notesID}},
		{"empty result type", mcpengine.Extension{ID: "a.b/new", ResultTypes: []string{""}}, []string{`""`, "word"}},
		{"zero feature", with("a.b/new", mcpengine.Feature{}), []string{"a.b/new", "zero Feature"}},
		{"feature of a missing extension", with("a.b/new", greet("a", mcpengine.NeedsExtension("a.b/other"))), []string{`tool "a"`, "a.b/other"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := mcpengine.New("test", quiet(), mcpengine.WithExtension(notes()))
			e.Add(greet("own"))
			before := e.Explain().String()
			message := panicOf(func() { e.Extend(test.x) })
			for _, want := range test.want {
				if !strings.Contains(message, want) {
					t.Errorf("Extend panicked with %q, want %q in it", message, want)
				}
			}
			if after := e.Explain().String(); after != before {
				t.Errorf("after the panic the engine has\n%swant\n%s", after, before)
			}
			e.Extend(mcpengine.Extension{ID: "a.b/new", Features: []mcpengine.Feature{nothing("a"), greet("a")}})
		})
	}
}

// A method cannot be added without its extension, and a name of an extension is
// taken for the program too. Both are errors of Add, which names the extension.
func TestAddBesideExtension(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet(), mcpengine.WithExtension(notes()))
	for _, test := range []struct {
		feature mcpengine.Feature
		want    string
	}{
		{nothing("a"), "belongs to an extension"},
		{greet("count_notes"), "taken by the extension " + notesID},
		{greet("a", mcpengine.NeedsExtension("a.b/c")), "a.b/c"},
		{greet("a", mcpengine.NeedsExtension(notesID)), ""},
	} {
		err := fmt.Sprint(e.Add(test.feature))
		if test.want == "" && err != "<nil>" || !strings.Contains(err, test.want) {
			t.Errorf("Add(%s %s) = %s, want %q", test.feature.Kind(), test.feature.Name(), err, test.want)
		}
	}
	e.Remove(nothing("notes/list")) // ignored
	if got := post(t, e, request("notes/list", "")).response(); !strings.Contains(got, "milk") {
		t.Errorf("after Remove, notes/list = %s", got)
	}
}

// A feature that refers to a resource cannot be added without it, however the URI
// is spelled.
func TestNeedsResource(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet())
	needs := func(name, uri string) mcpengine.Feature { return greet(name, mcpengine.NeedsResource(uri)) }
	if err := e.Add(needs("a", "file:///a%20b")); err == nil || !strings.Contains(err.Error(), `tool "a": it needs the resource "file:///a%20b"`) {
		t.Errorf("Add = %v", err)
	}
	hold(e, "file:///a%20b", "text")
	mcpengine.AddResource(e, "note:{id}", "", func(context.Context, struct {
		ID string `json:"id"`
	},
	) (string, error) {
		return "", nil
	})
	if err := e.Add(needs("a", "FILE:///a%20b"), needs("b", "note:1")); err != nil {
		t.Errorf("Add = %v", err)
	}
}

// request returns a request of 2026-07-28 whose client declares the extension of
// the tests.
func request(method, params string) string {
	if params != "" {
		params += ","
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s"_meta":%s}}`, method, params, defaultMeta)
}

// hello opens a connection of a handshake version.
func hello(version, capabilities string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":%q,"capabilities":%s,"clientInfo":{"name":"c","version":"1"}}}`, version, capabilities)
}

// An extension is declared in initialize by what the settings say of the version,
// and its methods exist in these versions only.
func TestExtensionHandshake(t *testing.T) {
	t.Parallel()
	if !servesHandshake {
		t.Skip("the handshake versions are left out")
	}
	const get = `{"jsonrpc":"2.0","id":1,"method":"notes/get","params":{"uri":"note:1"}}`
	for _, test := range []struct{ name, version, capabilities, declared, want string }{
		{"declared", "2025-11-25", `{"extensions":{"com.example/notes":{"depth":3}}}`, `"extensions":{"com.example/notes":{}}`, `"depth":3`},
		{"not declared", "2025-03-26", `{}`, `"extensions":{"com.example/notes":{}}`, `"requiredCapabilities":{"extensions":{"com.example/notes":{}}}`},
		{"not in the version", "2024-11-05", `{"extensions":{"com.example/notes":{}}}`, `"capabilities":{"tools":{"listChanged":true},"logging":{}},`, `"code":-32601`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			send := serveStdio(t, extensionFixture(quiet()))
			if got := send(hello(test.version, test.capabilities)); !strings.Contains(got[0], test.declared) {
				t.Errorf("initialize = %s, want %s in it", got[0], test.declared)
			}
			if got := send(get); !strings.Contains(got[0], test.want) || strings.Contains(got[0], "resultType") {
				t.Errorf("notes/get = %s, want %s in it", got[0], test.want)
			}
		})
	}
}

// A header field that mirrors the parameter of a method is required and compared.
func TestExtensionMirrorParam(t *testing.T) {
	t.Parallel()
	e := extensionFixture(quiet())
	for _, test := range []struct {
		name, field string
		status      int
	}{{"same", "note:1", 200}, {"other", "note:2", 400}, {"missing", "", 400}, {"encoded", "=?base64?bm90ZTox?=", 200}} {
		r := newRequest(t.Context(), "http://server.example/mcp", request("notes/get", `"uri":"note:1"`))
		if r.Header.Set("Mcp-Name", test.field); test.field == "" {
			r.Header.Del("Mcp-Name")
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != test.status || test.status == 400 && !strings.Contains(w.Body.String(), "-32020") {
			t.Errorf("with the field %s: %d %s, want %d", test.name, w.Code, w.Body, test.status)
		}
	}
}

// Methods have the policy of features: the caller is refused before anything
// runs.
func TestExtensionPolicy(t *testing.T) {
	t.Parallel()
	users := map[string]auth.User{
		auth.HashToken("alice"): {Subject: "alice", Scopes: []string{"write"}, Groups: []string{"admin"}},
		auth.HashToken("bob"):   {Subject: "bob"},
	}
	resource, err := auth.NewResource("https://server.example/mcp", auth.StaticTokens(users))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("test", quiet(), mcpengine.WithAuth(resource), mcpengine.WithExtension(mcpengine.Extension{
		ID: notesID, Features: []mcpengine.Feature{
			nothing("plain", mcpengine.Cacheable()), nothing("open", mcpengine.Public(), mcpengine.Cacheable()), nothing("write", mcpengine.RequireScopes("write")),
			nothing("rule", mcpengine.Allow(auth.InGroup("admin"))), nothing("hidden", mcpengine.Hidden(), mcpengine.Allow(auth.InGroup("admin"))),
		},
	}))
	status := func(token, method string) string {
		r := newRequest(t.Context(), "https://server.example/mcp", request(method, ""))
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		out := fmt.Sprint(w.Code)
		for _, mark := range []string{`"cacheScope":"public"`, `"cacheScope":"private"`, `scope=\"write\"`, "-32601"} {
			if strings.Contains(w.Body.String()+strings.ReplaceAll(w.Header().Get("WWW-Authenticate"), `"`, `\"`), mark) {
				out += " " + mark
			}
		}
		return out
	}
	got := map[string]string{}
	for _, token := range []string{"", "alice", "bob", "mallory"} {
		for _, method := range []string{"plain", "open", "write", "rule", "hidden", "missing"} {
			got[token+" "+method] = status(token, method)
		}
	}
	want := map[string]string{
		" plain": "401", " open": `200 "cacheScope":"private"`, " write": `401 scope=\"write\"`, " rule": "401", " hidden": "401", " missing": "401",
		"alice plain": `200 "cacheScope":"private"`, "alice open": `200 "cacheScope":"private"`, "alice write": "200", "alice rule": "200", "alice hidden": "200", "alice missing": "404 -32601",
		"bob plain": `200 "cacheScope":"private"`, "bob open": `200 "cacheScope":"private"`, "bob write": `403 scope=\"write\"`, "bob rule": "403", "bob hidden": "404 -32601", "bob missing": "404 -32601",
		"mallory plain": "401", "mallory open": "401", "mallory write": "401", "mallory rule": "401", "mallory hidden": "401", "mallory missing": "401",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status of each caller and method differ (-want +got):\n%s", diff)
	}
	const table = `KIND       NAME                    TOKENS  WHO                                                     WHY
discovery  lists, server/discover  a verified caller                                       default of WithAuth
extension  com.example/notes       a verified caller                                       default of WithAuth
method     plain                   a verified caller                                       default of WithAuth
method     open                    everybody                                               Public
method     write                   a verified caller with the scope write                  RequireScopes
method     rule                    a verified caller, who must be in the group "admin"       Allow
method     hidden                  a verified caller, who must be in the group "admin"       Allow, Hidden
`
	if diff := cmp.Diff(strings.Fields(table), strings.Fields(e.Explain().String())); diff != "" {
		t.Errorf("Explain() differs (-want +got):\n%s", diff)
	}
}

// Middleware sees the requests of extensions, and may replace parameters and
// results of them.
func TestExtensionMiddleware(t *testing.T) {
	t.Parallel()
	var seen []string
	e := extensionFixture(quiet(), mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			seen = append(seen, req.Method()+" "+req.Name())
			if req.Method() == "notes/get" {
				if err := req.SetParams(map[string]any{"uri": "note:2"}); err != nil {
					return mcpengine.Result{}, err
				}
			}
			result, err := next(ctx, req)
			if req.Method() == "notes/list" {
				return mcpengine.NewResult(map[string]any{"notes": []any{}, "resultType": "torn"}), nil
			}
			return result, err
		}
	}))
	if got := post(t, e, request("notes/get", `"uri":"note:1"`)).response(); !strings.Contains(got, `"uri":"note:2"`) {
		t.Errorf("notes/get = %s, want the note of the replaced parameters", got)
	}
	if got := post(t, e, request("notes/list", "")).response(); !strings.Contains(got, `"notes":[]`) || !strings.Contains(got, `"resultType":"torn"`) || !strings.Contains(got, `"ttlMs":0`) {
		t.Errorf("notes/list = %s, want the replaced result", got)
	}
	if diff := cmp.Diff([]string{"notes/get note:1", "notes/list "}, seen); diff != "" {
		t.Errorf("middleware saw (-want +got):\n%s", diff)
	}
}

// A value on a feature reaches the middleware that handles its calls.
func TestFeatureValue(t *testing.T) {
	t.Parallel()
	type key struct{}
	var got []any
	e := mcpengine.New("test", quiet(), mcpengine.WithMiddleware(func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
			got = append(got, req.FeatureValue(key{}))
			return next(ctx, req)
		}
	}))
	if err := e.Add(greet("a", mcpengine.WithValue(key{}, 1)), greet("b", mcpengine.WithValue("other", 2))); err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{request("tools/call", `"name":"a"`), request("tools/call", `"name":"b"`), request("tools/list", "")} {
		if got := post(t, e, message).response(); strings.Contains(got, "error") {
			t.Errorf("response = %s", got)
		}
	}
	if diff := cmp.Diff([]any{1, nil, nil}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// Extensions are added while requests are answered: each request sees an extension
// whole or not at all, and the first request after Extend sees it.
func TestExtendWhileServing(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet())
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				var list struct {
					Result struct {
						Capabilities struct {
							Extensions map[string]json.RawMessage `json:"extensions"`
						} `json:"capabilities"`
					} `json:"result"`
				}
				if err := json.Unmarshal([]byte(post(t, e, request("server/discover", "")).response()), &list); err != nil {
					t.Error(err)
				}
				for id := range list.Result.Capabilities.Extensions {
					message := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"m/%s","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{%q:{}}}}}}`, strings.TrimPrefix(id, "a.b/x"), id)
					if got := post(t, e, message).response(); !strings.Contains(got, "complete") {
						t.Errorf("the method of the declared extension %s: %s", id, got)
					}
				}
			}
		})
	}
	for i := range 50 {
		e.Extend(mcpengine.Extension{ID: fmt.Sprintf("a.b/x%d", i), Features: []mcpengine.Feature{nothing(fmt.Sprintf("m/%d", i)), greet(fmt.Sprintf("t%d", i))}})
		if got := post(t, e, request("server/discover", "")).response(); !strings.Contains(got, fmt.Sprintf("a.b/x%d", i)) {
			t.Errorf("after Extend: %s", got)
		}
	}
	close(done)
	wg.Wait()
}
