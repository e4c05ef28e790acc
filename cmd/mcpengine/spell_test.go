package main

import (
	"encoding/json"
	"io"
	"maps"
	"testing"

	"github.com/spf13/cobra"
)

// A noReader fails a test in which an argument makes the command read something.
type noReader struct{ t *testing.T }

func (r noReader) Read([]byte) (int, error) {
	r.t.Error("standard input is read")
	return 0, io.EOF
}

// parsed returns what a command takes from its command line.
func parsed(t *testing.T, words ...string) []string {
	t.Helper()
	var f remoteFlags
	var got []string
	cmd := &cobra.Command{Use: "call", RunE: func(_ *cobra.Command, args []string) error { got = args; return nil }}
	f.add(cmd)
	cmd.SetArgs(append([]string{"server"}, words...))
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	if len(f.headers) > 0 || len(got) != len(words)+1 {
		t.Fatalf("%q is read as %q, with headers %q", words, got, f.headers)
	}
	return got[1:]
}

// Whatever a server says, the command line that is made of it says the same.
func FuzzSpell(f *testing.F) {
	for _, row := range [][3]string{
		{"city", "Tokyo", "string"},
		{"city", "@/home/user/.ssh/id_ed25519", "string"},
		{"city", "@@x", "string"},
		{"city", "@-", ""},
		{"city", "--header=A=b", ""},
		{"--header", "A=b", "string"},
		{"city:", "{}", "string"},
		{"city", "5", "integer"},
		{"a=b", "c", "string"},
		{"$(id)", "`id`", "string"},
		{"", "=x", "string"},
		{"k", "a,b", "string"},
	} {
		f.Add(row[0], row[1], row[2])
	}
	f.Fuzz(func(t *testing.T, key, value, kind string) {
		c := &cli{stdin: noReader{t}}
		if word, ok := spellArgument(value); ok {
			if got := parsed(t, word); got[0] != value {
				t.Errorf("%q is read as %q", value, got[0])
			}
		}
		schema, err := json.Marshal(map[string]any{"properties": map[string]any{key: map[string]any{"type": kind}}})
		if err != nil {
			t.Fatal(err)
		}
		word, ok := spellPair(key, value, parseSchema(schema).of(key))
		if !ok {
			return
		}
		words := parsed(t, word)
		got, err := c.toolArguments(schema, words)
		want, _ := json.Marshal(map[string]string{key: value})
		if err != nil || string(got) != string(want) {
			t.Errorf("tool: %q is read as %s, %v; want %s", word, got, err, want)
		}
		pairs, err := c.promptArguments(words)
		if err != nil || !maps.Equal(pairs, map[string]string{key: value}) {
			t.Errorf("prompt: %q is read as %q, %v", word, pairs, err)
		}
		if prefix, ok := spellKey(key); !ok || prefix != key+"=" {
			t.Errorf("the key %q is spelt %q, %v", key, prefix, ok)
		}
	})
}

// A choice that begins with @ is no name of a file.
func TestChoicesAreLiteral(t *testing.T) {
	t.Parallel()
	schema := parseSchema([]byte(`{"properties":{"k":{"type":"string","enum":["@/etc/passwd","@-","plain"]},"n":{"type":"integer","enum":["5"]}}}`))
	if got := choicesOf("k", schema); len(got) != 3 || got[0] != "k=@@/etc/passwd" || got[1] != "k=@@-" || got[2] != "k=plain" {
		t.Errorf("choices are %q", got)
	}
	if got := choicesOf("n", schema); len(got) > 0 {
		t.Errorf("choices are %q, which would be sent as numbers", got)
	}
}
