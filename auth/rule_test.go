package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
)

func TestRules(t *testing.T) {
	t.Parallel()
	alice := &auth.User{
		Issuer: issuer, Subject: "alice", Email: "alice@example.com", EmailVerified: true,
		Roles: []string{"editor"}, Groups: []string{"staff"}, Claims: map[string]any{"org": "acme", "admin": false, "list": []any{"x"}},
	}
	robot := &auth.User{Issuer: issuer, Subject: "robot", Machine: true, Email: "robot@example.com"}
	yes, no := auth.Person(), auth.Machine()
	tests := []struct {
		rule         auth.Rule
		alice, robot bool
		text         string
	}{
		{auth.Rule{}, false, false, "never be let in"},
		{auth.HasRole("editor"), true, false, `have the role "editor"`},
		{auth.HasRole("edit"), false, false, `have the role "edit"`},
		{auth.InGroup("staff"), true, false, `be in the group "staff"`},
		{auth.InGroup("editor"), false, false, `be in the group "editor"`},
		{auth.IsUser(issuer, "alice"), true, false, `be "alice" of https://id.example`},
		{auth.IsUser("https://evil.example", "alice"), false, false, `be "alice" of https://evil.example`},
		{auth.Claim("org", "acme"), true, false, "have the claim org = acme"},
		{auth.Claim("admin", false), true, false, "have the claim admin = false"},
		{auth.Claim("missing", nil), false, false, "have the claim missing = <nil>"},
		{auth.Claim("list", "x"), false, false, "have the claim list = x"},
		{auth.VerifiedEmailDomain("example.com"), true, false, "have a verified e-mail address at example.com"},
		{auth.VerifiedEmailDomain("EXAMPLE.com"), true, false, "have a verified e-mail address at EXAMPLE.com"},
		{auth.VerifiedEmailDomain("ample.com"), false, false, "have a verified e-mail address at ample.com"},
		{auth.FromIssuer(issuer), true, true, "come from the issuer https://id.example"},
		{auth.FromIssuer(issuer + "/"), true, true, "come from the issuer https://id.example/"},
		{auth.FromIssuer(issuer + "/x"), false, false, "come from the issuer https://id.example/x"},
		{auth.FromIssuer("https://evil.example"), false, false, "come from the issuer https://evil.example"},
		{auth.VerifiedEmailDomain(""), false, false, "have a verified e-mail address at "},
		{auth.Person(), true, false, "be a person"},
		{auth.Machine(), false, true, "be a machine"},
		{auth.Any(), false, false, "never be let in"},
		{auth.All(), false, false, "never be let in"},
		{auth.Any(no, yes), true, true, "(be a machine or be a person)"},
		{auth.All(no, yes), false, false, "(be a machine and be a person)"},
		{auth.All(yes, auth.HasRole("editor")), true, false, `(be a person and have the role "editor")`},
		{auth.Any(auth.Rule{}), false, false, "never be let in"},
		{auth.All(auth.Any(yes, no), auth.Rule{}), false, false, "((be a person or be a machine) and never be let in)"},
		{auth.RuleFunc("own it", nil), false, false, "never be let in"},
		{auth.RuleFunc("own it", func(context.Context, *auth.User) error { return nil }), true, true, "own it"},
		{auth.RuleFunc("own it", func(context.Context, *auth.User) error { return errors.New("x") }), false, false, "own it"},
		{auth.RuleFunc("own it", func(context.Context, *auth.User) error { panic("x") }), false, false, "own it"},
		{auth.Any(auth.RuleFunc("own it", func(context.Context, *auth.User) error { panic("x") }), yes), true, false, "(own it or be a person)"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			if got := test.rule.String(); got != test.text {
				t.Errorf("String = %q, want %q", got, test.text)
			}
			for user, want := range map[*auth.User]bool{alice: test.alice, robot: test.robot, nil: false} {
				err := test.rule.Check(t.Context(), user)
				if (err == nil) != want {
					t.Errorf("Check(%v) = %v, want allowed %t", user, err, want)
				}
				if err != nil && !strings.Contains(err.Error(), test.text) {
					t.Errorf("the error does not say which rule denied: %v", err)
				}
			}
		})
	}
}

