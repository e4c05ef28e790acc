package interop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oidctest"
	"github.com/mcpengine/mcpengine/interop/internal/wire"
)

// browserVariable is where this test binary, as the system's browser, says which
// page it is to show.
const browserVariable = "INTEROP_BROWSER"

// showPage is what the browser does.
func showPage(address, page string) error {
	resp, err := http.Post(address, "text/plain", strings.NewReader(page)) //nolint:noctx // the process has no other end
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// A desk is a person at a machine with bridges to the example authboard, which
// lets in whom an OpenID provider vouches for.
type desk struct {
	program  string
	provider *oidctest.Provider
	env      []string // of a bridge

	mu     sync.Mutex
	visits int // of the page to sign in on
	err    error
}

// newDesk starts what there is but the bridges. A token of the provider is as
// good as expired from the start, so that every request renews it.
func newDesk(t *testing.T) *desk {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a browser of the test's own needs the xdg-open of Linux")
	}
	address := "http://" + freeAddress(t)
	d := &desk{program: buildBridge(t)}
	d.provider = oidctest.Start(t, oidctest.Config{
		Resources: map[string]oidctest.Resource{address + "/mcp": {Scopes: []string{"messages:delete"}, Lifetime: 5 * time.Second}},
	})
	startAuthboard(t, address, d.provider.Issuer())
	browser := httptest.NewServer(http.HandlerFunc(d.signIn))
	t.Cleanup(browser.Close)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(self, filepath.Join(folder, "xdg-open")); err != nil {
		t.Fatal(err)
	}
	d.env = []string{
		"PATH=" + folder, fixtureVariable + "=browser", browserVariable + "=" + browser.URL,
		"MCPENGINE_HOME=" + t.TempDir(),
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent", // the keychain of who runs the test stays as it is
	}
	proxy := exec.CommandContext(t.Context(), d.program, "proxy", "board", address+"/mcp")
	proxy.Env = append(os.Environ(), d.env...)
	if output, err := proxy.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", proxy.Args, err, output)
	}
	return d
}

// signIn signs in on a page, and goes where the provider sends the browser.
func (d *desk) signIn(_ http.ResponseWriter, r *http.Request) {
	page, err := io.ReadAll(r.Body)
	if err == nil {
		err = d.visit(r.Context(), string(page))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.visits++
	d.err = errors.Join(d.err, err)
}

func (d *desk) visit(ctx context.Context, page string) error {
	callback, err := d.provider.Login(ctx, page)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, callback, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the bridge answers the browser with HTTP status %d", resp.StatusCode)
	}
	return errors.Join(err, resp.Body.Close())
}

// signedIn wants the person to have signed in so many times.
func (d *desk) signedIn(t *testing.T, want int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil || d.visits != want {
		t.Errorf("signed in %d times, want %d: %v", d.visits, want, d.err)
	}
}

// TestSignIn has a person sign in, in the browser, through the bridge.
func TestSignIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()

	// Two hosts start at once, and each has its bridge.
	both := make(chan error)
	for _, version := range []string{"2025-11-25", wire.Version} {
		go func() { both <- d.work(ctx, version, 10) }()
	}
	if err := errors.Join(<-both, <-both); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 1)

	// The next day a bridge renews what there is.
	if err := d.work(ctx, "2025-11-25", 1); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 1)

	// What cannot be renewed is asked for again: by a bridge that starts, and by
	// one under way.
	d.provider.RevokeRefreshTokens()
	h, err := d.start(ctx, wire.Version)
	if err != nil {
		t.Fatal(err)
	}
	if err := postMessage(ctx, h); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 2)
	d.provider.RevokeRefreshTokens()
	if err := postMessage(ctx, h); err != nil {
		t.Error(err)
	}
	d.signedIn(t, 3)
	if err := h.stop(ctx); err != nil {
		t.Error(err)
	}
}

func (d *desk) start(ctx context.Context, version string) (*rawHost, error) {
	h, err := startRawHost(ctx, version, d.program, "board", d.env...)
	if err != nil {
		return nil, err
	}
	if err := h.begin(ctx); err != nil {
		return nil, errors.Join(err, h.stop(ctx))
	}
	return h, nil
}

// work posts messages with a bridge of its own. All requests are sent at once,
// and each has to have its one response.
func (d *desk) work(ctx context.Context, version string, messages int) error {
	h, err := d.start(ctx, version)
	if err != nil {
		return err
	}
	ids := make([]string, messages)
	for i := range ids {
		if ids[i], err = h.send("tools/call", message(), nil); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if _, err := h.response(ctx, id); err != nil {
			return errors.Join(err, h.stop(ctx))
		}
	}
	return errors.Join(postMessage(ctx, h), h.stop(ctx))
}

func message() map[string]any {
	return map[string]any{"name": "post_message", "arguments": map[string]any{"text": "hello"}}
}

// postMessage wants the board to have the message under the person's name.
func postMessage(ctx context.Context, h *rawHost) error {
	if _, err := h.call(ctx, "post_message", map[string]any{"text": "hello"}, nil); err != nil {
		return err
	}
	board, err := h.call(ctx, "get_messages", map[string]any{}, nil)
	if err != nil {
		return err
	}
	if !strings.Contains(board, "alice") {
		return fmt.Errorf("the board is %s", board)
	}
	return nil
}

// freeAddress is a port that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// startAuthboard builds the example and starts it.
func startAuthboard(t *testing.T, address, issuer string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authboard")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./authboard")
	build.Dir = filepath.Join("..", "examples")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build authboard: %v\n%s", err, output)
	}
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), file)
	command.Env = append(os.Environ(), "PORT="+at.Port(), "PUBLIC_URL="+address, "OIDC_ISSUER="+issuer)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/healthz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal("the authboard does not answer")
		}
	}
}
