package auth_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/auth"
)

// RFC 6749, section 3.3: scopes are separated by U+0020 and by nothing else.
func TestParseScopes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 257)
	for _, test := range []struct {
		claim any
		want  []string
	}{
		{"mcp:read mcp:write", []string{"mcp:read", "mcp:write"}},
		{"mcp:read", []string{"mcp:read"}},
		{" mcp:read  mcp:write ", []string{"mcp:read", "mcp:write"}},
		{"", nil},
		{[]any{"mcp:read", "mcp:write"}, []string{"mcp:read", "mcp:write"}},
		{[]string{"mcp:read", "mcp:write"}, []string{"mcp:read", "mcp:write"}},
		{"mcp:read " + long, []string{"mcp:read"}},
		{[]any{"mcp:read", long}, []string{"mcp:read"}},
		{[]any{"mcp:read mcp:admin"}, nil},
		{[]any{"mcp:read", ""}, nil},
		{[]any{"mcp:read", 1}, nil},
		{nil, nil},
		{1, nil},
		{map[string]any{"mcp:read": true}, nil},
		{strings.Repeat("a ", 1001), nil},
	} {
		if diff := cmp.Diff(test.want, auth.ParseScopes(test.claim), cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
			t.Errorf("ParseScopes(%q) (-want +got):\n%s", test.claim, diff)
		}
	}
	for _, c := range "\t\n\v\f\r\x00\x1f\"\\\x7f\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u3000ä" {
		claim := "mcp:read" + string(c) + "mcp:admin"
		if got := auth.ParseScopes(claim); len(got) > 0 {
			t.Errorf("ParseScopes(%q) = %q, want none", claim, got)
		}
		if got := auth.ParseScopes([]any{"mcp:read", claim}); len(got) > 0 {
			t.Errorf("ParseScopes of a list with %q = %q, want none", claim, got)
		}
		if auth.ValidScope(claim) {
			t.Errorf("ValidScope(%q)", claim)
		}
	}
}
