package oauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// A browserCall is a request to the page that the browser comes back to.
type browserCall struct {
	name, method, host string
	change             func(q url.Values)
	path               string
	status             int
	says               string
}

func (b browserCall) send(ctx context.Context, redirect string, state string) (status int, page string, h http.Header, err error) {
	u, err := url.Parse(redirect)
	if err != nil {
		return 0, "", nil, err
	}
	q := url.Values{"state": {state}, "code": {"the-code"}}
	if b.change != nil {
		b.change(q)
	}
	if b.path != "" {
		u.Path = b.path
	}
	u.RawQuery = q.Encode()
	method := b.method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), http.NoBody)
	if err != nil {
		return 0, "", nil, err
	}
	if b.host != "" {
		req.Host = b.host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), resp.Header, err
}

// The page that the browser comes back to answers nobody else, once.
func TestCallbackPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open := func(ctx context.Context, target string) error {
		u, err := url.Parse(target)
		if err != nil {
			return err
		}
		redirect, state := u.Query().Get("redirect_uri"), u.Query().Get("state")
		if !strings.HasPrefix(redirect, "http://127.0.0.1:") || len(state) < 20 {
			t.Errorf("redirect URI %s, state of %d characters", redirect, len(state))
		}
		for _, call := range []browserCall{
			{name: "another name", host: "evil.example", status: http.StatusMisdirectedRequest},
			{name: "localhost", host: "localhost:" + u.Port(), status: http.StatusMisdirectedRequest},
			{name: "another path", path: "/", status: http.StatusNotFound},
			{name: "POST", method: http.MethodPost, status: http.StatusMethodNotAllowed},
			{name: "no state", change: func(q url.Values) { q.Del("state") }, status: http.StatusBadRequest},
			{name: "another state", change: func(q url.Values) { q.Set("state", "<script>") }, status: http.StatusBadRequest},
			{name: "two states", change: func(q url.Values) { q.Add("state", "x") }, status: http.StatusBadRequest},
			{name: "the answer", status: http.StatusOK, says: "You are signed in"},
		} {
			status, page, h, err := call.send(ctx, redirect, state)
			if err != nil {
				return err
			}
			if status != call.status || !strings.Contains(page, call.says) || strings.Contains(page, "<script") || strings.Contains(page, "the-code") {
				t.Errorf("%s: HTTP status %d, want %d: %s", call.name, status, call.status, page)
			}
			if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: header %v", call.name, h)
			}
		}
		// A second answer changes nothing: the page is gone, or says so.
		status, _, _, err := browserCall{}.send(ctx, redirect, state)
		if err == nil && status != http.StatusGone {
			t.Errorf("the second answer: HTTP status %d", status)
		}
		return nil
	}
	if err := w.call(func(c *oauth.Config) { c.Grant = oauth.AuthorizationCode{Open: open} }); err != nil {
		t.Fatal(err)
	}
	if got := w.to("/token")[0].form.Get("code"); got != "the-code" {
		t.Errorf("code = %q", got)
	}
}

// What an authorization server says of an error is shown, as text.
func TestCallbackPageEscapes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open := func(ctx context.Context, target string) error {
		u, err := url.Parse(target)
		if err != nil {
			return err
		}
		_, page, _, err := browserCall{change: func(q url.Values) {
			q.Set("error", `"><img src=x onerror=alert(1)>`)
			q.Set("error_description", "<script>alert(1)</script>")
		}}.send(ctx, u.Query().Get("redirect_uri"), u.Query().Get("state"))
		if strings.Contains(page, "<script>") || strings.Contains(page, "<img") || !strings.Contains(page, "&lt;script&gt;") {
			t.Errorf("page = %s", page)
		}
		return err
	}
	err := w.call(func(c *oauth.Config) { c.Grant = oauth.AuthorizationCode{Open: open} })
	if _, ok := errors.AsType[*oauth.Error](err); !ok {
		t.Errorf("err = %v", err)
	}
}

// A person who does not come back, and one who has no browser.
func TestSignInIsNotFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nobody := func(context.Context, string) error { return nil }
	err := w.call(func(c *oauth.Config) { c.Grant = oauth.AuthorizationCode{Open: nobody, Timeout: 50 * time.Millisecond} })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
	broken := errors.New("no browser")
	err = w.call(func(c *oauth.Config) {
		c.Grant = oauth.AuthorizationCode{Open: func(context.Context, string) error { return broken }}
	})
	if !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
}

// Only pages that can be trusted to be whose they say are opened.
func TestOpenBrowserRefuses(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"file:///etc/passwd", "http://example.com/", "javascript:alert(1)", "-version", "", "https://user:password@example.com/",
	} {
		if err := oauth.OpenBrowser(t.Context(), target); err == nil {
			t.Errorf("%q was opened", target)
		}
	}
}

// The port that was registered is listened on again, because many servers
// compare it.
func TestRedirectPort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := oauth.NewMemoryStore()
	open := func(ctx context.Context, target string) error {
		u, err := url.Parse(target)
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.requests = append(w.requests, request{path: u.Path, form: u.Query()})
		w.mu.Unlock()
		_, _, _, err = browserCall{}.send(ctx, u.Query().Get("redirect_uri"), u.Query().Get("state"))
		return err
	}
	for range 2 {
		config := w.config()
		config.Grant, config.Store = oauth.AuthorizationCode{Open: open}, store
		if err := newAuthorizer(t, config).SignIn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	asked := w.to("/authorize")
	if first, second := asked[0].form.Get("redirect_uri"), asked[1].form.Get("redirect_uri"); first != second || len(w.to("/register")) != 1 {
		t.Errorf("redirected to %s and then to %s, with %d registrations", first, second, len(w.to("/register")))
	}
}
