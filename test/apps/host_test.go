package apps_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine/ext/apps"
)

// tools is where scripts/install-apps installs the bridge, the driver and the
// checkers.
const tools = "../../.tools/apps"

// browser returns the path of Chromium, and skips the test where it or the
// bridge is missing.
func browser(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(tools, "stamp")); err != nil {
		t.Skip("the bridge of MCP Apps is not installed: run scripts/install-apps")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if file, err := exec.LookPath(name); err == nil {
			return file
		}
	}
	t.Skip("Chromium is not installed: run scripts/install-apps")
	return ""
}

// bundle is the script of the host, with the bridge in it.
var bundle = sync.OnceValues(func() ([]byte, error) {
	modules, err := filepath.Abs(filepath.Join(tools, "node_modules"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(modules, ".bin", "esbuild"), "node/host.mjs", "--bundle", "--format=esm", "--log-level=error")
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	return output(cmd)
})

// output returns what a command writes, or an error with its complaints.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, stderr.Bytes())
	}
	return out, nil
}

// A host shows the views of one server.
type host struct {
	page, proxy string // addresses of two origins
	browser     string
}

// startHost starts the servers of a host and of its sandbox.
func startHost(t *testing.T) *host {
	t.Helper()
	h := &host{browser: browser(t)}
	for _, script := range []string{"node/host.mjs", "node/scenario.mjs"} {
		if _, err := os.Stat(script); err != nil { // go test runs again when it changes
			t.Fatal(err)
		}
	}
	script, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	page := http.NewServeMux()
	page.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "node/host.html") })
	page.HandleFunc("/host.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(script)
	})
	h.page = listen(t, page) + "/"
	h.proxy = listen(t, http.HandlerFunc(serveSandbox)) + "/sandbox.html"
	return h
}

func listen(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// serveSandbox serves the proxy with the policy that the specification makes of
// a view's CSP (MCP Apps, "Content Security Policy Enforcement").
func serveSandbox(w http.ResponseWriter, r *http.Request) {
	var csp *apps.CSP
	if text := r.URL.Query().Get("csp"); text != "" {
		if err := json.Unmarshal([]byte(text), &csp); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Security-Policy", policy(csp))
	http.ServeFile(w, r, "node/sandbox.html")
}

func policy(csp *apps.CSP) string {
	if csp == nil {
		return "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
			"img-src 'self' data:; media-src 'self' data:; connect-src 'none'; " + frames(nil)
	}
	resources := " " + strings.Join(csp.ResourceDomains, " ")
	return "default-src 'none'" +
		"; script-src 'self' 'unsafe-inline'" + resources +
		"; style-src 'self' 'unsafe-inline'" + resources +
		"; connect-src 'self' " + strings.Join(csp.ConnectDomains, " ") +
		"; img-src 'self' data:" + resources +
		"; font-src 'self'" + resources +
		"; media-src 'self' data:" + resources +
		"; object-src 'none'; base-uri " + or(csp.BaseURIDomains, "'self'") + "; " + frames(csp.FrameDomains)
}

// frames allows the view itself, which is a frame of the proxy.
func frames(domains []string) string { return "frame-src " + or(domains, "'none'") }

func or(sources []string, none string) string {
	if len(sources) == 0 {
		return none
	}
	return strings.Join(sources, " ")
}

// run plays a scenario of node/scenario.mjs and decodes what it saw.
func (h *host) run(ctx context.Context, t *testing.T, scenario, server string, input map[string]any, saw any) {
	t.Helper()
	out, err := output(h.command(ctx, t, scenario, server, input))
	if err != nil {
		t.Fatal(err)
	}
	decode(t, out, saw)
}

func (h *host) command(ctx context.Context, t *testing.T, scenario, server string, input map[string]any) *exec.Cmd {
	t.Helper()
	all := map[string]any{"browser": h.browser, "host": h.page, "proxy": h.proxy, "server": server + "/mcp"}
	maps.Copy(all, input)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(ctx, filepath.Join(tools, "node"), "node/scenario.mjs", tools, scenario, string(text))
}

func decode(t *testing.T, out []byte, saw any) {
	t.Helper()
	if err := json.Unmarshal(out, saw); err != nil {
		t.Fatal(errors.Join(err, fmt.Errorf("the scenario wrote %s", out)))
	}
}