// C19: an answer that comes too late denies, whatever it is.
// Addresses that look as if they were at a domain and are not.
func TestVerifiedEmailDomain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address, domain string
		want            bool
	}{
		{"a@example.com", "example.com", true},
		{"a@EXAMPLE.COM", "example.com", true},
		{"ä@example.com", "example.com", true},
		{"a@bücher.example", "bücher.example", true},
		{"a@BÜCHER.example", "bücher.example", false}, // not ASCII
		{"a@\u212aelvin.example", "kelvin.example", false},
		{"a@\u017fhop.example", "shop.example", false},
		{"a@evil@example.com", "example.com", false},
		{"@example.com", "example.com", false},
		{"a@", "", false},
		{"", "", false},
		{"a@example.com ", "example.com ", false},
		{"a b@example.com", "example.com", false},
		{"a\u00a0b@example.com", "example.com", false},
		{"a\n@example.com", "example.com", false},
		{"a\x00@example.com", "example.com", false},
		{"a\u202e@example.com", "example.com", false}, // right-to-left override
		{"a\u200b@example.com", "example.com", false}, // no width
		{"a\xff@example.com", "example.com", false},
		{"a@sub.example.com", "example.com", false},
		{"a@example.com.evil.example", "example.com", false},
	} {
		u := &auth.User{Issuer: issuer, Subject: "a", Email: test.address, EmailVerified: true}
		if got := auth.VerifiedEmailDomain(test.domain).Check(t.Context(), u) == nil; got != test.want {
			t.Errorf("%q at %q = %t, want %t", test.address, test.domain, got, test.want)
		}
	}
}

func TestRuleDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked time.Time
		slow := auth.RuleFunc("be looked up", func(ctx context.Context, _ *auth.User) error {
			asked = time.Now()
			<-ctx.Done()
			return nil
		})
		err := slow.Check(t.Context(), &auth.User{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Check = %v, want a deadline", err)
		}
		if waited := time.Since(asked); waited != 10*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

// C04 and C05: a scope is granted by its own name or by a declared one.
func TestGranted(t *testing.T) {
	t.Parallel()
	r, err := auth.NewResource(resourceURL, idp.OIDC(issuer, resourceURL),
		auth.WithHierarchy("mcp:admin", "mcp:write", "mcp:audit"),
		auth.WithHierarchy("mcp:write", "mcp:read"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		granted, needed string
		want            bool
	}{
		{"mcp:read", "mcp:read", true},
		{"mcp:write", "mcp:read", true},
		{"mcp:admin", "mcp:read", true},
		{"mcp:admin", "mcp:read mcp:write mcp:audit mcp:admin", true},
		{"mcp:read", "mcp:write", false},
		{"mcp:read", "mcp:read mcp:write", false},
		{"mcp:audit", "mcp:read", false},
		{"mcp:audit mcp:read", "mcp:read mcp:audit", true},
		{"mcp:readonly", "mcp:read", false},
		{"xmcp:read", "mcp:read", false},
		{"MCP:READ", "mcp:read", false},
		{"mcp:*", "mcp:read", false},
		{"*", "mcp:read", false},
		{"mcp", "mcp:read", false},
		{"", "mcp:read", false},
		{"", "", true},
	}
	for _, test := range tests {
		u := &auth.User{Scopes: strings.Fields(test.granted)}
		if got := r.Granted(u, strings.Fields(test.needed)...); got != test.want {
			t.Errorf("Granted(%q, %q) = %t, want %t", test.granted, test.needed, got, test.want)
		}
	}
	if r.Granted(nil) || r.Granted(nil, "mcp:read") {
		t.Error("nobody was granted something")
	}
}

// Two users have one ID only when issuer and subject are the same.
func TestUserID(t *testing.T) {
	t.Parallel()
	texts := []string{"", " ", "a", "a ", " a", "a b", `"`, `"a"`, `"a" b`, `\`, `a" `, `"a b"`, `"a b" c`, "a\x00"}
	seen := map[string][2]string{}
	for _, issuer := range texts {
		for _, subject := range texts {
			u := auth.User{Issuer: issuer, Subject: subject}
			if other, ok := seen[u.ID()]; ok {
				t.Errorf("%q is the ID of %q and of %q", u.ID(), other, [2]string{issuer, subject})
			}
			seen[u.ID()] = [2]string{issuer, subject}
		}
	}
}
