package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/skills"
	"github.com/mcpengine/mcpengine/ext/skills/skill"
	"github.com/mcpengine/mcpengine/mcp"
)

// newSkills is a server with skills.
func newSkills() *mcpengine.Engine {
	x, err := skills.New(fstest.MapFS{
		"billing/refunds/SKILL.md":          {Data: []byte("---\nname: refunds\ndescription: Pay customers back.\n---\n\n# Refunds\n")},
		"billing/refunds/examples/email.md": {Data: []byte("Dear customer\n")},
		"billing/refunds/vip/SKILL.md":      {Data: []byte("---\nname: vip\ndescription: \"Pay \\e[31mmore.\"\n---\n\x1b[31m# VIP\n")},
		"git/SKILL.md":                      {Data: []byte("---\nname: git\ndescription: Branches.\n---\n")},
		"old/git/SKILL.md":                  {Data: []byte("---\nname: git\ndescription: Trunks.\n---\n")},
		"hidden/SKILL.md":                   {Data: []byte("---\nname: hidden\ndescription: Not listed.\n---\n")},
	}, skills.Unlisted("hidden"))
	if err != nil {
		panic(err)
	}
	return mcpengine.New("skills", mcpengine.WithExtension(x))
}

// newTampered is a server with skills that must not be loaded or saved, and one
// that may.
func newTampered() *mcpengine.Engine {
	const body = "---\nname: NAME\ndescription: d\n---\n"
	entry := func(name string, change func(string) string, files ...string) json.RawMessage {
		text := strings.ReplaceAll(body, "NAME", name)
		sum := sha256.Sum256([]byte(text))
		s := skill.Skill{URI: "skill://" + name + "/SKILL.md", Frontmatter: json.RawMessage(`{"name":"` + name + `","description":"d"}`)}
		for _, f := range append([]string{"SKILL.md"}, files...) {
			s.Resources = append(s.Resources, skill.Resource{URI: "skill://" + name + "/" + f, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(text))})
		}
		encoded, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return json.RawMessage(change(string(encoded)))
	}
	same := func(s string) string { return s }
	entries := []json.RawMessage{
		entry("good", same, "a.md"),
		entry("outside", same, "../../up.md"),
		entry("digest", swap),
		entry("device", same, "nul.txt"),
		entry("letters", same, "A.md", "a.md"),
	}
	x := mcpengine.Extension{ID: skills.ID, Features: []mcpengine.Feature{
		mcpengine.NewMethod("skills/list", func(context.Context, struct{}) (map[string]any, error) {
			return map[string]any{"skills": entries}, nil
		}, mcpengine.WithoutDeclaration()),
		mcpengine.NewMethod("skills/get", func(context.Context, struct{}) (map[string]any, error) {
			return nil, mcp.Errorf(mcp.CodeInvalidParams, "no")
		}, mcpengine.WithoutDeclaration()),
	}}
	e := mcpengine.New("tampered", mcpengine.WithExtension(x))
	mcpengine.AddResource(e, "skill://{name}/{file}", "", func(_ context.Context, in struct {
		Name string `json:"name"`
		File string `json:"file"`
	},
	) (string, error) {
		return strings.ReplaceAll(body, "NAME", in.Name), nil
	})
	return e
}

// swap changes a digit of the digest.
func swap(s string) string {
	i := strings.Index(s, "sha256:") + len("sha256:")
	return s[:i] + strings.Map(func(r rune) rune { return '0' + (r+1)%8 }, s[i:i+1]) + s[i+1:]
}

func TestCheckPortable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "a/b.md", "a/.hidden", "console", "com10", "nullable.txt", "é/ü", "a b/c.d"} {
		if err := checkPortable(name); err != nil {
			t.Errorf("checkPortable(%q) = %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"": "not a path below", ".": "not a path below", "..": "not a path below", "../a": "not a path below", "a/../b": "not a path below", "/a": "not a path below",
		"a//b": "not a path below", "a/": "not a path below", "./a": "not a path below",
		`a\b`: "does not allow", `..\a`: "does not allow", "c:a": "does not allow", "c:/a": "does not allow", "a?": "does not allow", "a*": "does not allow", "a|b": "does not allow", "a:stream": "does not allow",
		"a.": "ends with a dot", "a /b": "ends with a dot or a space", "a/b ": "ends with a dot or a space",
		"nul": "a device", "NUL.txt": "a device", "a/Con": "a device", "com1": "a device", "LPT9.a.b": "a device", "com¹": "a device", "conin$": "a device", "aux .c": "a device",
		"a\nb": "a control character", strings.Repeat("a", 256): "more than 255 bytes",
	} {
		if err := checkPortable(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("checkPortable(%q) = %v, want %q in it", name, err, want)
		}
	}
}

func file(name, content string) outFile { return outFile{name, []byte(content)} }

// Nothing is written through a link or in the place of another file.
func TestOutFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	for _, name := range []string{"target", "out/there", "out/folder/x"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"out/link": "folder", "out/up": "..", "out/file": "../target"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	for _, test := range []struct {
		name  string
		force bool
		files []outFile
		want  string
	}{
		{"file", false, []outFile{file("there", "new")}, "is there already"},
		{"folder", true, []outFile{file("folder", "new")}, "is a folder"},
		{"in a file", true, []outFile{file("there/x", "new")}, "is not a folder"},
		{"in a link", true, []outFile{file("link/new", "new")}, "is not a folder"},
		{"in a link that leads out", true, []outFile{file("up/new", "new")}, "is not a folder"},
		{"below a link", true, []outFile{file("up/a/new", "new")}, "is not a folder"},
		{"link", false, []outFile{file("file", "new")}, "is there already"},
		{"case", true, []outFile{file("A", "new"), file("a", "new")}, `"A" and "a" have one name`},
		{"case of a folder", true, []outFile{file("B/x", "new"), file("b/y", "new")}, `have one name`},
		{"file and folder", true, []outFile{file("c", "new"), file("c/d", "new")}, `"c" and "c/" have one name`},
		{"above", true, []outFile{file("../new", "new")}, "not a path below"},
	} {
		out, err := openFolder(filepath.Join(dir, "out"), test.force)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.check(test.files); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: check = %v, want %q in it", test.name, err, test.want)
		}
		out.Close()
	}
	out, err := openFolder(filepath.Join(dir, "out"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	files := []outFile{file("there", "new"), file("file", "new"), file("a/b/c", "new")}
	if err := out.check(files); err != nil {
		t.Fatal(err)
	}
	if err := out.write(files); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if got, err := os.ReadFile(filepath.Join(dir, "out", f.path)); err != nil || string(got) != "new" {
			t.Errorf("%s: %q, %v", f.path, got, err)
		}
	}
	if got, err := os.ReadFile(target); err != nil || string(got) != "old" {
		t.Errorf("the file that a link led to: %q, %v", got, err)
	}
	// The files of a nested skill come twice and are the same.
	if err := out.write([]outFile{file("there", "new")}); err != nil {
		t.Error(err)
	}
	if err := out.write([]outFile{file("d", "new"), file("there", "other")}); err == nil {
		t.Error("two files at one path: no error")
	}
	if _, err := os.Stat(filepath.Join(dir, "out", "d")); err == nil {
		t.Error("a file of a skill that could not be written is left")
	}
}
