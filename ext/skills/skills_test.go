package skills_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/ext/skills"
)

func TestServerDeclaresTheExtension(t *testing.T) {
	x, err := skills.New(acme())
	e := serve(t, x, err)
	var r struct {
		Capabilities struct {
			Resources  json.RawMessage
			Extensions map[string]json.RawMessage
		}
	}
	want(t, e, "server/discover", "", &r)
	if got := string(r.Capabilities.Extensions[skills.ID]); got != `{"directoryRead":true}` || r.Capabilities.Resources == nil {
		t.Errorf("extension %s, resources %s", got, r.Capabilities.Resources)
	}
}

func TestList(t *testing.T) {
	x, err := skills.New(acme())
	e := serve(t, x, err)
	var r struct {
		ResultType, CacheScope string
		TTLMs                  *int
		NextCursor             *string
		Skills                 []json.RawMessage
	}
	want(t, e, "skills/list", "", &r)
	if r.ResultType != "complete" || r.CacheScope != "public" || r.TTLMs == nil || r.NextCursor != nil {
		t.Errorf("the result is %+v", r)
	}
	if len(r.Skills) != 3 {
		t.Fatalf("%d skills: %s", len(r.Skills), r.Skills)
	}
	const wantSkill = `{"uri":"skill://billing/refunds/special/vip/SKILL.md",` +
		`"frontmatter":{"name":"vip","description":"What vip is for."},` +
		`"resources":[{"uri":"skill://billing/refunds/special/vip/SKILL.md","digest":"sha256:07fcb2ef616244817511c6ef97c6654daff6685674e8011ce0b5d0496db3efab","size":55},` +
		`{"uri":"skill://billing/refunds/special/vip/list.json","digest":"sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945","size":2}]}`
	if diff := cmp.Diff(wantSkill, string(r.Skills[1])); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var refunds listed
	if err := json.Unmarshal(r.Skills[0], &refunds); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range refunds.Resources {
		files = append(files, strings.TrimPrefix(f.URI, "skill://billing/refunds/"))
	}
	if diff := cmp.Diff([]string{"SKILL.md", "examples/email.md", "logo.png", "special/vip/SKILL.md", "special/vip/list.json"}, files); diff != "" {
		t.Errorf("files of refunds: -want +got:\n%s", diff)
	}
	if !strings.Contains(string(r.Skills[0]), `"version":1.10`) {
		t.Errorf("the frontmatter is not verbatim: %s", r.Skills[0])
	}
}

