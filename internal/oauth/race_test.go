package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// An unlocked store is one on a file system whose locks do not hold.
type unlocked struct{ oauth.Store }

func (unlocked) Lock(context.Context, string) (func(), error) { return func() {}, nil }

// H11: two processes refresh a token at once where locks do not hold, as on
// some network file systems. A refresh token is good for one use, so the second
// process is refused. It uses the token of the first, and no person has to sign
// in.
func TestAttackH11LocksThatDoNotHold(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		ahead   time.Duration // of the clock
		revoked bool          // the access token is refused before it expires
	}{
		"the token has expired": {2 * time.Hour, false},
		"the token is refused":  {0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, clock := newWorld(t), &clock{}
			config := w.config()
			config.Store, config.Now = unlocked{oauth.NewMemoryStore()}, clock.now
			w.tokens = map[string]any{"access_token": goodToken + "-1", "refresh_token": "r1"}
			mustCall(t, newAuthorizer(t, config), w.url())
			clock.mu.Lock()
			clock.ahead = row.ahead
			clock.mu.Unlock()
			if row.revoked {
				w.refuse = func(rw http.ResponseWriter, r *http.Request) bool {
					if !strings.HasSuffix(r.Header.Get("Authorization"), "-1") {
						return false
					}
					rw.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
					rw.WriteHeader(http.StatusUnauthorized)
					return true
				}
			}

			first, second := newAuthorizer(t, config), newAuthorizer(t, config)
			uses := 0
			w.token = func(rw http.ResponseWriter, form url.Values) bool {
				if form.Get("refresh_token") != "r1" {
					return false
				}
				if uses++; uses == 1 {
					// The second has read the store and sent this. Now the
					// first does all that it does.
					mustCall(t, first, w.url())
					answerJSON(rw, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
					return true
				}
				answerJSON(rw, http.StatusOK, map[string]any{
					"access_token": fmt.Sprint(goodToken, "-", uses), "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r2",
				})
				return true
			}
			mustCall(t, second, w.url())
			if uses != 2 {
				t.Errorf("the refresh token was used %d times, want 2: there was no race", uses)
			}
			if got := len(w.to("/authorize")); got != 1 {
				t.Errorf("%d sign-ins, want the one at first", got)
			}
			mustCall(t, newAuthorizer(t, config), w.url()) // what is kept is good
			if got := len(w.to("/authorize")); got != 1 {
				t.Errorf("%d sign-ins, want the one at first", got)
			}
		})
	}
}

// A token and its refresh token are both refused, and no process has other
// ones: a person has to sign in again.
func TestRefreshRefused(t *testing.T) {
	t.Parallel()
	w, clock := newWorld(t), &clock{}
	config := w.config()
	config.Store, config.Now = oauth.NewMemoryStore(), clock.now
	w.tokens = map[string]any{"access_token": goodToken + "-1"}
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	clock.ahead = time.Minute // it has been good for a while
	w.refuse = func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.Header.Get("Authorization"), "-1") {
			return false
		}
		rw.WriteHeader(http.StatusUnauthorized)
		return true
	}
	w.token = func(rw http.ResponseWriter, form url.Values) bool {
		if form.Get("grant_type") != "refresh_token" {
			return false
		}
		answerJSON(rw, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return true
	}
	w.tokens = map[string]any{"access_token": goodToken + "-2"}
	mustCall(t, a, w.url())
	if got := len(w.to("/authorize")); got != 2 {
		t.Errorf("%d sign-ins, want 2", got)
	}
	if got := len(w.to("/token")); got != 3 {
		t.Errorf("%d token requests, want 3: two codes and one attempt to refresh", got)
	}
}
