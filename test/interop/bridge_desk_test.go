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

	mu      sync.Mutex
	refuses bool // to sign in
	visits  int  // of the page to sign in on
	err     error
}

// newDesk starts what there is but the bridges. A token of the provider is as
// good as expired from the start, so that every request renews it.
func newDesk(t *testing.T) *desk {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a browser of the test's own needs the xdg-open of Linux")
	}
	local := freeAddress(t)
	address := "http://" + local
	d := &desk{program: buildBridge(t)}
	d.provider = oidctest.Start(t, oidctest.Config{
		Resources: map[string]oidctest.Resource{address + "/mcp": {Scopes: []string{"messages:delete"}, Lifetime: 5 * time.Second}},
	})
	startAuthboard(t, buildAuthboard(t), local, "PUBLIC_URL="+address, "OIDC_ISSUER="+d.provider.Issuer())
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
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		err = d.visit(r.Context(), string(page))
	}
	d.visits++
	d.err = errors.Join(d.err, err)
}

func (d *desk) visit(ctx context.Context, page string) error {
	callback, err := d.provider.Login(ctx, page)
	if err != nil {
		return err
	}
	if d.refuses {
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
	if (resp.StatusCode == http.StatusOK) == d.refuses {
		err = fmt.Errorf("the bridge answers the browser with HTTP status %d", resp.StatusCode)
	}
	return errors.Join(err, resp.Body.Close())
}

// refusal is where the provider sends the browser of a person who says no (RFC
// 6749, section 4.1.2.1).
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

// refuse makes the person say no, or yes again.
func (d *desk) refuse(no bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuses = no
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
