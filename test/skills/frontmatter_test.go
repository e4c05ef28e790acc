// Package skills_test compares the reader of frontmatter with a library for YAML.
// It is in this module because the library would otherwise be a requirement of
// every server.
package skills_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/mcpengine/mcpengine/ext/skills/skill"
)

// Numbers as YAML 1.2.2 writes them down (10.3.2).
var (
	integer = regexp.MustCompile(`^[-+]?[0-9]+$`)
	octal   = regexp.MustCompile(`^0o[0-7]+$`)
	hexa    = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	float   = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// valueOf returns what the library has read, with scalars resolved by the core
// schema, as encoding/json would decode it.
func valueOf(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = valueOf(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, valueOf(item))
		}
		return list
	case yaml.ScalarNode:
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return n.Value
		}
		return resolve(n.Value)
	}
	return fmt.Sprint("a node of kind ", n.Kind)
}

func resolve(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	var n int64
	var err error
	switch {
	case integer.MatchString(s):
		n, err = strconv.ParseInt(s, 10, 64)
	case octal.MatchString(s):
		n, err = strconv.ParseInt(s[2:], 8, 64)
	case hexa.MatchString(s):
		n, err = strconv.ParseInt(s[2:], 16, 64)
	case float.MatchString(s):
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return err
		}
		return f
	default:
		return s
	}
	if err != nil {
		return err
	}
	return float64(n)
}

var seeds = []string{
	"name: a\ndescription: b\n", "a: |2-\n   one\n", "a: >+\n  b\n\n   c\n  d\n\ne: f\n", "a: [b, {c: 'd'}, \"e\", 1.5, 0x1F]\n",
	"a: \"b\\\n  c \\u00e9\n\n  d\"\n", "a:\n- - b\n  - c: d\n    e:\n    - f\n", "a: b\n  c\n\n  d # e\nf: g#h\n", "a: {\n  b: c,\n}\n", "a: 'it''s'\n",
	"a:\n  {\"b\": [1, # c\n  2]}\n", "a: .5\nb: 1.\nc: +1\nd: 007\ne: 1e3\nf: yes\ng: 2024-01-02\n", "a: http://b:80/\nc: -d\ne: ?f\ng: :h\n", "a: |\n  b\n # c\nd: e\n",
	"\"a\" : b\n'c': d\n", "a:\n  b\nc:\nd: ~\n", "a: >\n\n  b\n  c\n\n\n", "a: []\nb: {}\nc: [ ]\n", "a: [b,\n  c,\n ]\n", "# a\n\nb: c\n", "a: - b\n", "a: b: c\n", "- a\n", "a: 'b' c\n",
}

// FuzzFrontmatter checks that the library accepts what the reader accepts, and
// reads the same from it.
func FuzzFrontmatter(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "---") {
			return // it may end the frontmatter, or begin a document
		}
		if strings.ContainsAny(text, "[{") && strings.Contains(text, "?") {
			return // where the library is at YAML 1.1
		}
		frontmatter, err := skill.ParseFrontmatter([]byte("---\n" + text + "---\n"))
		if err != nil {
			return
		}
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			t.Fatalf("the reader takes %q for %s, which the library refuses: %v", text, frontmatter, err)
		}
		if len(document.Content) != 1 {
			t.Fatalf("the reader takes %q for %s, and the library for nothing", text, frontmatter)
		}
		var got any
		if err := json.Unmarshal(frontmatter, &got); err != nil {
			t.Fatal(err)
		}
		if want := valueOf(document.Content[0]); !reflect.DeepEqual(got, want) {
			t.Fatalf("the reader takes %q for %#v, and the library for %#v", text, got, want)
		}
	})
}
