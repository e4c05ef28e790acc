package format_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
)

func document(frontmatter string) []byte { return []byte("---\n" + frontmatter + "---\n\n# Body\n") }

func TestParseFrontmatter(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"fields stay in their order", "name: a\ndescription: b\nlicense: c\n", `{"name":"a","description":"b","license":"c"}`},
		{"comments and empty lines", "# c\nname: a # c\n\n  # c\ndescription: b#c\n", `{"name":"a","description":"b#c"}`},
		{"colons without a space", "url: https://example.com:80/\n", `{"url":"https://example.com:80/"}`},
		{"a space before the colon", "name : a\n", `{"name":"a"}`},
		{"null", "a:\nb: ~\nc: null\nd: Null\ne: # c\n", `{"a":null,"b":null,"c":null,"d":null,"e":null}`},
		{"booleans of the core schema", "a: true\nb: False\nc: yes\nd: off\n", `{"a":true,"b":false,"c":"yes","d":"off"}`},
		{"integers", "a: 1\nb: -2\nc: +3\nd: 007\ne: 0o17\nf: 0x1F\n", `{"a":1,"b":-2,"c":3,"d":7,"e":15,"f":31}`},
		{"floats keep their spelling", "a: 1.10\nb: .5\nc: 1.\nd: 1e3\ne: +1.5\n", `{"a":1.10,"b":0.5,"c":1,"d":1e3,"e":1.5}`},
		{"not numbers", "a: 1.0.0\nb: 2024-01-02\nc: 1_000\nd: 0b1\ne: 12:30\n", `{"a":"1.0.0","b":"2024-01-02","c":"1_000","d":"0b1","e":"12:30"}`},
		{"text of several lines", "a: one\n  two\n\n  three\n   four\nb: x\n", `{"a":"one two\nthree four","b":"x"}`},
		{"text on the line below", "a:\n  one\n  two\n", `{"a":"one two"}`},
		{"single quotes", "a: 'it''s # not: a comment'\n", `{"a":"it's # not: a comment"}`},
		{"double quotes", `a: "\" \\ \/ \n \t \x41 \u00e9 \U0001F600 \e \_"` + "\n", `{"a":"\" \\ / \n \t A é 😀 \u001b ` + "\u00a0" + `"}`},
		{"quotes over lines", "a: \"one  \n  two\n\n  three \\\n  four\\\n  five\"\n", `{"a":"one two\nthree fourfive"}`},
		{"single quotes over lines", "a: 'one\n  two'\nb: 1\n", `{"a":"one two","b":1}`},
		{"names in quotes", "\"a: b\": 1\n'c': 2\n", `{"a: b":1,"c":2}`},
		{"literal", "a: |\n  one\n   two\n\n  three\nb: x\n", `{"a":"one\n two\n\nthree\n","b":"x"}`},
		{"literal with # and blanks", "a: |\n  # one\n  two  \n", `{"a":"# one\ntwo  \n"}`},
		{"literal, stripped", "a: |-\n  one\n\nb: x\n", `{"a":"one","b":"x"}`},
		{"literal, kept", "a: |+\n  one\n\nb: x\n", `{"a":"one\n\n","b":"x"}`},
		{"literal, indented as said", "a: |2\n   one\n  two\n", `{"a":" one\ntwo\n"}`},
		{"literal, indented and stripped", "a: |2-\n   one\nb: |-1\n  two\n", `{"a":" one","b":" two"}`},
		{"empty literal", "a: |\nb: >-\n", `{"a":"","b":""}`},
		{"folded", "a: >\n  one\n  two\n\n  three\n    four\n  five\n", `{"a":"one two\nthree\n  four\nfive\n"}`},
		{"folded, stripped", "a: >-\n  one\n  two\n", `{"a":"one two"}`},
		{"folded with a comment", "a: >- # c\n  one\n", `{"a":"one"}`},
		{"list", "a:\n  - one\n  - 2\n  -\n  - \"three\"\n", `{"a":["one",2,null,"three"]}`},
		{"list at the indentation of its name", "a:\n- one\n- two\nb: c\n", `{"a":["one","two"],"b":"c"}`},
		{"list of mappings", "a:\n  - x: 1\n    y: 2\n  - x: 3\n", `{"a":[{"x":1,"y":2},{"x":3}]}`},
		{"list of lists", "a:\n  - - 1\n    - 2\n  - - 3\n", `{"a":[[1,2],[3]]}`},
		{"literal in a list", "a:\n  - |\n    one\n  - >-\n    two\n", `{"a":["one\n","two"]}`},
		{"mapping", "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n", `{"a":{"b":{"c":1},"d":2},"e":3}`},
		{"brackets", "a: [one, 'two, three', 4, [5], {x: y}, ]\nb: {}\nc: []\n", `{"a":["one","two, three",4,[5],{"x":"y"}],"b":{},"c":[]}`},
		{"braces", "a: {x: 1, \"y\":2, z: , u: [1]}\n", `{"a":{"x":1,"y":2,"z":null,"u":[1]}}`},
		{"JSON over lines", "a:\n  {\n    \"x\": [\n      1, # c\n      2\n    ]\n  }\n", `{"a":{"x":[1,2]}}`},
		{"braces that close at the left", "a: {\n  x: 1\n}\nb: 2\n", `{"a":{"x":1},"b":2}`},
		{"indented as a whole", "  a: 1\n  b: 2\n", `{"a":1,"b":2}`},
		{"not escaped for HTML", "a: <b> & c\n", `{"a":"<b> & c"}`},
		{"CRLF", "a: one\r\nb: |\r\n  two\r\n  three\r\n", `{"a":"one","b":"two\nthree\n"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := format.ParseFrontmatter(document(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseFrontmatterFindsMistakes(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "line 2: the frontmatter is empty"},
		{"text", "hello\n", `line 2: the frontmatter must consist of lines such as "name: value"`},
		{"list", "- a\n", `line 2: the frontmatter must consist of lines such as "name: value"`},
		{"colon in a text", "a: b\nc: Use this: now\n", `line 3: the text "Use this: now" holds ": ", which begins a value: write the whole text in quotes`},
		{"colon in a second line", "a: b\n  c: d\n", `line 3: the text "c: d" holds ": ", which begins a value: write the whole text in quotes`},
		{"no member", "a: b\nhello\n", `line 3: the line is not a member such as "name: value"`},
		{"twice", "a: b\nc: d\na: e\n", `line 4: "a" is there twice`},
		{"twice in braces", "a: {b: 1, b: 2}\n", `line 2: "b" is there twice`},
		{"tab", "a:\n\tb: c\n", "line 3: a tab cannot indent: use spaces"},
		{"indentation", "a:\n    b: 1\n  c: 2\n", "line 4: the line is indented by 2, where 0 is expected"},
		{"indented less", "  a: 1\nb: 2\n", "line 3: the line is indented less than the first line of the frontmatter"},
		{"anchor", "a: &b c\n", `line 2: anchors and aliases are not supported: write a text that begins with "&" in quotes`},
		{"alias", "a: *b\n", `line 2: anchors and aliases are not supported: write a text that begins with "*" in quotes`},
		{"tag", "a: !!str b\n", `line 2: tags are not supported: write a text that begins with "!" in quotes`},
		{"explicit key", "? a\n", `line 2: "? " begins an explicit key, which is not supported`},
		{"merge", "<<: a\n", `line 2: the merge key "<<" is not supported`},
		{"directive", "%YAML 1.2\na: b\n", `line 2: a text that begins with "%" must be in quotes`},
		{"at sign", "a: @b\n", `line 2: a text that begins with "@" must be in quotes`},
		{"list behind its name", "a: - b\n", "line 2: a list begins on the line below its name"},
		{"number as name", "1: a\n", `line 2: the name "1" is not text: write it in quotes`},
		{"no name", ": a\n", `line 2: a text that begins with ": " must be in quotes`},
		{"infinity", "a: .inf\n", `line 2: ".inf" is not a number of JSON: write it in quotes`},
		{"large integer", "a: 9007199254740993\n", `line 2: the number "9007199254740993" is too large: write it in quotes`},
		{"large float", "a: 1e999\n", `line 2: the number "1e999" is too large: write it in quotes`},
		{"quotes not closed", "a: b\nc: \"d\ne: f\n", "line 4: the line goes on a text in quotes and must be indented by more than 0"},
		{"quotes not closed at the end", "a: b\nc: 'd\n", "line 3: the text has no ' at its end"},
		{"text behind quotes", "a: \"b\" c\n", `line 2: "c" is too much behind the value`},
		{"escape", `a: "\q"` + "\n", `line 2: "\\q" is not an escape`},
		{"surrogate", `a: "\ud800"` + "\n", `line 2: the escape "\\ud800" is not a character`},
		{"short escape", `a: "\u12"` + "\n", `line 2: the escape "\\u12" is incomplete`},
		{"header of a literal", "a: |x\n  b\n", `line 2: "|x" cannot begin a text: write a text that begins with "|" in quotes`},
		{"brackets not closed", "a: [b,\nc: d\n", `line 3: the line stands in brackets and must be indented by more than 0`},
		{"brackets not closed at the end", "a: [b\n", "line 2: the brackets are not closed"},
		{"text behind brackets", "a: [b] [c]\n", `line 2: "[c]" is too much behind the value`},
		{"pair in brackets", "a: [b: c]\n", "line 2: a pair in a list must be in braces, as in [{a: b}]"},
		{"name without a value", "a: {b}\n", `line 2: the name "b" has no value: write "name: value"`},
		{"colon before a brace", "a: {b:}\n", `line 2: a space is missing behind the colon of "b": some readers take the colon for a part of the text`},
		{"text over lines in brackets", "a: [b\n  c]\n", "line 3: a text of several lines in brackets must be in quotes"},
		{"deep", "a: " + strings.Repeat("[", 40) + "\n", "line 2: values are nested deeper than 32"},
		{"deep lists", "a:\n " + strings.Repeat("- ", 40) + "b\n", "line 3: values are nested deeper than 32"},
		{"control character", "a: b\x00\n", "line 2: the character U+0000 is not allowed: write it as an escape in double quotes"},
		{"line separator", "a: b\u2028c\n", "line 2: the character U+2028 is a line break for some parsers: write it as an escape in double quotes"},
		{"not UTF-8", "a: b\n\xff: c\n", "line 3: the text is not UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := format.ParseFrontmatter(document(test.text))
			fault, ok := errors.AsType[*format.Fault](err)
			if !ok {
				t.Fatalf("ParseFrontmatter = %s, %v, want a *Fault", got, err)
			}
			if diff := cmp.Diff(test.want, fault.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseFrontmatterFindsItsEnds(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"byte order mark", "\ufeff---\na: b\n---\n", ""},
		{"nothing behind", "---\na: b\n---", ""},
		{"blanks behind the second line", "---\na: b\n--- \t\nc", ""},
		{"empty file", "", `line 1: a SKILL.md begins with frontmatter: a line "---", the fields, and a second line "---"`},
		{"no frontmatter", "# Title\n", `line 1: a SKILL.md begins with frontmatter: a line "---", the fields, and a second line "---"`},
		{"blanks behind the first line", "--- \na: b\n---\n", `line 1: blanks behind "---", which some readers do not accept`},
		{"no second line", "---\na: b\n", `line 1: the frontmatter has no second line "---"`},
		{"long", "---\na: " + strings.Repeat("b", 70_000) + "\n---\n", `line 1: the frontmatter is longer than 64 KiB, or has no second line "---"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := format.ParseFrontmatter([]byte(test.text))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("ParseFrontmatter: %q, want %q", got, test.want)
			}
		})
	}
}

// FuzzParseFrontmatter checks that every text is either an object or refused with
// a line of the text, and that the object is strict JSON.
func FuzzParseFrontmatter(f *testing.F) {
	for _, seed := range []string{
		"name: a\ndescription: b\n", "a: |2-\n   one\n", "a: >+\n  b\n\n  c\n", "a: [b, {c: 'd'}]\n", "a: \"b\\\n  c\"\n",
		"a:\n- - b\n  - c: d\n", "a: b\n  c\n", "a: {\n}\n", "- a\n", "a: ''''\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		content := document(string(text))
		got, err := format.ParseFrontmatter(content)
		if err != nil {
			fault, ok := errors.AsType[*format.Fault](err)
			if !ok || fault.Line < 1 || fault.Line > 1+bytes.Count(content, []byte("\n")) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var object map[string]any
		if err := json.Unmarshal(got, &object); err != nil {
			t.Fatalf("%q: %s: %v", text, got, err)
		}
	})
}
