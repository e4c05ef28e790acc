package interop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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
)

// browserVariable is the address to which this test binary, acting as the
// system's browser, reports the page that it is to show.
const browserVariable = "INTEROP_BROWSER"

// showPage reports the page to the test.
func showPage(address, page string) error {
	resp, err := http.Post(address, "text/plain", strings.NewReader(page)) //nolint:noctx // the process has no other end
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// A bridgeUser is a person who uses the example authboard through bridges. The
// authboard accepts the tokens of an OpenID provider.
type bridgeUser struct {
	program  string
	provider *oidctest.Provider
	env      []string // of a bridge

	mu      sync.Mutex
	refuses bool // to sign in
	visits  int  // of the page to sign in on
	err     error
}

// newBridgeUser starts the provider, the authboard and the browser, but no
// bridge. The provider's tokens are so short-lived that every request renews
// one.
func newBridgeUser(t *testing.T) *bridgeUser {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a browser of the test's own needs the xdg-open of Linux")
	}
	local := freeAddress(t)
	address := "http://" + local
	u := &bridgeUser{program: buildBridge(t)}
	u.provider = oidctest.Start(t, oidctest.Config{
		Resources: map[string]oidctest.Resource{address + "/mcp": {Scopes: []string{"messages:delete"}, Lifetime: 5 * time.Second}},
	})
	startAuthboard(t, buildAuthboard(t), local, "PUBLIC_URL="+address, "OIDC_ISSUER="+u.provider.Issuer())
	browser := httptest.NewServer(http.HandlerFunc(u.signIn))
	t.Cleanup(browser.Close)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(self, filepath.Join(folder, "xdg-open")); err != nil {
		t.Fatal(err)
	}
	u.env = []string{
		"PATH=" + folder, fixtureVariable + "=browser", browserVariable + "=" + browser.URL,
		"MCPENGINE_HOME=" + t.TempDir(),
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent", // leaves the keychain of the machine alone
	}
	proxy := exec.CommandContext(t.Context(), u.program, "proxy", "board", address+"/mcp")
	proxy.Env = append(os.Environ(), u.env...)
	if output, err := proxy.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", proxy.Args, err, output)
	}
	return u
}

// signIn signs in on a page, and goes where the provider sends the browser.
func (u *bridgeUser) signIn(_ http.ResponseWriter, r *http.Request) {
	page, err := io.ReadAll(r.Body)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		err = u.visit(r.Context(), string(page))
	}
	u.visits++
	u.err = errors.Join(u.err, err)
}

func (u *bridgeUser) visit(ctx context.Context, page string) error {
	callback, err := u.provider.Login(ctx, page)
	if err != nil {
		return err
	}
	if u.refuses {
		if callback, err = refusal(callback); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, callback, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if (resp.StatusCode == http.StatusOK) == u.refuses {
		err = fmt.Errorf("the bridge answers the browser with HTTP status %d", resp.StatusCode)
	}
	return errors.Join(err, resp.Body.Close())
}

// refusal returns the URL to which the provider sends the browser of a person
// who refuses (RFC 6749, section 4.1.2.1).
func refusal(callback string) (string, error) {
	u, err := url.Parse(callback)
	if err != nil {
		return "", err
	}
	query := u.Query()
	query.Del("code")
	query.Set("error", "access_denied")
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// refuse makes the person refuse to sign in, or agree again.
func (u *bridgeUser) refuse(no bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refuses = no
}

// signedIn checks how often the person has signed in.
func (u *bridgeUser) signedIn(t *testing.T, want int) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil || u.visits != want {
		t.Errorf("signed in %d times, want %d: %v", u.visits, want, u.err)
	}
}
