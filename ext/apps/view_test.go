package apps_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpengine/mcpengine/ext/apps"
)

// page is a view with one style sheet.
func page() fstest.MapFS {
	return fstest.MapFS{
		"view/page.html": {Data: []byte("<!doctype html>\n<link rel=stylesheet href=page.css><p>Hello</p>")},
		"view/page.css":  {Data: []byte("p{color:red}")},
	}
}

func newView(t *testing.T, config apps.ViewConfig) *apps.View {
	t.Helper()
	v, err := apps.NewView("page", page(), "view/page.html", config)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The error for a view names the fault and its place.
func TestNewViewRefuses(t *testing.T) {
	t.Parallel()
	broken := page()
	broken["view/broken.html"] = &fstest.MapFile{Data: []byte("<!doctype html>\n<script src=none.js></script>\n<img src=https://a.example/x.png>")}
	broken["view/big.html"] = &fstest.MapFile{Data: []byte("<!doctype html>" + strings.Repeat("<p>", apps.MaxSize/3))}
	resources := func(sources ...string) apps.ViewConfig {
		return apps.ViewConfig{CSP: apps.CSP{ResourceDomains: sources}}
	}
	for _, test := range []struct {
		name, file string
		config     apps.ViewConfig
		want       string
	}{
		{"", "view/page.html", apps.ViewConfig{}, "a name has 1 to 64"},
		{"Page", "view/page.html", apps.ViewConfig{}, "a name has 1 to 64"},
		{"a/b", "view/page.html", apps.ViewConfig{}, "a name has 1 to 64"},
		{"page", "none.html", apps.ViewConfig{}, `view "page": open none.html: file does not exist`},
		{"page", "view", apps.ViewConfig{}, "view"},
		{"page", "view/page.css", apps.ViewConfig{}, "view/page.css:1: an HTML document begins with <!doctype html>"},
		{"page", "view/big.html", apps.ViewConfig{}, "view/big.html: it is larger than 2097152 bytes"},
		{"page", "view/broken.html", apps.ViewConfig{}, "view/broken.html:2: open view/none.js: file does not exist\nview/broken.html:3: https://a.example/x.png is not covered"},
		{"page", "view/page.html", apps.ViewConfig{Description: "\xff"}, "the description is not UTF-8"},
		{"page", "view/page.html", resources("*"), `ResourceDomains: "*" is not an origin`},
		{"page", "view/page.html", resources("cdn.example"), "is not an origin"},
		{"page", "view/page.html", resources("https:"), "is not an origin"},
		{"page", "view/page.html", resources("'unsafe-eval'"), "is not an origin"},
		{"page", "view/page.html", resources("https://a.example; script-src *"), "is not an origin"},
		{"page", "view/page.html", resources("https://a.example,https://b.example"), "is not an origin"},
		{"page", "view/page.html", resources("data:"), "is not an origin"},
		{"page", "view/page.html", resources("https://*"), "wildcard"},
		{"page", "view/page.html", resources("https://a.*.example"), "wildcard"},
		{"page", "view/page.html", resources("https://*.com"), "allows a whole top-level domain"},
		{"page", "view/page.html", resources("https://a.example/x"), `is more than an origin: write "https://a.example"`},
		{"page", "view/page.html", resources("https://me@a.example"), "is not an origin"},
		{"page", "view/page.html", resources("http://a.example"), `has the scheme "http"`},
		{"page", "view/page.html", apps.ViewConfig{CSP: apps.CSP{ConnectDomains: []string{"*"}}}, "ConnectDomains"},
		{"page", "view/page.html", apps.ViewConfig{CSP: apps.CSP{FrameDomains: []string{"*"}}}, "FrameDomains"},
		{"page", "view/page.html", apps.ViewConfig{CSP: apps.CSP{BaseURIDomains: []string{"*"}}}, "BaseURIDomains"},
	} {
		if v, err := apps.NewView(test.name, broken, test.file, test.config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("NewView(%q, %s, %+v) = %v, %v, want %q", test.name, test.file, test.config.CSP, v, err, test.want)
		}
	}
	if _, err := apps.NewView("page", nil, "page.html", apps.ViewConfig{}); err == nil {
		t.Error("NewView of no file system succeeds")
	}
}

// What the CSP covers may stay outside of the document, and nothing else.
func TestCSPCovers(t *testing.T) {
	t.Parallel()
	csp := apps.CSP{
		ResourceDomains: []string{"https://cdn.example", "https://*.img.example:8443", "http://localhost:3000"},
		ConnectDomains:  []string{"https://api.example", "wss://api.example"},
		FrameDomains:    []string{"https://frame.example"},
	}
	for body, covered := range map[string]bool{
		"<img src=https://cdn.example/a.png>":                true,
		"<img src=HTTPS://CDN.example:443/a.png>":            true,
		"<img src=https://cdn.example.evil/a.png>":           false,
		"<img src=https://cdn.example:8443/a.png>":           false,
		"<img src=http://cdn.example/a.png>":                 false,
		"<img src=https://a.b.img.example:8443/a.png>":       true,
		"<img src=https://img.example:8443/a.png>":           false,
		"<img src=https://evilimg.example:8443/a.png>":       false,
		"<img src=http://localhost:3000/a.png>":              true,
		"<img src=https://api.example/a.png>":                false,
		"<img src=https://frame.example/a.png>":              false,
		"<iframe src=https://frame.example/a></iframe>":      true,
		"<iframe src=https://cdn.example/a></iframe>":        false,
		"<script src=https://cdn.example/a.js></script>":     true,
		"<link rel=stylesheet href=https://x.example/a>":     false,
		"<style>a{b:url(https://cdn.example/a.png)}</style>": true,
		"<style>a{b:url(https://x.example/a.png)}</style>":   false,
	} {
		fsys := fstest.MapFS{"a.html": {Data: []byte("<!doctype html>" + body)}}
		if _, err := apps.NewView("a", fsys, "a.html", apps.ViewConfig{CSP: csp}); (err == nil) != covered {
			t.Errorf("NewView with %s: %v, want covered %v", body, err, covered)
		}
	}
}

// The URI changes with anything that a host would keep under it, and with
// nothing else.
func TestURITurnsOver(t *testing.T) {
	t.Parallel()
	first := newView(t, apps.ViewConfig{})
	if got := first.URI(); !strings.HasPrefix(got, "ui://page/") || len(got) != len("ui://page/")+16 {
		t.Errorf("URI = %s", got)
	}
	if again := newView(t, apps.ViewConfig{Description: "Hello"}); again.URI() != first.URI() {
		t.Errorf("the same view has the URIs %s and %s", first.URI(), again.URI())
	}
	seen := map[string]int{first.URI(): -1}
	for i, config := range []apps.ViewConfig{
		{CSP: apps.CSP{ConnectDomains: []string{"https://a.example"}}},
		{CSP: apps.CSP{FrameDomains: []string{"https://a.example"}}},
		{Permissions: apps.Permissions{Camera: true}},
		{Permissions: apps.Permissions{Microphone: true}},
		{PrefersBorder: new(true)},
		{PrefersBorder: new(false)},
	} {
		uri := newView(t, config).URI()
		if other, taken := seen[uri]; taken {
			t.Errorf("views %d and %d have the URI %s", other, i, uri)
		}
		seen[uri] = i
	}
	changed := page()
	changed["view/page.css"].Data = []byte("p{color:blue}")
	if v := apps.Must(apps.NewView("page", changed, "view/page.html", apps.ViewConfig{})); v.URI() == first.URI() {
		t.Error("another style sheet makes the same URI")
	}
}

// The caller's lists may change afterwards.
func TestViewKeepsConfig(t *testing.T) {
	t.Parallel()
	sources := []string{"https://a.example"}
	border := true
	config := apps.ViewConfig{CSP: apps.CSP{ConnectDomains: sources}, PrefersBorder: &border}
	v := newView(t, config)
	sources[0], border = "https://b.example", false
	if meta := listed(t, v).Meta["ui"]; !strings.Contains(jsonOf(t, meta), `"https://a.example"`) || !strings.Contains(jsonOf(t, meta), `"prefersBorder":true`) {
		t.Errorf("_meta.ui = %v", meta)
	}
}

func TestMustPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != `apps: view "page": open none.html: file does not exist` {
			t.Errorf("Must panics with %v", got)
		}
	}()
	var fsys fs.FS = page()
	apps.Must(apps.NewView("page", fsys, "none.html", apps.ViewConfig{}))
}
