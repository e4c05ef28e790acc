package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvFile(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.env")
	if _, err := new(cli).environment(missing, nil); !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), missing) != 1 {
		t.Errorf("environment(%q) = %v, want %v", missing, err, fs.ErrNotExist)
	}
	for _, test := range []struct {
		name string
		text string
		want map[string]string
		err  string
	}{
		{"variables", "A_1=b\nCITY=São Paulo \n", map[string]string{"A_1": "b", "CITY": "São Paulo "}, ""},
		{"no end of line", "CITY=Tokyo", map[string]string{"CITY": "Tokyo"}, ""},
		{"line ends of Windows", "CITY=Tokyo\r\n", map[string]string{"CITY": "Tokyo"}, ""},
		{"comments and empty lines", "# CITY=Paris\n\n  \n", map[string]string{}, ""},
		{"an = in the value", "QUERY=a=b", map[string]string{"QUERY": "a=b"}, ""},
		{"a # in the value", "COLOR=#fff", map[string]string{"COLOR": "#fff"}, ""},
		{"to be removed", "CITY=", map[string]string{"CITY": ""}, ""},
		{"from here", "SET", map[string]string{"SET": "value"}, ""},
		{"not there", "A_1=b\nSECRET_PART", nil, "line 2: it has no value, and there is no such variable here"},
		{"no name", "c2VjcmV0+cGFydA==", nil, "line 1: it does not begin with a name: a letter, then one or more letters, digits and _"},
		{"for a shell", "export CITY=Tokyo", nil, "line 1: it does not begin with a name: a letter, then one or more letters, digits and _"},
		{"in quotes", `CITY="Tokyo"`, nil, "line 1: the quotes would be part of the value: leave them out"},
		{"twice", "CITY=Tokyo\nCITY=Paris", nil, "line 2: the variable was set before"},
		{"large", "CITY=" + strings.Repeat("x", 64<<10), nil, "it is larger than 64 KiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "lambda.env")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			c := &cli{getenv: func(name string) string { return map[string]string{"SET": "value"}[name] }}
			got, err := c.environment(file, nil)
			if test.err != "" {
				if want := "--env-file " + file + ": " + test.err; err == nil || err.Error() != want {
					t.Errorf("environment = %v, want %s", err, want)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("environment: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// Any file of variables is read or refused, and no error shows its contents.
func FuzzEnvFile(f *testing.F) {
	f.Add("A_1=b\n# c\nSET\n")
	f.Add("c2VjcmV0+cGFydA==\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := &cli{getenv: func(string) string { return "" }}
		got := map[string]string{}
		err := c.readVariables(strings.NewReader(text), got)
		if err == nil {
			for name, value := range got {
				if !strings.Contains(text, name+"="+value) {
					t.Errorf("readVariables(%q) = %q", text, got)
				}
			}
			return
		}
		for word := range strings.FieldsSeq(text) {
			if len(word) > 10 && strings.Contains(err.Error(), word) {
				t.Errorf("readVariables(%q) = %v", text, err)
			}
		}
	})
}
