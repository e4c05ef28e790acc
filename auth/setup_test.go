package auth_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

const (
	resourceURL = "https://rs.example/mcp"
	issuer      = "https://id.example"
)

// start is when every test begins.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A setup is a resource whose provider needs no network.
type setup struct {
	resource *auth.Resource

	mu  sync.Mutex
	now time.Time
	buf bytes.Buffer // the log
}

func newSetup(t testing.TB, p auth.Provider, opts ...auth.ResourceOption) *setup {
	t.Helper()
	s := &setup{now: start}
	opts = append([]auth.ResourceOption{
		auth.WithClock(s.clock),
		auth.WithLogger(slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, opts...)
	var err error
	if s.resource, err = auth.NewResource(resourceURL, p, opts...); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *setup) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *setup) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// Write appends to the log.
func (s *setup) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *setup) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *setup) send(token string) (*auth.User, *auth.Challenge) {
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/mcp", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	return s.resource.Authenticate(req)
}

// accept checks that a token is accepted.
func (s *setup) accept(t testing.TB, token string) *auth.User {
	t.Helper()
	user, c := s.send(token)
	if user == nil || c != nil {
		t.Fatalf("%v %+v, want a user\nlog: %s", user, c, s.log())
	}
	s.checkSecret(t, token, nil)
	return user
}

// refuse checks that a token is answered with the status.
func (s *setup) refuse(t testing.TB, token string, status int) *auth.Challenge {
	t.Helper()
	user, c := s.send(token)
	if user != nil || c == nil || c.Status != status {
		t.Fatalf("%v %+v, want %d\nlog: %s", user, c, status, s.log())
	}
	switch {
	case status == http.StatusUnauthorized && (c.Code != "invalid_token" || c.Header.Get("WWW-Authenticate") == ""):
		t.Errorf("challenge %+v, want invalid_token", c)
	case status == http.StatusServiceUnavailable && (c.Code != "" || c.Header.Get("Retry-After") == ""):
		t.Errorf("challenge %+v, want Retry-After", c)
	}
	s.checkSecret(t, token, c)
	return c
}

// checkSecret checks that the token is neither in the log nor in the answer.
func (s *setup) checkSecret(t testing.TB, token string, c *auth.Challenge) {
	t.Helper()
	said := s.log()
	if c != nil {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, nil)
		said += fmt.Sprint(w.Header()) + w.Body.String() + c.Message
	}
	if len(token) > 4 && strings.Contains(said, token) {
		t.Error("the token is in the log or in the answer")
	}
}