func TestListHasPages(t *testing.T) {
	x, err := skills.New(acme(), skills.WithPageSize(2))
	e := serve(t, x, err)
	first, next := names(t, e, "")
	second, end := names(t, e, next)
	if diff := cmp.Diff([]string{"skill://billing/refunds/SKILL.md", "skill://billing/refunds/special/vip/SKILL.md"}, first); diff != "" {
		t.Errorf("first page: -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"skill://git-workflow/SKILL.md"}, second); diff != "" || end != "" {
		t.Errorf("second page: next %q, -want +got:\n%s", end, diff)
	}
	for _, cursor := range []string{"=", "a b", "\\u0000"} {
		refused(t, e, "skills/list", `"cursor":"`+cursor+`"`)
	}
	if a := ask(t, e, "skills/list", `"cursor":1`); a.Error == nil || a.Error.Code != -32602 {
		t.Errorf("a cursor that is a number: %+v", a.Error)
	}
}

func TestPagesAreBounded(t *testing.T) {
	files := map[string]string{}
	for s := range 7 {
		name := fmt.Sprintf("skill-%d", s)
		files[name+"/SKILL.md"] = skillMD(name, "")
		for i := range 500 {
			files[fmt.Sprintf("%s/%0240d", name, i)] = ""
		}
	}
	x, err := skills.New(folder(files))
	e := serve(t, x, err)
	pages, total, cursor := 0, 0, ""
	for {
		a := ask(t, e, "skills/list", fmt.Sprintf(`"cursor":%q`, cursor))
		if len(a.Result) > 1<<20+10_000 {
			t.Errorf("a page has %d bytes", len(a.Result))
		}
		uris, next := names(t, e, cursor)
		pages, total = pages+1, total+len(uris)
		if cursor = next; cursor == "" {
			break
		}
	}
	if total != 7 || pages < 2 {
		t.Errorf("%d skills on %d pages", total, pages)
	}
}

func TestGet(t *testing.T) {
	x, err := skills.New(acme(), skills.Unlisted("billing/refunds/special/vip"))
	e := serve(t, x, err)
	all, _ := names(t, e, "")
	if diff := cmp.Diff([]string{"skill://billing/refunds/SKILL.md", "skill://git-workflow/SKILL.md"}, all); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, uri := range append(all, "skill://billing/refunds/special/vip/SKILL.md", "SKILL://git%2Dworkflow/SKILL.md") {
		var r struct {
			ResultType string
			TTLMs      *int
			CacheScope string
			Skill      listed
		}
		want(t, e, "skills/get", `"uri":"`+uri+`"`, &r)
		if r.ResultType != "complete" || r.TTLMs == nil || r.CacheScope == "" || !strings.HasSuffix(r.Skill.URI, "/SKILL.md") {
			t.Errorf("%s: %+v", uri, r)
		}
	}
	for _, uri := range []string{
		"skill://nowhere/SKILL.md", "skill://git-workflow", "skill://git-workflow/", "skill://billing/SKILL.md", "skill://SKILL.md", "",
		"file://git-workflow/SKILL.md", "skill://billing/../git-workflow/SKILL.md", "skill://billing%2Frefunds/SKILL.md", "skill://git-workflow/SKILL.md?x", "skill://git-workflow/skill.md",
	} {
		if got := refused(t, e, "skills/get", fmt.Sprintf(`"uri":%q`, uri)); got != "No skill is served at "+uri {
			t.Errorf("skills/get %q: %s", uri, got)
		}
	}
	if a := ask(t, e, "skills/get", ""); a.Error == nil || a.Error.Code != -32602 || !strings.Contains(a.Error.Message, "uri") {
		t.Errorf("without a URI: %+v", a.Error)
	}
}

func TestReadDirectory(t *testing.T) {
	x, err := skills.New(acme(), skills.WithPageSize(3))
	e := serve(t, x, err)
	children := func(uri, cursor string) (got []string, next string) {
		t.Helper()
		var r struct {
			ResultType, NextCursor string
			Resources              []struct{ URI, Name, Description, MIMEType string }
		}
		want(t, e, "resources/directory/read", fmt.Sprintf(`"uri":%q,"cursor":%q`, uri, cursor), &r)
		if r.ResultType != "complete" || r.Resources == nil {
			t.Errorf("%s: %+v", uri, r)
		}
		for _, c := range r.Resources {
			got = append(got, fmt.Sprintf("%s %s %s %s", c.URI, c.Name, c.MIMEType, c.Description))
		}
		return got, r.NextCursor
	}
	for _, test := range []struct {
		uri  string
		want []string
	}{
		{"skill://billing", []string{"skill://billing/refunds refunds inode/directory "}},
		{"skill://billing/refunds", []string{
			"skill://billing/refunds/SKILL.md refunds text/markdown What refunds is for.",
			"skill://billing/refunds/examples examples inode/directory ",
			"skill://billing/refunds/logo.png logo.png image/png ",
			"skill://billing/refunds/special special inode/directory ",
		}},
		{"skill://billing/refunds/special/vip", []string{
			"skill://billing/refunds/special/vip/SKILL.md vip text/markdown What vip is for.",
			"skill://billing/refunds/special/vip/list.json list.json application/json ",
		}},
	} {
		got, next := children(test.uri, "")
		for next != "" {
			var more []string
			more, next = children(test.uri, next)
			got = append(got, more...)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", test.uri, diff)
		}
	}
	for uri, want := range map[string]string{
		"skill://git-workflow/SKILL.md": "skill://git-workflow/SKILL.md is not a directory resource",
		"skill://git-workflow/.git":     "There is no directory skill://git-workflow/.git",
		"skill://git-workflow/":         "There is no directory skill://git-workflow/",
		"skill://nowhere":               "There is no directory skill://nowhere",
		"skill://billing/..":            "There is no directory skill://billing/..",
		"skill://":                      "There is no directory skill://",
		"file://billing":                "There is no directory file://billing",
	} {
		if got := refused(t, e, "resources/directory/read", fmt.Sprintf(`"uri":%q`, uri)); got != want {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
	refused(t, e, "resources/directory/read", `"uri":"skill://billing","cursor":"="`)
}

func TestFilesAreResources(t *testing.T) {
	x, err := skills.New(acme())
	e := serve(t, x, err)
	for _, test := range []struct{ uri, mimeType, text, blob string }{
		{"skill://git-workflow/SKILL.md", "text/markdown", skillMD("git-workflow", ""), ""},
		{"skill://billing/refunds/special/vip/list.json", "application/json", "[]", ""},
		{"skill://billing/refunds/logo.png", "image/png", "", "\x89PNG"},
		{"skill://billing/refunds/examples/%65mail.md", "text/markdown", "Dear customer\n", ""},
	} {
		mimeType, text, blob := contents(t, e, test.uri)
		if mimeType != test.mimeType || text != test.text || string(blob) != test.blob {
			t.Errorf("%s: %s %q %q", test.uri, mimeType, text, blob)
		}
	}
	for _, uri := range []string{"skill://git-workflow", "skill://git-workflow/.git/config", "skill://billing/refunds/.secret", "skill://README.md", "skill://git-workflow/../README.md"} {
		refused(t, e, "resources/read", `"uri":"`+uri+`"`)
	}
	var r struct {
		Resources []struct{ URI, Name, Description, MIMEType string }
	}
	want(t, e, "resources/list", "", &r)
	if len(r.Resources) != 6 {
		t.Fatalf("resources/list has %d resources", len(r.Resources))
	}
	if got, want := fmt.Sprint(r.Resources[0]), "{skill://billing/refunds/SKILL.md refunds What refunds is for. text/markdown}"; got != want {
		t.Errorf("resources/list begins with %s, want %s", got, want)
	}
}

func TestMediaTypes(t *testing.T) {
	files := map[string]string{"a/SKILL.md": skillMD("a", "")}
	wants := map[string][3]string{
		"run.PY":    {"text/x-python", "pass", ""},
		"latin.txt": {"text/plain", "", "caf\xe9"},
		"Makefile":  {"text/plain", "all:", ""},
		"data":      {"application/octet-stream", "", "\xff\x00"},
		"icon.svg":  {"image/svg+xml", "<svg/>", ""},
		"empty.md":  {"text/markdown", "", ""},
		"doc.pdf":   {"application/pdf", "", "%PDF"},
		"nul.txt":   {"text/plain", "a\x00b", ""},
	}
	for name, w := range wants {
		files["a/"+name] = w[1] + w[2]
	}
	x, err := skills.New(folder(files))
	e := serve(t, x, err)
	for name, w := range wants {
		if mimeType, text, blob := contents(t, e, "skill://a/"+name); mimeType != w[0] || text != w[1] || string(blob) != w[2] {
			t.Errorf("%s: %s %q %q, want %q", name, mimeType, text, blob, w)
		}
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	many := map[string]string{"a/SKILL.md": skillMD("a", "")}
	for i := range 512 {
		many[fmt.Sprintf("a/%d", i)] = ""
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no skill", map[string]string{"README.md": ""}, "no folder has a file SKILL.md"},
		{"no frontmatter", map[string]string{"a/SKILL.md": "# a"}, `a/SKILL.md:1: a SKILL.md begins with frontmatter: a line "---", the fields, and a second line "---"`},
		{"folder of another name", map[string]string{"a/SKILL.md": skillMD("b", "")}, `a/SKILL.md:2: the name is "b" and the folder is "a": they must be the same`},
		{"YAML", map[string]string{"a/SKILL.md": skillMD("a", "license: MIT: or so\n")}, `a/SKILL.md:4: the text "MIT: or so" holds ": ", which begins a value: write the whole text in quotes`},
		{"skill.md", map[string]string{"a/skill.md": "", "b/SKILL.md": skillMD("b", "")}, "a/skill.md: rename it to SKILL.md, in upper and lower case as here"},
		{"the folder itself", map[string]string{"SKILL.md": skillMD("a", "")}, "SKILL.md: a skill is a folder with the skill's name: give New the folder above"},
		{"backslash", map[string]string{"a/SKILL.md": skillMD("a", ""), `a/b\c`: ""}, `"a/b\\c": the name holds the character '\\'`},
		{"control character", map[string]string{"a/SKILL.md": skillMD("a", ""), "a/b\nc": ""}, `"a/b\nc": the name holds the character '\n'`},
		{
			"mistakes of all kinds",
			map[string]string{"a/SKILL.md": "# No", `a/b\c`: "", "d/skill.md": ""},
			"\"a/b\\\\c\": the name holds the character '\\\\'\n" +
				"d/skill.md: rename it to SKILL.md, in upper and lower case as here\n" +
				`a/SKILL.md:1: a SKILL.md begins with frontmatter: a line "---", the fields, and a second line "---"`,
		},
		{"513 files", many, "a: the skill has 513 files: 512 are allowed"},
		{"16 MiB", map[string]string{"a/SKILL.md": skillMD("a", ""), "a/b": strings.Repeat("x", 16<<20)}, "a: the files of the skill have 16777265 bytes: 16777216 are allowed"},
		{
			"several",
			map[string]string{"a/SKILL.md": skillMD("b", "license: 1\n"), "c/d/SKILL.md": "---\nname: d\n---\n"},
			"a/SKILL.md:2: the name is \"b\" and the folder is \"a\": they must be the same\n" +
				"a/SKILL.md:4: the license must be text: write it in quotes\n" +
				"c/d/SKILL.md:1: the frontmatter has no description",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := skills.New(folder(test.files))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff("skills: "+test.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNewBoundsItsError(t *testing.T) {
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprintf("s%d/SKILL.md", i)] = "# No"
	}
	_, err := skills.New(folder(files))
	if err == nil || strings.Count(err.Error(), "\n") != 50 || !strings.HasSuffix(err.Error(), "and 150 more mistakes") {
		t.Errorf("New: %v", err)
	}
}

func TestNewBoundsTheFolder(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 20_001 {
		fsys[fmt.Sprint(i)] = &fstest.MapFile{}
	}
	if _, err := skills.New(fsys); err == nil || !strings.Contains(err.Error(), "more than 20000 files and folders") {
		t.Errorf("New: %v", err)
	}
}

// A link would serve what lies outside of the folder, and an embedded copy of the
// folder would not have it.
func TestNewRefusesLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "skills/a/SKILL.md", skillMD("a", ""))
	write(t, dir, "secret", "x")
	for link, target := range map[string]string{"skills/a/secret": "../../secret", "skills/b": "a"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(dir, "skills"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, fsys := range map[string]fs.FS{"os.DirFS": os.DirFS(filepath.Join(dir, "skills")), "os.Root": root.FS()} {
		_, err := skills.New(fsys)
		const want = "skills: a/secret: symbolic links are not served: put the file itself here\nb: symbolic links are not served: put the file itself here"
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	special := acme()
	special["git-workflow/pipe"] = &fstest.MapFile{Mode: fs.ModeNamedPipe}
	if _, err := skills.New(special); err == nil || err.Error() != "skills: git-workflow/pipe: neither a file nor a folder" {
		t.Errorf("a named pipe: %v", err)
	}
	if _, err := skills.New(os.DirFS(filepath.Join(dir, "nowhere"))); err == nil {
		t.Error("a folder that does not exist: no error")
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOptionsNameSkills(t *testing.T) {
	group := auth.InGroup("billing")
	for _, test := range []struct {
		option skills.Option
		want   string
	}{
		{skills.WithPageSize(0), "WithPageSize(0): not positive"},
		{skills.Unlisted("refunds"), `Unlisted("refunds"): there is no such skill`},
		{skills.Restrict("accounting", group), `Restrict("accounting"): there is no skill at or below this path`},
		{skills.Restrict("billing"), `Restrict("billing"): no rule`},
		{skills.Restrict("billing/", group), `Restrict("billing/"): not a path such as "billing/refunds"`},
		{skills.Restrict("billing/refunds/special", group), `Restrict("billing/refunds/special"): the path is in the skill billing/refunds, which can only be restricted as a whole`},
	} {
		if _, err := skills.New(acme(), test.option); err == nil || err.Error() != "skills: "+test.want {
			t.Errorf("New: %v, want %s", err, test.want)
		}
	}
}

func TestPolicyHoldsForMethodsAndFiles(t *testing.T) {
	x, err := skills.New(acme(), skills.WithPolicy(mcpengine.RequireScopes("read")))
	e := serve(t, x, err, protect(t))
	requests := map[string]string{
		"skills/list":              "",
		"skills/get":               `"uri":"skill://git-workflow/SKILL.md"`,
		"resources/directory/read": `"uri":"skill://git-workflow"`,
		"resources/read":           `"uri":"skill://git-workflow/SKILL.md"`,
	}
	for method, params := range requests {
		if a := ask(t, e, method, params); a.Status != 401 {
			t.Errorf("%s without a token: %d", method, a.Status)
		}
		if a := ask(t, e, method, params, "Authorization", "Bearer "+strangToken); a.Status != 403 {
			t.Errorf("%s without the scope: %d", method, a.Status)
		}
		if a := ask(t, e, method, params, "Authorization", "Bearer "+clerkToken); a.Status != 200 || a.Error != nil {
			t.Errorf("%s with the scope: %d %+v", method, a.Status, a.Error)
		}
	}
}

func TestRestrictedSkillsDoNotExistForOthers(t *testing.T) {
	x, err := skills.New(acme(), skills.Restrict("billing", auth.InGroup("billing")), skills.WithPageSize(1))
	e := serve(t, x, err, protect(t))
	clerk := []string{"Authorization", "Bearer " + clerkToken}
	stranger := []string{"Authorization", "Bearer " + strangToken}
	first, next := names(t, e, "", clerk...)
	if diff := cmp.Diff([]string{"skill://billing/refunds/SKILL.md"}, first); diff != "" || next == "" {
		t.Errorf("the clerk lists: next %q, -want +got:\n%s", next, diff)
	}
	// A cursor opens nothing to another caller.
	second, _ := names(t, e, next, stranger...)
	if diff := cmp.Diff([]string{"skill://git-workflow/SKILL.md"}, second); diff != "" {
		t.Errorf("the stranger lists with the cursor of the clerk: -want +got:\n%s", diff)
	}
	first, next = names(t, e, "", stranger...)
	if diff := cmp.Diff([]string{"skill://git-workflow/SKILL.md"}, first); diff != "" || next != "" {
		t.Errorf("the stranger lists: next %q, -want +got:\n%s", next, diff)
	}
	for method, uris := range map[string][]string{
		"skills/get":               {"skill://billing/refunds/SKILL.md", "skill://billing/refunds/special/vip/SKILL.md"},
		"resources/read":           {"skill://billing/refunds/SKILL.md", "skill://billing/refunds/logo.png"},
		"resources/directory/read": {"skill://billing", "skill://billing/refunds", "skill://billing/refunds/examples"},
	} {
		for _, uri := range uris {
			params := fmt.Sprintf(`"uri":%q`, uri)
			denied := refused(t, e, method, params, stranger...)
			absent := refused(t, e, method, strings.ReplaceAll(params, "billing", "absence"), stranger...)
			if strings.ReplaceAll(denied, "billing", "absence") != absent {
				t.Errorf("%s %s: %q differs from %q", method, uri, denied, absent)
			}
			if a := ask(t, e, method, params, clerk...); a.Error != nil {
				t.Errorf("%s %s: the clerk gets %+v", method, uri, a.Error)
			}
		}
	}
	var r struct{ CacheScope string }
	if want(t, e, "skills/list", "", &r, clerk...); r.CacheScope != "private" {
		t.Errorf("a list that depends on the caller is %s", r.CacheScope)
	}
	defer func() {
		if recover() == nil {
			t.Error("Restrict without WithAuth does not panic")
		}
	}()
	mcpengine.New("open", mcpengine.WithExtension(x))
}
