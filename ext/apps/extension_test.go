package apps_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/apps"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

type none struct{}

type weather struct {
	Degrees int `json:"degrees"`
}

func sunny(context.Context, none) (weather, error) { return weather{25}, nil }

func newEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	return mcpengine.New("test", append(opts, mcpengine.WithLogger(slog.New(slog.DiscardHandler)))...)
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// listed returns the entry of a view in the list of resources.
func listed(t *testing.T, v *apps.View) mcp.Resource {
	t.Helper()
	all, err := client.Collect(mcptest.New(newEngine(mcpengine.WithExtension(apps.Extension(v)))).Resources(t.Context()))
	if err != nil || len(all) != 1 {
		t.Fatalf("Resources = %v, %v", all, err)
	}
	return all[0]
}

// all is a configuration with everything.
func everything() apps.ViewConfig {
	return apps.ViewConfig{
		Description: "Hello",
		CSP: apps.CSP{
			ConnectDomains: []string{"https://a.example"}, ResourceDomains: []string{"https://b.example"},
			FrameDomains: []string{"https://c.example"}, BaseURIDomains: []string{"https://d.example"},
		},
		Permissions:   apps.Permissions{Camera: true, Microphone: true, Geolocation: true, ClipboardWrite: true},
		PrefersBorder: new(false),
		Domain: func(ctx context.Context) string {
			return mcpengine.RequestFrom(ctx).ClientInfo().Name + ".host.example"
		},
	}
}

// A view is listed and read with the same "_meta", because hosts look at either
// (MCP Apps, "UI Resource Format"). The domain depends on the client.
func TestView(t *testing.T) {
	t.Parallel()
	v := newView(t, everything())
	const common = `"csp":{"connectDomains":["https://a.example"],"resourceDomains":["https://b.example"],"frameDomains":["https://c.example"],"baseUriDomains":["https://d.example"]},` +
		`"permissions":{"camera":{},"clipboardWrite":{},"geolocation":{},"microphone":{}},`
	entry := listed(t, v)
	if diff := cmp.Diff(`{"ui":{`+common+`"prefersBorder":false}}`, compact(t, entry.Meta)); diff != "" {
		t.Errorf("_meta of the entry (-want +got):\n%s", diff)
	}
	if entry.URI != v.URI() || entry.Name != "page" || entry.Description != "Hello" || entry.MIMEType != "text/html;profile=mcp-app" {
		t.Errorf("the entry is %+v", entry)
	}
	for _, host := range []string{"claude", "chatgpt"} {
		c := mcptest.New(newEngine(mcpengine.WithExtension(apps.Extension(v))), client.WithImplementation(mcp.Implementation{Name: host, Version: "1"}))
		result, err := c.ReadResource(t.Context(), v.URI())
		if err != nil || len(result.Contents) != 1 {
			t.Fatalf("ReadResource = %+v, %v", result, err)
		}
		contents := result.Contents[0]
		if contents.URI != v.URI() || contents.MIMEType != apps.MIMEType || contents.Text != v.HTML() || !strings.Contains(v.HTML(), "<style>p{color:red}</style>") {
			t.Errorf("contents = %+v", contents)
		}
		if diff := cmp.Diff(`{"ui":{`+common+`"domain":"`+host+`.host.example","prefersBorder":false}}`, compact(t, contents.Meta)); diff != "" {
			t.Errorf("_meta of the contents (-want +got):\n%s", diff)
		}
		if result.CacheScope != mcp.CacheScopePrivate {
			t.Errorf("a view with a domain may be kept for others: %s", result.CacheScope)
		}
	}
}

// compact encodes a "_meta" as it was sent: decoded into maps, it has lost its
// order.
func compact(t *testing.T, meta mcp.Meta) string {
	t.Helper()
	var ui struct {
		CSP           json.RawMessage `json:"csp,omitempty"`
		Permissions   json.RawMessage `json:"permissions,omitempty"`
		Domain        string          `json:"domain,omitempty"`
		PrefersBorder *bool           `json:"prefersBorder,omitempty"`
	}
	if err := json.Unmarshal([]byte(jsonOf(t, meta["ui"])), &ui); err != nil {
		t.Fatal(err)
	}
	var csp apps.CSP
	if err := json.Unmarshal(ui.CSP, &csp); err != nil {
		t.Fatal(err)
	}
	ui.CSP = json.RawMessage(jsonOf(t, csp))
	return jsonOf(t, map[string]any{"ui": ui})
}

// A view that needs nothing says nothing, and the host uses its strictest policy.
func TestPlainView(t *testing.T) {
	t.Parallel()
	v := newView(t, apps.ViewConfig{})
	if meta := listed(t, v).Meta; meta != nil {
		t.Errorf("_meta = %v", meta)
	}
	result, err := mcptest.New(newEngine(mcpengine.WithExtension(apps.Extension(v)))).ReadResource(t.Context(), v.URI())
	if err != nil || result.Contents[0].Meta != nil || result.CacheScope != mcp.CacheScopePublic || result.TTLMs != 24*60*60*1000 {
		t.Errorf("ReadResource = %+v, %v", result, err)
	}
}

