package skills_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/skills"
	"github.com/mcpengine/mcpengine/ext/skills/skill"
)

// FuzzNew serves folders of all kinds: a line of the text is a path, a space and
// the content, in which "|" is a line break. A folder is refused, or every entry
// keeps the rules and every file of it is verified when it is read.
func FuzzNew(f *testing.F) {
	for _, seed := range []string{
		"a/SKILL.md ---|name: a|description: b|---|",
		"a/SKILL.md ---|name: a|description: b|---|\na/b/SKILL.md ---|name: b|description: b|---|\na/b/c x\na/.d x",
		"x/é%2F/a/SKILL.md ---|name: a|description: b|---|\nx/é%2F/a/#?\\ y",
		"../a/SKILL.md x\n/b x\na//c x\na/./d x",
		"SKILL.md x\na/skill.MD x",
	} {
		f.Add(seed)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{}
		for line := range strings.SplitSeq(text, "\n") {
			path, content, _ := strings.Cut(line, " ")
			fsys[path] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(content, "|", "\n")), Mode: 0o644}
		}
		x, err := skills.New(fsys)
		if err != nil {
			return
		}
		e := mcpengine.New("acme", mcpengine.WithLogger(quiet), mcpengine.WithExtension(x))
		defer e.Close()
		var page struct{ Skills []skill.Skill }
		want(t, e, "skills/list", "", &page)
		if len(page.Skills) == 0 {
			t.Fatal("no skill is listed")
		}
		for _, s := range page.Skills {
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			for _, r := range s.Resources {
				_, text, blob := contents(t, e, r.URI)
				if err := s.Verify(r.URI, append(blob, text...)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
