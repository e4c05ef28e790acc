package skill_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
	"github.com/mcpengine/mcpengine/ext/skills/skill"
)

const refunds = "---\nname: refunds\ndescription: Pay back.\nversion: 1.10\n---\nAsk first.\n"

// valid returns an entry that keeps all rules.
func valid() skill.Skill {
	return skill.Skill{
		URI: "skill://billing/refunds/SKILL.md", Name: "refunds", Description: "Pay back.",
		Frontmatter: json.RawMessage(`{"name":"refunds","description":"Pay back.","version":1.1}`),
		Resources: []skill.Resource{
			{URI: "skill://billing/refunds/SKILL.md", Digest: format.Digest([]byte(refunds)), Size: int64(len(refunds))},
			{URI: "skill://billing/refunds/a%20b.md", Digest: format.Digest(nil), Size: 0},
		},
	}
}

func TestSkillHasTheFormOfTheProtocol(t *testing.T) {
	encoded, err := json.Marshal(valid())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"uri":"skill://billing/refunds/SKILL.md",` +
		`"frontmatter":{"name":"refunds","description":"Pay back.","version":1.1},` +
		`"resources":[{"uri":"skill://billing/refunds/SKILL.md","digest":"` + format.Digest([]byte(refunds)) + `","size":70},` +
		`{"uri":"skill://billing/refunds/a%20b.md","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}]}`
	if diff := cmp.Diff(want, string(encoded)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var decoded skill.Skill
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(valid(), decoded); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	encoded, err = json.Marshal(skill.Skill{URI: "u", Frontmatter: json.RawMessage(`{}`), Dynamic: true})
	if want := `{"uri":"u","frontmatter":{},"resources":"dynamic"}`; err != nil || string(encoded) != want {
		t.Errorf("a dynamic skill is %s, %v, want %s", encoded, err, want)
	}
}

func TestUnmarshalSkill(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"names are compared as they stand", `{"uri":"s://a/SKILL.md","frontmatter":{"Name":"a","name ":"a","description":"d"},"resources":"dynamic"}`, `the name is empty`},
		{"no resources", `{"uri":"s://a/SKILL.md","frontmatter":{"name":"a","description":"d"}}`, `the files do not include the SKILL.md`},
		{"null", `{"uri":"s://a/SKILL.md","frontmatter":{"name":"a","description":"d"},"resources":null}`, `the files do not include the SKILL.md`},
		{"another text than dynamic", `{"uri":"s://a/SKILL.md","frontmatter":{"name":"a","description":"d"},"resources":"static"}`, `resources: `},
		{"resources of another type", `{"uri":"s://a/SKILL.md","frontmatter":{"name":"a","description":"d"},"resources":{}}`, `resources: `},
		{"size of another type", `{"uri":"s://a/SKILL.md","frontmatter":{"name":"a","description":"d"},"resources":[{"uri":"s://a/SKILL.md","size":1.5}]}`, `resources: `},
		{"frontmatter of another type", `{"uri":"s://a/SKILL.md","frontmatter":"a","resources":"dynamic"}`, `frontmatter: `},
		{"name of another type", `{"uri":"s://a/SKILL.md","frontmatter":{"name":1,"description":"d"},"resources":"dynamic"}`, `the name is empty`},
		{"no description", `{"uri":"s://a/SKILL.md","frontmatter":{"name":"a"},"resources":"dynamic"}`, `the frontmatter has no description`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s skill.Skill
			err := json.Unmarshal([]byte(test.text), &s)
			if err == nil {
				err = s.Check()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q in it", err, test.want)
			}
		})
	}
}