// The URI of a former view is answered with the present one, which clients may
// not keep under that URI.
func TestFormerURI(t *testing.T) {
	t.Parallel()
	v := newView(t, apps.ViewConfig{PrefersBorder: new(true)})
	c := mcptest.New(newEngine(mcpengine.WithExtension(apps.Extension(v))))
	const former = "ui://page/0123456789abcdef"
	result, err := c.ReadResource(t.Context(), former)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Contents[0]; got.URI != former || got.Text != v.HTML() || got.Meta == nil || result.TTLMs != 0 {
		t.Errorf("ReadResource(%s) = %+v", former, result)
	}
	for _, uri := range []string{"ui://page", "ui://page/", "ui://page/a/b", "ui://other/0123456789abcdef"} {
		if result, err := c.ReadResource(t.Context(), uri); err == nil {
			t.Errorf("ReadResource(%s) = %+v, want an error", uri, result)
		}
	}
}

// A tool has both spellings of its view, keeps other members of its "_meta", and
// is listed for every audience.
func TestTools(t *testing.T) {
	t.Parallel()
	v := newView(t, apps.ViewConfig{})
	e := newEngine(mcpengine.WithExtension(apps.Extension(v)))
	for name, opts := range map[string][]mcpengine.ToolOption{
		"both":  {apps.Show(v)},
		"app":   {apps.Show(v, apps.App), mcpengine.WithMeta(mcp.Meta{"com.example/a": 1})},
		"model": {mcpengine.WithMeta(mcp.Meta{"com.example/a": 1}), apps.Show(v, apps.Model)},
		"none":  {apps.VisibleTo(apps.App)},
	} {
		mcpengine.AddTool(e, name, "", sunny, opts...)
	}
	tools, err := client.Collect(mcptest.New(e).Tools(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, tool := range tools {
		got[tool.Name] = jsonOf(t, tool.Meta)
	}
	want := map[string]string{
		"both":  `{"ui":{"resourceUri":"URI","visibility":["model","app"]},"ui/resourceUri":"URI"}`,
		"app":   `{"com.example/a":1,"ui":{"resourceUri":"URI","visibility":["app"]},"ui/resourceUri":"URI"}`,
		"model": `{"com.example/a":1,"ui":{"resourceUri":"URI","visibility":["model"]},"ui/resourceUri":"URI"}`,
		"none":  `{"ui":{"visibility":["app"]}}`,
	}
	for name, text := range want {
		want[name] = strings.ReplaceAll(text, "URI", v.URI())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("_meta of the tools (-want +got):\n%s", diff)
	}
}

// Without the extension a tool cannot have a view; the error names both.
func TestToolNeedsExtension(t *testing.T) {
	t.Parallel()
	for _, opt := range []mcpengine.ToolOption{apps.Show(newView(t, apps.ViewConfig{})), apps.VisibleTo(apps.App)} {
		err := newEngine().Add(mcpengine.NewTool("a", "", sunny, opt))
		if err == nil || !strings.Contains(err.Error(), `add tool "a": it needs the extension "io.modelcontextprotocol/ui"`) {
			t.Errorf("Add = %v", err)
		}
	}
}

// A view that the engine does not serve is missing before a host misses it.
func TestToolNeedsItsView(t *testing.T) {
	t.Parallel()
	v := newView(t, apps.ViewConfig{})
	err := newEngine(mcpengine.WithExtension(apps.Extension())).Add(mcpengine.NewTool("a", "", sunny, apps.Show(v)))
	if err == nil || !strings.Contains(err.Error(), `add tool "a": it needs the resource "`+v.URI()+`"`) {
		t.Errorf("Add = %v", err)
	}
}

func TestOptionsPanic(t *testing.T) {
	t.Parallel()
	v := newView(t, apps.ViewConfig{})
	for want, option := range map[string]func(){
		"apps: Show: there is no view":                     func() { apps.Show(nil) },
		"apps: VisibleTo: there is no audience":            func() { apps.VisibleTo() },
		"apps: the audience user is neither Model nor App": func() { apps.Show(v, "user") },
		"apps: Extension: there is no view at index 1":     func() { apps.Extension(v, nil) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic with %v, want %s", got, want)
				}
			}()
			option()
		}()
	}
}

// Every client gets the same result, and clients without views read its text.
func TestTextFallback(t *testing.T) {
	t.Parallel()
	v := newView(t, apps.ViewConfig{})
	e := newEngine(mcpengine.WithExtension(apps.Extension(v)))
	mcpengine.AddTool(e, "get_weather", "", sunny, apps.Show(v))
	for version, structured := range map[string]string{"2026-07-28": `{"degrees":25}`, "2025-06-18": `{"degrees":25}`, "2024-11-05": ""} {
		c := mcptest.New(e, client.WithProtocolVersion(version))
		defer c.Close()
		result, err := c.CallTool(t.Context(), "get_weather", nil)
		if err != nil || result.Text() != `{"degrees":25}` || string(result.StructuredContent) != structured {
			t.Errorf("%s: CallTool = %+v, %v", version, result, err)
		}
	}
}

