package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/auth"
)

func verifyNothing(context.Context, string) (*auth.User, error) { return nil, auth.ErrInvalidToken }

func TestStaticTokens(t *testing.T) {
	t.Parallel()
	const robot, human = "robot-4f1c9a3e5b7d4e2f", "human-0a1b2c3d4e5f6071"
	users := map[string]auth.User{
		auth.HashToken(robot): {Subject: "robot", Machine: true, Scopes: []string{"mcp:write"}},
		auth.HashToken(human): {Subject: "alice", Expiry: start.Add(time.Hour)},
	}
	b := newSetup(t, auth.StaticTokens(users), auth.WithHierarchy("mcp:write", "mcp:read"))
	u := b.accept(t, robot)
	if u.ID() != auth.StaticIssuer+" robot" || !b.resource.Granted(u, "mcp:read") {
		t.Errorf("user %+v", u)
	}
	b.accept(t, human)
	b.pass(2 * time.Hour)
	if c := b.refuse(t, human, 401); c.Message != "the access token has expired" {
		t.Errorf("message %q", c.Message)
	}
	t.Run("D28 every wrong token has one answer", func(t *testing.T) {
		want := fmt.Sprintf("%+v", b.refuse(t, "some-other-token-value", 401))
		for _, token := range []string{robot[:len(robot)-1], robot + "0", "r", auth.HashToken(robot), strings.ToUpper(robot), "a.b.c"} {
			if got := fmt.Sprintf("%+v", b.refuse(t, token, 401)); got != want {
				t.Errorf("%q: %s, want %s", token, got, want)
			}
		}
	})
	if paths := b.resource.Paths(); len(paths) != 0 {
		t.Errorf("metadata at %q without an authorization server", paths)
	}
	if c := b.resource.Unauthenticated(); c.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("WWW-Authenticate = %q", c.Header.Get("WWW-Authenticate"))
	}
}

func TestCustom(t *testing.T) {
	t.Parallel()
	const token = "custom-token-of-somebody"
	tests := []struct {
		name   string
		verify func(context.Context, string) (*auth.User, error)
		status int
	}{
		{"good", func(context.Context, string) (*auth.User, error) { return &auth.User{Subject: "a"}, nil }, 0},
		{"bad", func(_ context.Context, s string) (*auth.User, error) {
			return nil, fmt.Errorf("%s: %w", s, auth.ErrInvalidToken)
		}, 401},
		{"user and error", func(context.Context, string) (*auth.User, error) {
			return &auth.User{Subject: "a"}, auth.ErrInvalidToken
		}, 401},
		{"nobody", func(context.Context, string) (*auth.User, error) { return nil, nil }, 401},
		{"no subject", func(context.Context, string) (*auth.User, error) { return &auth.User{}, nil }, 401},
		{"another issuer", func(context.Context, string) (*auth.User, error) { return &auth.User{Issuer: "x", Subject: "a"}, nil }, 401},
		{"expired", func(context.Context, string) (*auth.User, error) {
			return &auth.User{Subject: "a", Expiry: start.Add(-time.Hour)}, nil
		}, 401},
		{"failure", func(_ context.Context, s string) (*auth.User, error) { return nil, errors.New("database down: " + s) }, 503},
		{"panic", func(_ context.Context, s string) (*auth.User, error) { panic("oops: " + s) }, 503},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newSetup(t, auth.Custom("https://own.example", test.verify))
			if test.status != 0 {
				b.refuse(t, token, test.status)
			} else if u := b.accept(t, token); u.Issuer != "https://own.example" {
				t.Errorf("issuer %q", u.Issuer)
			}
		})
	}
	b := newSetup(t, auth.Custom("urn:own", verifyNothing))
	if paths := b.resource.Paths(); len(paths) != 0 {
		t.Errorf("metadata at %q for an issuer that is no URL", paths)
	}
}
