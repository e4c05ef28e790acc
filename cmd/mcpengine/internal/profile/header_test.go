package profile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

func TestParseHeader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want profile.Header
	}{
		{"X-Key=a=b", profile.Header{Name: "X-Key", Value: "a=b"}},
		{"X-Key=http://x", profile.Header{Name: "X-Key", Value: "http://x"}},
		{"X-Key=env:TOKEN", profile.Header{Name: "X-Key", Env: "TOKEN"}},
		{"X-Key=file:/run/token", profile.Header{Name: "X-Key", File: "/run/token"}},
		{"X-Key=command:print  token", profile.Header{Name: "X-Key", Command: []string{"print", "token"}}},
		{"X-Key=literal:env:TOKEN", profile.Header{Name: "X-Key", Value: "env:TOKEN"}},
	}
	for _, test := range tests {
		got, err := profile.ParseHeader(test.in)
		if err != nil {
			t.Errorf("ParseHeader(%q): %v", test.in, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("ParseHeader(%q) (-want +got):\n%s", test.in, diff)
		}
	}
	for _, in := range []string{"", "hunter2", "=hunter2", "X-Key=", "X-Key=env:", "X-Key=command: ", "a b=c", "Host=x", "Mcp-Param-a=x", "X-Key=a\nhunter2"} {
		if _, err := profile.ParseHeader(in); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseHeader(%q) = %v", in, err)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, 20<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string {
		return map[string]string{"TOKEN": "from env", "BAD": "hunter2\r\nX: y"}[name]
	}
	tests := []struct {
		header     profile.Header
		want, fail string
	}{
		{profile.Header{Name: "a", Value: "literal"}, "literal", ""},
		{profile.Header{Name: "a", File: file}, "from file", ""},
		{profile.Header{Name: "a", File: large}, "", "more than 16 KiB"},
		{profile.Header{Name: "a", File: file + "x"}, "", "no such file"},
		{profile.Header{Name: "a", Env: "TOKEN"}, "from env", ""},
		{profile.Header{Name: "a", Env: "NONE"}, "", "empty"},
		{profile.Header{Name: "a", Env: "BAD"}, "", "control character"},
		{profile.Header{Name: "a", Command: []string{"echo", "from", "command"}}, "from command", ""},
		{profile.Header{Name: "a", Command: []string{"cat", "hunter2"}}, "", "run cat: exit status 1"},
		{profile.Header{Name: "a", Command: []string{"cat", large}}, "", "run cat"},
	}
	for _, test := range tests {
		got, err := test.header.Resolve(t.Context(), env)
		if test.fail == "" && (err != nil || got != test.want) {
			t.Errorf("Resolve(%+v) = %q, %v; want %q", test.header, got, err, test.want)
		}
		if test.fail != "" && (err == nil || !strings.Contains(err.Error(), test.fail) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("Resolve(%+v) = %q, %v; want an error with %q", test.header, got, err, test.fail)
		}
	}
}