// rpc sends a message to an engine over HTTP and returns the answer, and the
// session if there is one.
func rpc(t *testing.T, e *mcpengine.Engine, session, token, message string) (status int, answer, newSession string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/mcp", strings.NewReader(message))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if strings.Contains(message, "2026-07-28") {
		var m struct {
			Method string
			Params struct{ Name, URI string }
		}
		if err := json.Unmarshal([]byte(message), &m); err != nil {
			t.Fatal(err)
		}
		r.Header.Set("MCP-Protocol-Version", "2026-07-28")
		r.Header.Set("Mcp-Method", m.Method)
		r.Header.Set("Mcp-Name", m.Params.Name+m.Params.URI)
	}
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body), w.Header().Get("Mcp-Session-Id")
}

// message is a request of 2026-07-28 with the client's capabilities.
func message(method, params, capabilities string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":%s}}}`,
		method, params, capabilities)
}

// A handler learns what the client says of itself, in a request or a handshake.
// Settings that are malformed count as none.
func TestSupported(t *testing.T) {
	t.Parallel()
	e := newEngine(mcpengine.WithExtension(apps.Extension()))
	mcpengine.AddTool(e, "supported", "", func(ctx context.Context, _ none) (string, error) {
		return fmt.Sprint(apps.Supported(ctx)), nil
	})
	for capabilities, want := range map[string]bool{
		`{}`: false,
		`{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"],"later":1}}}`: true,
		`{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html"]}}}`:                           false,
		`{"extensions":{"io.modelcontextprotocol/ui":{}}}`:                                                    false,
		`{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":3}}}`:                                       false,
		`{"extensions":{"com.example/other":{"mimeTypes":["text/html;profile=mcp-app"]}}}`:                    false,
	} {
		text := fmt.Sprintf(`"text":"%t"`, want)
		if _, answer, _ := rpc(t, e, "", "", message("tools/call", `"name":"supported",`, capabilities)); !strings.Contains(answer, text) {
			t.Errorf("with %s the answer is %s, want %s", capabilities, answer, text)
		}
		hello := fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":%s,"clientInfo":{"name":"c","version":"1"}}}`, capabilities)
		_, welcome, session := rpc(t, e, "", "", hello)
		if !strings.Contains(welcome, `"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}}`) {
			t.Errorf("initialize = %s", welcome)
		}
		if _, answer, _ := rpc(t, e, session, "", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"supported"}}`); !strings.Contains(answer, text) {
			t.Errorf("after a handshake with %s the answer is %s, want %s", capabilities, answer, text)
		}
	}
	if apps.Supported(t.Context()) {
		t.Error("Supported outside of a request")
	}
}

// Visibility changes nothing about the policy of a tool. A view has a policy too.
func TestPolicy(t *testing.T) {
	t.Parallel()
	resource, err := auth.NewResource("https://api.example/mcp", auth.StaticTokens(map[string]auth.User{
		auth.HashToken("reader"): {Subject: "ann"},
		auth.HashToken("editor"): {Subject: "bob", Scopes: []string{"edit"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	open := apps.Must(apps.NewView("open", page(), "view/page.html", apps.ViewConfig{}, mcpengine.Public(), mcpengine.WithTitle("Open")))
	closed := newView(t, apps.ViewConfig{})
	e := newEngine(mcpengine.WithAuth(resource), mcpengine.WithExtension(apps.Extension(open, closed)))
	mcpengine.AddTool(e, "edit", "", sunny, apps.Show(closed, apps.App), mcpengine.RequireScopes("edit"))
	mcpengine.AddTool(e, "secret", "", sunny, apps.VisibleTo(apps.App), mcpengine.RequireScopes("edit"), mcpengine.Hidden())
	call := func(name string) string { return message("tools/call", `"name":"`+name+`",`, `{}`) }
	read := func(uri string) string { return message("resources/read", `"uri":"`+uri+`",`, `{}`) }
	for _, test := range []struct {
		token, message string
		status         int
		want           string
	}{
		{"", call("edit"), 401, ""},
		{"reader", call("edit"), 403, ""},
		{"editor", call("edit"), 200, `"degrees":25`},
		{"reader", call("secret"), 200, "Unknown tool"},
		{"editor", call("secret"), 200, `"degrees":25`},
		{"", read(closed.URI()), 401, ""},
		{"", read("ui://page/0"), 401, ""},
		{"reader", read(closed.URI()), 200, "Hello"},
		{"", read(open.URI()), 200, "Hello"},
		{"", read("ui://open/0"), 200, "Hello"},
		{"reader", message("tools/list", "", `{}`), 200, `"name":"edit"`},
	} {
		status, answer, _ := rpc(t, e, "", test.token, test.message)
		if status != test.status || !strings.Contains(answer, test.want) {
			t.Errorf("%s as %q: %d %s, want %d with %q", test.message, test.token, status, answer, test.status, test.want)
		}
	}
	if _, answer, _ := rpc(t, e, "", "reader", message("tools/list", "", `{}`)); strings.Contains(answer, "secret") {
		t.Errorf("a hidden tool is listed: %s", answer)
	}
}
