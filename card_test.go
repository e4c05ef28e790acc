package mcpengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

const weatherCard = `{
  "name": "io.github.acme/weather",
  "title": "Weather",
  "description": "Forecasts for every city.",
  "version": "1.2.3",
  "repository": {"url": "https://github.com/acme/weather"},
  "icons": [{"src": "https://acme.example/w.png", "theme": "dark"}, {"src": "local.png"}]
}`

// getCard asks the engine for a document of discovery.
func getCard(t *testing.T, h http.Handler, path string, change func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://forged.example"+path, nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fields returns the fields of a response in the order given.
func fields(resp *http.Response, names ...string) string {
	var b strings.Builder
	fmt.Fprintln(&b, resp.StatusCode)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, resp.Header.Get(name))
	}
	return b.String()
}

// public is the URL of a server behind a gateway.
func public(url string) mcpengine.Option {
	return mcpengine.WithHTTP(mcpengine.HTTPConfig{PublicURL: url})
}

// The card has what the file says, where the server is and which versions it speaks.
func TestCard(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("weather", mcpengine.WithCard([]byte(weatherCard)), public("https://mcp.acme.example/mcp"))
	resp := getCard(t, e, "/mcp/server-card", nil)
	var card map[string]any
	if err := json.Unmarshal([]byte(body(t, resp)), &card); err != nil {
		t.Fatal(err)
	}
	remote := card["remotes"].([]any)[0].(map[string]any)
	if versions := remote["supportedProtocolVersions"].([]any); versions[0] != "2026-07-28" {
		t.Errorf("supportedProtocolVersions = %v", versions)
	}
	delete(remote, "supportedProtocolVersions")
	want := map[string]any{
		"$schema":     "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json",
		"name":        "io.github.acme/weather",
		"title":       "Weather",
		"description": "Forecasts for every city.",
		"version":     "1.2.3",
		"repository":  map[string]any{"url": "https://github.com/acme/weather", "source": "github"},
		"icons":       []any{map[string]any{"src": "https://acme.example/w.png", "theme": "dark"}},
		"remotes":     []any{map[string]any{"type": "streamable-http", "url": "https://mcp.acme.example/mcp"}},
	}
	if diff := cmp.Diff(want, card); diff != "" {
		t.Errorf("the card (-want +got):\n%s", diff)
	}
	if old := body(t, getCard(t, e, "/.well-known/mcp/server-card.json", nil)); !strings.Contains(old, `"io.github.acme/weather"`) {
		t.Errorf("the older path has %s", old)
	}
}

func TestCardCatalog(t *testing.T) {
	t.Parallel()
	known := mcpengine.New("weather", mcpengine.WithCard([]byte(weatherCard)), public("https://mcp.acme.example/mcp"))
	resp := getCard(t, known, "/.well-known/ai-catalog.json", nil)
	const want = `{
  "specVersion": "1.0",
  "entries": [
    {
      "identifier": "urn:air:acme.github.io:mcp:weather",
      "displayName": "Weather",
      "type": "application/mcp-server-card+json",
      "mediaType": "application/mcp-server-card+json",
      "url": "https://mcp.acme.example/mcp/server-card"
    }
  ]
}
`
	if diff := cmp.Diff(want, body(t, resp)); diff != "" {
		t.Errorf("the catalog (-want +got):\n%s", diff)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/ai-catalog+json" {
		t.Errorf("Content-Type = %q", got)
	}

	// A server that does not know where it is has the card inside, without remotes.
	unknown := mcpengine.New("weather", mcpengine.WithCard([]byte(weatherCard)))
	text := body(t, getCard(t, unknown, "/.well-known/ai-catalog.json", nil))
	if !strings.Contains(text, `"data": {`) || strings.Contains(text, "remotes") || strings.Contains(text, "forged.example") {
		t.Errorf("without a public URL: %s", text)
	}
}

