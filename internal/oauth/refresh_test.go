package oauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A refresh token is used again when none comes in its place (RFC 6749, section
// 6), and what was granted stays.
func TestRefreshTokenIsKept(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), &clock{}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	w.tokens = map[string]any{"refresh_token": nil}
	for range 3 {
		c.add(2 * time.Hour)
		mustCall(t, a, w.url())
	}
	requests := w.to("/token")
	if len(requests) != 4 || len(w.to("/authorize")) != 1 {
		t.Fatalf("%d token requests, want 4", len(requests))
	}
	for _, r := range requests[1:] {
		if got := r.form.Get("refresh_token"); got != "refresh-token" {
			t.Errorf("refresh_token = %q", got)
		}
	}
}

// An authorization server that does not answer is an error, and the token that
// there is stays.
func TestRefreshFails(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t), &clock{}
	config := w.config()
	config.Now = c.now
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	c.add(2 * time.Hour)
	w.token = func(rw http.ResponseWriter, _ url.Values) bool { rw.WriteHeader(http.StatusBadGateway); return true }
	if _, err := call(t.Context(), a, w.url()); err == nil {
		t.Error("no error")
	}
	w.token = nil
	mustCall(t, a, w.url())
	if len(w.to("/authorize")) != 1 {
		t.Error("the person had to sign in again")
	}
}

// An authorization server that cannot answer for a moment, as some say while another
// program renews its token, is asked again. Nobody signs in for that, and a failure
// is over when the server is well again.
func TestTemporarilyUnavailable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		code   string
		again  bool // is the request sent again
	}{
		{"said so", http.StatusBadRequest, "temporarily_unavailable", true},
		{"said so with 503", http.StatusServiceUnavailable, "temporarily_unavailable", true},
		{"503", http.StatusServiceUnavailable, "", true},
		{"429", http.StatusTooManyRequests, "", true},
		{"500", http.StatusInternalServerError, "server_error", false}, // it may have spent the refresh token
	} {
		for _, refused := range []bool{false, true} { // by the MCP server, or expired
			t.Run(fmt.Sprintf("%s, refused %t", test.name, refused), func(t *testing.T) {
				t.Parallel()
				w, c := newWorld(t), &clock{}
				config := w.config()
				config.Now = c.now
				w.tokens = map[string]any{"access_token": goodToken + "-1"}
				a := newAuthorizer(t, config)
				mustCall(t, a, w.url())
				w.tokens = map[string]any{"access_token": goodToken + "-2"}
				if refused {
					w.refuse = func(rw http.ResponseWriter, r *http.Request) bool {
						stale := strings.HasSuffix(r.Header.Get("Authorization"), "-1")
						if stale {
							rw.WriteHeader(http.StatusUnauthorized)
						}
						return stale
					}
					c.add(time.Minute)
				} else {
					c.add(2 * time.Hour)
				}
				failures := 1000
				w.token = func(rw http.ResponseWriter, _ url.Values) bool {
					if failures--; failures < 0 {
						return false
					}
					answerJSON(rw, test.status, map[string]any{"error": test.code})
					return true
				}
				if _, err := call(t.Context(), a, w.url()); err == nil {
					t.Error("no error, although the authorization server has not answered")
				}
				if n := len(w.to("/token")) - 1; (n > 1) != test.again {
					t.Errorf("%d requests", n)
				}
				failures = 0
				if test.again {
					failures = 1
				}
				mustCall(t, a, w.url())
				if n := len(w.to("/authorize")); n != 1 {
					t.Errorf("the person has signed in %d times", n)
				}
			})
		}
	}
}
