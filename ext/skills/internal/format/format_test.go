package format_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("é", 1024)
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"all fields", "name: refunds\ndescription: " + long + "\nlicense: MIT\ncompatibility: x\nmetadata:\n  a: 1\nallowed-tools: Read Bash(git *)\nother: [1]\n", nil},
		{"list of tools", "name: refunds\ndescription: x\nallowed-tools: [Read]\n", nil},
		{"nothing", "a: b\n", []string{"line 1: the frontmatter has no name", "line 1: the frontmatter has no description"}},
		{"folder of another name", "description: x\nname: refund\n", []string{`line 3: the name is "refund" and the folder is "refunds": they must be the same`}},
		{"name", "\"name\": Refunds\ndescription: x\n", []string{`line 2: the name "Refunds" is not lower-case letters a to z, digits and single hyphens between them`}},
		{"name that is a number", "name: 12\ndescription: x\n", []string{"line 2: the name must be text: write it in quotes"}},
		{"empty description", "name: refunds\ndescription: ' '\n", []string{"line 3: the description is empty"}},
		{"null description", "name: refunds\ndescription:\n", []string{"line 3: the description must be text: write it in quotes"}},
		{"long description", "name: refunds\ndescription: " + long + "e\n", []string{"line 3: the description has 1025 characters: 1024 are allowed"}},
		{"license", "name: refunds\ndescription: x\nlicense: 1\n", []string{"line 4: the license must be text: write it in quotes"}},
		{"compatibility", "name: refunds\ndescription: x\ncompatibility: " + long + "\n", []string{"line 4: the compatibility has 1024 characters: 500 are allowed"}},
		{"metadata", "name: refunds\ndescription: x\nmetadata: a\n", []string{`line 4: the metadata must be names and values, as in "author: example"`}},
		{"reserved metadata", "name: refunds\ndescription: x\nmetadata:\n  io.modelcontextprotocol/a: b\n", []string{`line 4: the metadata "io.modelcontextprotocol/a" has a name that is reserved for extensions of the protocol`}},
		{"tools", "name: refunds\ndescription: x\nallowed-tools: {a: b}\n", []string{"line 4: the allowed-tools must be text, or a list of texts"}},
		{"list of other things", "name: refunds\ndescription: x\nallowed-tools: [1]\n", []string{"line 4: the allowed-tools must be text"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, faults := format.Parse(document(test.text), "refunds")
			var got []string
			for _, f := range faults {
				got = append(got, f.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if _, faults := format.Parse([]byte("---\nname: refunds\n---\n\xff"), "refunds"); len(faults) != 1 || faults[0].Error() != "line 4: the text is not UTF-8" {
		t.Errorf("a body that is not UTF-8: %v", faults)
	}
}

func TestURIHasOneSpelling(t *testing.T) {
	for path, want := range map[string]string{
		"refunds/SKILL.md": "skill://refunds/SKILL.md",
		"a b/ü:@/x.md":     "skill://a%20b/%C3%BC%3A%40/x.md",
		"a/100%":           "skill://a/100%25",
	} {
		got := format.URI(path)
		if got != want {
			t.Errorf("URI(%q) = %q, want %q", path, got, want)
		}
		if back, err := format.FilePath(got); err != nil || back != path {
			t.Errorf("FilePath(%q) = %q, %v, want %q", got, back, err, path)
		}
	}
}

// FuzzFilePath checks that a path stays below where it is put.
func FuzzFilePath(f *testing.F) {
	for _, seed := range []string{"skill://a/b", "skill://a/../b", "skill://a/%2e%2e/b", "x://%2F", "skill://a//", "skill://", `a://b\c`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		path, err := format.FilePath(uri)
		if err != nil {
			return
		}
		for s := range strings.SplitSeq(path, "/") {
			if err := format.CheckSegment(s); err != nil {
				t.Errorf("FilePath(%q) = %q: %v", uri, path, err)
			}
		}
		if back, err := format.FilePath(format.URI(path)); err != nil || back != path {
			t.Errorf("FilePath(URI(%q)) = %q, %v", path, back, err)
		}
	})
}