// Caches and scripts get what the specification asks for, and a cache learns cheaply
// that nothing has changed.
func TestCardHTTP(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("weather", mcpengine.WithCard([]byte(weatherCard)), public("https://mcp.acme.example/mcp"))
	const path = "/mcp/server-card"
	resp := getCard(t, e, path, func(r *http.Request) { r.Header.Set("Origin", "https://scanner.example") })
	want := `200
Content-Type: application/mcp-server-card+json
Cache-Control: public, max-age=3600
Access-Control-Allow-Origin: *
Access-Control-Allow-Methods: GET, HEAD, OPTIONS
Access-Control-Expose-Headers: ETag
`
	if got := fields(resp, "Content-Type", "Cache-Control", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Expose-Headers"); got != want {
		t.Errorf("GET: %s, want %s", got, want)
	}
	tag := resp.Header.Get("ETag")
	if !strings.HasPrefix(tag, `"`) || len(tag) < 20 {
		t.Errorf("ETag = %s, want a strong one", tag)
	}
	again := getCard(t, e, path, func(r *http.Request) { r.Header.Set("If-None-Match", `"other", `+tag) })
	if got := body(t, again); again.StatusCode != http.StatusNotModified || got != "" || again.Header.Get("ETag") != tag {
		t.Errorf("If-None-Match: %d %q, ETag %s", again.StatusCode, got, again.Header.Get("ETag"))
	}
	if other := getCard(t, e, path, func(r *http.Request) { r.Header.Set("If-None-Match", `"other"`) }); other.StatusCode != http.StatusOK {
		t.Errorf("If-None-Match with another tag: %d", other.StatusCode)
	}
	head := getCard(t, e, path, func(r *http.Request) { r.Method = http.MethodHead })
	if got := body(t, head); head.StatusCode != http.StatusOK || got != "" || head.Header.Get("ETag") != tag {
		t.Errorf("HEAD: %d %q, ETag %s", head.StatusCode, got, head.Header.Get("ETag"))
	}
	options := getCard(t, e, path, func(r *http.Request) { r.Method = http.MethodOptions })
	want = `204
Allow: GET, HEAD, OPTIONS
Access-Control-Allow-Origin: *
Access-Control-Allow-Methods: GET, HEAD, OPTIONS
Access-Control-Allow-Headers: Accept, Content-Type, If-None-Match
`
	if got := fields(options, "Allow", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"); got != want {
		t.Errorf("OPTIONS: %s, want %s", got, want)
	}
	if refused := getCard(t, e, path, func(r *http.Request) { r.Method = http.MethodPost }); refused.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", refused.StatusCode)
	}
	if changed := mcpengine.New("weather", mcpengine.WithCard([]byte(strings.Replace(weatherCard, "1.2.3", "1.2.4", 1))), public("https://mcp.acme.example/mcp")); getCard(t, changed, path, nil).Header.Get("ETag") == tag {
		t.Error("another version has the same ETag")
	}
}

// A protected server shows its card to everybody, at the URL that its tokens are for.
func TestCardNeedsNoToken(t *testing.T) {
	t.Parallel()
	resource, err := auth.NewResource("https://mcp.acme.example/api/mcp", auth.StaticTokens(map[string]auth.User{
		auth.HashToken("kx7Tq0Vn2cYw8sLz"): {Subject: "nightly", Machine: true},
	}))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("weather", mcpengine.WithCard([]byte(weatherCard)), mcpengine.WithAuth(resource))
	mcpengine.AddTool(e, "secret_tool", "Do what nobody should know of.", func(context.Context, struct{}) (string, error) { return "", nil })
	for _, path := range []string{"/mcp/server-card", "/api/mcp/server-card", "/.well-known/mcp/server-card.json"} {
		resp := getCard(t, e, path, nil)
		text := body(t, resp)
		if resp.StatusCode != http.StatusOK || !strings.Contains(text, `"url": "https://mcp.acme.example/api/mcp"`) || strings.Contains(text, "secret_tool") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	if resp := getCard(t, e, "/mcp", nil); resp.StatusCode == http.StatusOK {
		t.Errorf("the endpoint itself answers %d", resp.StatusCode)
	}
}

// A Host field is believed on this machine alone, and there only for this machine.
func TestCardHost(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("weather", mcpengine.WithCard([]byte(weatherCard)))
	for _, test := range []struct {
		name, host string
		addr       net.IP
		want       string // the URL, or "" for none
	}{
		{"a caller on this machine", "localhost:8000", net.IPv4(127, 0, 0, 1), "http://localhost:8000/mcp"},
		{"another name of this machine", "[::1]:8000", net.IPv6loopback, "http://[::1]:8000/mcp"},
		{"a name bound to this machine", "forged.example", net.IPv4(127, 0, 0, 1), ""},
		{"a caller elsewhere", "localhost:8000", net.IPv4(192, 0, 2, 1), ""},
		{"a host that is none", `localhost:8000/"x`, net.IPv4(127, 0, 0, 1), ""},
	} {
		text := body(t, getCard(t, e, "/mcp/server-card", func(r *http.Request) {
			*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: test.addr}))
			r.Host = test.host
		}))
		if got := strings.Contains(text, "remotes"); got != (test.want != "") || !strings.Contains(text, test.want) {
			t.Errorf("%s: %s, want %q", test.name, text, test.want)
		}
	}
}

// The remotes of the file count before everything that the server knows.
func TestCardRemotes(t *testing.T) {
	t.Parallel()
	text := strings.Replace(weatherCard, `"title"`, `"remotes": [
		{"type": "streamable-http", "url": "https://eu.acme.example/mcp"},
		{"type": "streamable-http", "url": "https://us.acme.example/mcp"},
		{"type": "sse", "url": "https://eu.acme.example/sse"}], "title"`, 1)
	e := mcpengine.New("weather", mcpengine.WithCard([]byte(text)), public("https://eu.acme.example/mcp"))
	var card struct {
		Remotes []struct {
			URL                       string
			SupportedProtocolVersions []string
		}
	}
	if err := json.Unmarshal([]byte(body(t, getCard(t, e, "/mcp/server-card", nil))), &card); err != nil {
		t.Fatal(err)
	}
	if len(card.Remotes) != 3 {
		t.Fatalf("remotes = %+v", card.Remotes)
	}
	for i, here := range []bool{true, false, false} { // the versions are known of this server alone
		if got := len(card.Remotes[i].SupportedProtocolVersions) > 0; got != here {
			t.Errorf("remotes[%d] = %+v, want versions: %v", i, card.Remotes[i], here)
		}
	}
}