func TestCheckFindsBrokenRules(t *testing.T) {
	if s := valid(); s.Check() != nil {
		t.Fatal(s.Check())
	}
	file := func(uri string) func(*skill.Skill) {
		return func(s *skill.Skill) { s.Resources[1].URI = uri }
	}
	many := func(n int, size int64) func(*skill.Skill) {
		return func(s *skill.Skill) {
			for i := len(s.Resources); i < n; i++ {
				s.Resources = append(s.Resources, skill.Resource{URI: fmt.Sprintf("%s/%d", s.Root(), i), Digest: format.Digest(nil), Size: size})
			}
		}
	}
	for _, test := range []struct {
		name, want string
		change     func(*skill.Skill)
	}{
		{"another file", "does not end with /SKILL.md", func(s *skill.Skill) { s.URI = s.Root() }},
		{"no scheme", "has no scheme", func(s *skill.Skill) { s.URI = "refunds/SKILL.md" }},
		{"query", "a query or a fragment", func(s *skill.Skill) { s.URI = "skill://refunds?/refunds/SKILL.md" }},
		{"folder of another name", `"refunds" does not have the name "other"`, func(s *skill.Skill) { s.Name = "other" }},
		{"no name", "the name is empty", func(s *skill.Skill) { s.Name = "" }},
		{"name in upper case", "is not lower-case letters", func(s *skill.Skill) { s.Name = "Refunds" }},
		{"name with a line break", "is not lower-case letters", func(s *skill.Skill) { s.Name = "refunds\n" }},
		{"name with two hyphens", "is not lower-case letters", func(s *skill.Skill) { s.Name = "re--funds" }},
		{"long name", "64 are allowed", func(s *skill.Skill) { s.Name = strings.Repeat("a", 65) }},
		{"no description", "no description", func(s *skill.Skill) { s.Description = "" }},
		{"no SKILL.md", "do not include the SKILL.md", func(s *skill.Skill) { s.Resources = s.Resources[1:] }},
		{"file elsewhere", "is not below the folder", file("skill://billing/refunds-2/a")},
		{"file above", "which cannot name a file", file("skill://billing/refunds/../a")},
		{"file above, escaped", "which cannot name a file", file("skill://billing/refunds/%2e%2E/a")},
		{"slash, escaped", "which cannot name a file", file("skill://billing/refunds/a%2Fb")},
		{"backslash", "which cannot name a file", file(`skill://billing/refunds/..\a`)},
		{"control character", "which cannot name a file", file("skill://billing/refunds/a%00")},
		{"not UTF-8", "which cannot name a file", file("skill://billing/refunds/%ff")},
		{"empty segment", "which cannot name a file", file("skill://billing/refunds//a")},
		{"half an escape", "which cannot name a file", file("skill://billing/refunds/%2")},
		{"file twice", "is there twice", file("skill://billing/refunds/SKILL.md")},
		{"digest of another algorithm", "which is not \"sha256:\"", func(s *skill.Skill) { s.Resources[1].Digest = "md5:00" }},
		{"digest in upper case", "which is not \"sha256:\"", func(s *skill.Skill) { s.Resources[1].Digest = "sha256:" + strings.Repeat("A", 64) }},
		{"negative size", "has the size -1", func(s *skill.Skill) { s.Resources[1].Size = -1 }},
		{"large file", "has the size 16777217", func(s *skill.Skill) { s.Resources[1].Size = 16<<20 + 1 }},
		{"many files", "513 files: 512 are allowed", many(513, 0)},
		{"many bytes", "16777216 are allowed", many(18, 1<<20)},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := valid()
			test.change(&s)
			if err := s.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Check() = %v, want %q in it", err, test.want)
			}
		})
	}
	s := valid()
	many(512, 32<<10)(&s)
	if err := s.Check(); err != nil {
		t.Errorf("512 files of 16 MiB at most: %v", err)
	}
}

func TestVerify(t *testing.T) {
	const file = "skill://billing/refunds/a%20b.md"
	for _, test := range []struct {
		name, uri, content, want string
		change                   func(*skill.Skill)
	}{
		{name: "SKILL.md", content: refunds},
		{name: "file", uri: file},
		{name: "size", content: refunds + "\n", want: "the content has 71 bytes, and the skill's entry says 70"},
		{name: "digest", content: strings.Replace(refunds, "Ask", "Pay", 1), want: "the content has the digest sha256:"},
		{name: "file that is not listed", uri: "skill://billing/refunds/b", want: "does not list this file"},
		{name: "file spelled otherwise", uri: "skill://billing/refunds/a b.md", want: "does not list this file"},
		{name: "frontmatter", content: refunds, want: `another "description"`, change: func(s *skill.Skill) {
			s.Frontmatter = json.RawMessage(`{"name":"refunds","description":"Be nice.","version":1.1}`)
		}},
		{name: "field of the entry alone", content: refunds, want: `another "license"`, change: func(s *skill.Skill) {
			s.Frontmatter = json.RawMessage(`{"name":"refunds","description":"Pay back.","version":1.1,"license":null}`)
		}},
		{name: "field of the file alone", content: refunds, want: `another "version"`, change: func(s *skill.Skill) {
			s.Frontmatter = json.RawMessage(`{"name":"refunds","description":"Pay back."}`)
		}},
		{name: "value of another type", content: refunds, want: `another "version"`, change: func(s *skill.Skill) {
			s.Frontmatter = json.RawMessage(`{"name":"refunds","description":"Pay back.","version":"1.1"}`)
		}},
		{name: "dynamic", content: refunds, change: func(s *skill.Skill) { s.Dynamic, s.Resources = true, nil }},
		{name: "file of a dynamic skill", uri: file, content: "x", change: func(s *skill.Skill) { s.Dynamic, s.Resources = true, nil }},
		{name: "file outside of a dynamic skill", uri: "skill://billing/SKILL.md", want: "not below the folder", change: func(s *skill.Skill) { s.Dynamic, s.Resources = true, nil }},
		{name: "frontmatter of a dynamic skill", content: "# Hello", want: "begins with frontmatter", change: func(s *skill.Skill) { s.Dynamic, s.Resources = true, nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := valid()
			if test.change != nil {
				test.change(&s)
			}
			if test.uri == "" {
				test.uri = s.URI
			}
			err := s.Verify(test.uri, []byte(test.content))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (!errors.Is(err, skill.ErrVerification) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("Verify = %v, want %q in it", err, test.want)
			}
		})
	}
}
