package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

// An issuer is asked about tokens, and counts the questions. Tokens that begin
// with "good" are good.
type asked struct{ calls atomic.Int64 }

func (a *asked) verify(_ context.Context, token string) (*auth.User, error) {
	a.calls.Add(1)
	switch {
	case strings.HasPrefix(token, "good"):
		return &auth.User{Subject: token}, nil
	case strings.HasPrefix(token, "broken"):
		return nil, errors.New("the database is down")
	}
	return nil, auth.ErrInvalidToken
}

func (a *asked) want(t *testing.T, what string, want int64) {
	t.Helper()
	if got := a.calls.Swap(0); got != want {
		t.Errorf("%s: %d questions, want %d", what, got, want)
	}
}

func TestRefusalsAreRemembered(t *testing.T) {
	t.Parallel()
	var a asked
	s := newSetup(t, auth.Custom(issuer, a.verify))
	for range 50 {
		s.refuse(t, "bad-token", http.StatusUnauthorized)
	}
	a.want(t, "one bad token 50 times", 1)
	s.pass(10 * time.Second)
	s.refuse(t, "bad-token", http.StatusUnauthorized)
	a.want(t, "ten seconds later", 1)
	for range 3 {
		s.refuse(t, "broken-token", http.StatusServiceUnavailable)
	}
	a.want(t, "a failure is not remembered", 3)
	for range 3 {
		s.accept(t, "good-token")
	}
	a.want(t, "a good token", 3)
}

// A flood of made-up tokens is cut off after a hundred questions and does not
// reach callers who are known.
func TestFloodOfTokens(t *testing.T) {
	t.Parallel()
	var a asked
	s := newSetup(t, auth.Custom(issuer, a.verify))
	s.accept(t, "good-alice")
	a.want(t, "before", 1)
	statuses := map[int]int{}
	for i := range 5000 {
		_, c := s.send(fmt.Sprintf("made-up-%d", i))
		statuses[c.Status]++
	}
	a.want(t, "5,000 made-up tokens", 100)
	if statuses[401] != 100 || statuses[503] != 4900 {
		t.Errorf("statuses %v, want 100 of 401 and 4,900 of 503", statuses)
	}
	s.accept(t, "good-alice")
	s.refuse(t, "good-bob", http.StatusServiceUnavailable) // new here
	s.pass(time.Second)
	s.accept(t, "good-bob")
	for range 50 {
		s.accept(t, "good-bob")
	}
	a.want(t, "the good ones", 52)
	for i := range 5000 {
		s.send(fmt.Sprintf("another-%d", i))
	}
	a.want(t, "ten more a second", 10) // what bob took, he gave back
}

// Good tokens do not spend the budget, however many are new.
func TestGoodTokensAreFree(t *testing.T) {
	t.Parallel()
	var a asked
	s := newSetup(t, auth.Custom(issuer, a.verify))
	for i := range 500 {
		s.accept(t, fmt.Sprintf("good-%d", i))
	}
	a.want(t, "500 new tokens", 500)
}

// A known token that is refused now is unknown again.
func TestRevokedTokenIsUnknown(t *testing.T) {
	t.Parallel()
	revoked := false
	s := newSetup(t, auth.Custom(issuer, func(context.Context, string) (*auth.User, error) {
		if revoked {
			return nil, auth.ErrInvalidToken
		}
		return &auth.User{Subject: "a"}, nil
	}))
	s.accept(t, "token-of-alice")
	revoked = true
	s.refuse(t, "token-of-alice", http.StatusUnauthorized)
	for i := range 200 {
		s.send(fmt.Sprintf("made-up-%d", i))
	}
	s.pass(10 * time.Second / 2)
	s.refuse(t, "token-of-alice", http.StatusUnauthorized) // remembered
}

// Tokens that are made up and answered slowly take no slot that a known caller
// needs, and a caller that leaves stops nobody.
func TestSlowFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newSetup(t, auth.Custom(issuer, func(ctx context.Context, token string) (*auth.User, error) {
			if strings.HasPrefix(token, "made-up") {
				select {
				case <-release:
				case <-ctx.Done():
				}
				return nil, auth.ErrInvalidToken
			}
			return &auth.User{Subject: token}, nil
		}))
		s.accept(t, "good-alice")
		var wg sync.WaitGroup
		for i := range 90 {
			wg.Go(func() { s.send(fmt.Sprintf("made-up-%d", i)) })
		}
		synctest.Wait()
		begin := time.Now()
		s.accept(t, "good-alice")
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("a known caller waited %s", waited)
		}
		close(release)
		wg.Wait()
	})
}
