package apps_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/apps"
)

// dot is an image of one pixel.
const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// A site is a server that a view may try to reach.
type site struct {
	address string

	mu    sync.Mutex
	asked []string
}

func startSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	image, err := base64.StdEncoding.DecodeString(dot)
	if err != nil {
		t.Fatal(err)
	}
	s.address = listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		w.Header().Set("Access-Control-Allow-Origin", "*")
		switch filepath.Ext(r.URL.Path) {
		case ".png":
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(image)
		case ".js":
			w.Header().Set("Content-Type", "text/javascript")
		case ".css":
			w.Header().Set("Content-Type", "text/css")
		}
	}))
	return s
}

func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.asked))
}

// policyView is a view that tries to reach two sites.
func policyView(t *testing.T, listed, other *site, config apps.ViewConfig) *apps.View {
	t.Helper()
	image, err := base64.StdEncoding.DecodeString(dot)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{"dot.png": {Data: image}, "none.woff2": {Data: []byte("none")}}
	for name, file := range map[string]string{
		"policy.html": "testdata/policy.html", "policy.css": "testdata/policy.css", "policy.js": "testdata/policy.js",
		"host.js": "../../examples/board/view/host.js",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.NewReplacer("LISTED", listed.address, "OTHER", other.address).Replace(string(text)))
		fsys[name] = &fstest.MapFile{Data: text}
	}
	v, err := apps.NewView("policy", fsys, "policy.html", config)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The policy that a host makes of a view's CSP lets the view reach the origins
// that the CSP lists and no other, and inlined files need none. Fonts are the exception: the
// policy of the specification has no data: for them.
func TestPolicy(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	all := []string{"/data", "/dot.png", "/script.js", "/style.css"}
	for name, test := range map[string]struct {
		config func(listed string) apps.ViewConfig
		reach  []string
		allow  string
	}{
		"closed": {func(string) apps.ViewConfig { return apps.ViewConfig{} }, nil, ""},
		"listed": {func(listed string) apps.ViewConfig {
			return apps.ViewConfig{
				CSP:         apps.CSP{ConnectDomains: []string{listed}, ResourceDomains: []string{listed}},
				Permissions: apps.Permissions{Microphone: true, ClipboardWrite: true},
			}
		}, all, "microphone; clipboard-write"},
		"connect": {func(listed string) apps.ViewConfig {
			return apps.ViewConfig{CSP: apps.CSP{ConnectDomains: []string{listed}}}
		}, []string{"/data"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listed, other := startSite(t), startSite(t)
			v := policyView(t, listed, other, test.config(listed.address))
			e := mcpengine.New("policy", mcpengine.WithExtension(apps.Extension(v)))
			mcpengine.AddTool(e, "try", "", func(context.Context, struct{}) (string, error) { return "tried", nil }, apps.Show(v))
			mux := http.NewServeMux()
			mux.Handle("/mcp", e)
			var saw struct {
				Allow   string
				Outcome struct {
					Done       map[string]string
					Violations []string
				}
			}
			h.run(scenarioContext(t), t, "policy", listen(t, mux), map[string]any{"tool": "try"}, &saw)
			want := map[string]string{"eval": "blocked", "inlined image": "done", "inlined style": "done", "inlined font": "blocked"}
			for what, path := range map[string]string{"fetch": "/data", "image": "/dot.png", "script": "/script.js", "style": "/style.css"} {
				want[what+" other"] = "blocked"
				want[what+" listed"] = "blocked"
				if slices.Contains(test.reach, path) {
					want[what+" listed"] = "done"
				}
			}
			if diff := cmp.Diff(want, saw.Outcome.Done); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if !slices.Contains(saw.Outcome.Violations, "frame-src") || !slices.Contains(saw.Outcome.Violations, "font-src") {
				t.Errorf("violations of %q, want frame-src and font-src among them", saw.Outcome.Violations)
			}
			if got := listed.requests(); !slices.Equal(got, test.reach) {
				t.Errorf("the site in the CSP was asked for %q, want %q", got, test.reach)
			}
			if got := other.requests(); len(got) > 0 {
				t.Errorf("another site was asked for %q", got)
			}
			if saw.Allow != test.allow {
				t.Errorf("allow = %q, want %q", saw.Allow, test.allow)
			}
		})
	}
}