// onListener serves the engine until the test ends, and returns the URL of its root.
func onListener(t *testing.T, e *mcpengine.Engine) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

// A served engine has the card on its listener, with HTTP+SSE beside it.
func TestCardServed(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("weather", mcpengine.WithCard([]byte(weatherCard)), mcpengine.WithHTTP(mcpengine.HTTPConfig{SSE: true}))
	base := onListener(t, e)
	for _, path := range []string{"/mcp/server-card", "/.well-known/ai-catalog.json"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text := body(t, resp)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.Contains(text, base+"/mcp") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
		if has := strings.Contains(text, base+"/sse"); path == "/mcp/server-card" && has != servesHandshake {
			t.Errorf("%s names the HTTP+SSE endpoint: %v, in %s", path, has, text)
		}
	}
}

// A path that no pattern can have does not stop the server.
func TestCardServedBehindAnyPath(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("weather", mcpengine.WithCard([]byte(weatherCard)), public("https://acme.example/a%20%7Bb/mcp"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, onListener(t, e)+"/mcp/server-card", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text := body(t, resp); !strings.Contains(text, `"https://acme.example/a%20%7Bb/mcp"`) {
		t.Errorf("the card is %s", text)
	}
}

// What the server says of itself comes from the card, unless it is given.
func TestCardImplements(t *testing.T) {
	t.Parallel()
	card := mcpengine.WithCard([]byte(weatherCard))
	server := func(opts ...mcpengine.Option) mcp.Implementation {
		c := mcptest.New(mcpengine.New("weather", opts...))
		if _, err := c.CallTool(t.Context(), "none", nil); err == nil {
			t.Fatal("there is a tool")
		}
		return c.Server()
	}
	want := mcp.Implementation{
		Name: "weather", Title: "Weather", Description: "Forecasts for every city.", Version: "1.2.3",
		Icons: []mcp.Icon{{Src: "https://acme.example/w.png", Theme: mcp.IconThemeDark}},
	}
	if diff := cmp.Diff(want, server(card)); diff != "" {
		t.Errorf("from the card (-want +got):\n%s", diff)
	}
	given := mcpengine.WithImplementation(mcp.Implementation{Title: "Given", Version: "9"})
	want.Title, want.Version = "Given", "9"
	if diff := cmp.Diff(want, server(card, given)); diff != "" {
		t.Errorf("with a title of its own (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, server(given, card)); diff != "" {
		t.Errorf("in the other order (-want +got):\n%s", diff)
	}
}

// A server with a bad card does not start, and says which member is wrong.
func TestCardRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		opts []mcpengine.Option
		want string
	}{
		{`{"name":"weather","description":"d"}`, nil, "WithCard: name: must be a namespace and a name"},
		{`{"name":"io.github.acme/weather"}`, nil, `WithCard: a server card needs a description: write "description" into mcpengine.json`},
		{`{"nmae":"x"}`, nil, "WithCard: nmae: unknown property"},
		{`{`, []mcpengine.Option{public("nowhere")}, "HTTPConfig.PublicURL: not an absolute URL"},
		{
			`{"name":"io.github.acme/weather"}`,
			[]mcpengine.Option{mcpengine.WithImplementation(mcp.Implementation{Description: strings.Repeat("x", 101)})},
			"more than 100 characters",
		},
	} {
		e := mcpengine.New("weather", append(test.opts, mcpengine.WithCard([]byte(test.text)))...)
		if err := e.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Run with %s: %v, want %q", test.text, err, test.want)
		}
		if resp := getCard(t, e, "/mcp/server-card", nil); resp.StatusCode != http.StatusInternalServerError {
			t.Errorf("a request with %s: %d", test.text, resp.StatusCode)
		}
	}
}

func ExampleWithCard() {
	// A program embeds the file: //go:embed mcpengine.json
	text := []byte(`{"name": "io.github.acme/weather", "description": "Forecasts for every city.", "version": "1.2.3"}`)
	e := mcpengine.New("weather", mcpengine.WithCard(text),
		mcpengine.WithHTTP(mcpengine.HTTPConfig{PublicURL: "https://mcp.acme.example/mcp"}))

	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/.well-known/ai-catalog.json", nil))
	fmt.Print(w.Body)
	// Output:
	// {
	//   "specVersion": "1.0",
	//   "entries": [
	//     {
	//       "identifier": "urn:air:acme.github.io:mcp:weather",
	//       "displayName": "io.github.acme/weather",
	//       "type": "application/mcp-server-card+json",
	//       "mediaType": "application/mcp-server-card+json",
	//       "url": "https://mcp.acme.example/mcp/server-card"
	//     }
	//   ]
	// }
}
