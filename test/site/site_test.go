package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// Every page of documentation is in the menu, begins with a heading and links to files and
// pages that exist.
func TestPages(t *testing.T) {
	t.Parallel()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	urls, files := map[string]bool{}, map[string]bool{}
	for p := range sitePages(t, root) {
		if urls[p.URL] || !strings.HasSuffix(p.URL, "/") {
			t.Errorf("the URL %q is there twice, or has no slash at its end", p.URL)
		}
		urls[p.URL] = true
		files[p.File] = true
	}
	for _, pattern := range []string{"docs/*.md", "docs/auth/*.md", "docs/deploy/*.md", "deploy/*/README.md", "bus/*/README.md", "otel/README.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			if rel, _ := filepath.Rel(root, name); !files[filepath.ToSlash(rel)] {
				t.Errorf("%s is on no page: add it to %s", rel, navFile)
			}
		}
	}
}

func TestMapLinks(t *testing.T) {
	t.Parallel()
	const text = "[a](b.md#c) ![d](e.png) `[f](g.md)` <a href=\"h.md\">\n```md\n[i](j.md)\n```\n[k](l.md \"m\")\n"
	got, err := mapLinks(text, func(link string) (string, error) { return "/" + link, nil })
	if err != nil {
		t.Fatal(err)
	}
	const want = "[a](/b.md#c) ![d](/e.png) `[f](g.md)` <a href=\"/h.md\">\n```md\n[i](j.md)\n```\n[k](/l.md \"m\")\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A dead link, a dead anchor and a foreign script are faults of the site; links to
// other sites are not looked at.
func TestCheckLinks(t *testing.T) {
	t.Parallel()
	read := func(url, text string) *document {
		tree, err := html.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		d := &document{url: url, ids: map[string]bool{}}
		d.read(tree)
		return d
	}
	good := read("/a/", `<h2 id="x"></h2><a href="../b/#y"></a><a href="#x"></a><a href="https://example.com/"></a><a href="/b/"></a>`)
	other := read("/b/", `<h2 id="y"></h2>`)
	if err := checkLinks(t.TempDir(), []*document{good, other}); err != nil {
		t.Errorf("good links: %v", err)
	}
	for _, text := range []string{
		`<a href="../c/"></a>`, `<a href="#z"></a>`, `<a href="../b/#x"></a>`, `<img src="gone.png">`,
		`<script src="https://cdn.example.com/x.js"></script>`, `<link rel="stylesheet" href="//cdn.example.com/x.css">`,
	} {
		if err := checkLinks(t.TempDir(), []*document{read("/a/", text), other}); err == nil {
			t.Errorf("no fault is found in %s", text)
		}
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	tree, err := html.Parse(strings.NewReader(`<main><article><h1 id="t">Title</h1><p>One.</p><h2 id="p">Part <a href="#p">#</a></h2>
		<div><p>Two</p><svg><text>drawn</text></svg></div></article><footer>not this</footer></main>`))
	if err != nil {
		t.Fatal(err)
	}
	d := &document{url: "/guides/x/"}
	d.index(tree)
	want := []part{{Page: "Title", URL: "guides/x/", Text: "One."}, {Page: "Title", Heading: "Part", URL: "guides/x/#p", Text: "Two"}}
	if diff := cmp.Diff(want, d.parts); diff != "" {
		t.Error(diff)
	}
}

func TestParseHelp(t *testing.T) {
	t.Parallel()
	const text = `Sign in to a server

usage: mcpengine auth COMMAND
  login       Sign in
  logout      Sign out

No token is ever printed.

      --scope scope    scope to ask for too
                       repeat it
  -y, --yes            do not ask

example:
  mcpengine auth login URL
`
	want := helpText{
		short: "Sign in to a server", usage: "mcpengine auth COMMAND", example: "mcpengine auth login URL",
		long:     []string{"No token is ever printed."},
		commands: []listing{{entries: [][2]string{{"login", "Sign in"}, {"logout", "Sign out"}}}},
		flags:    "      --scope scope    scope to ask for too\n                       repeat it\n  -y, --yes            do not ask",
	}
	got := parseHelp(text)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(helpText{}, listing{})); diff != "" {
		t.Error(diff)
	}
	var b strings.Builder
	writeFlags(&b, got.flags)
	if want := "| `--scope scope` | scope to ask for too repeat it |\n| `-y, --yes` | do not ask |\n"; !strings.Contains(b.String(), want) {
		t.Errorf("flags: %s", b.String())
	}
}

// The reference has the options of every package it is made from, with their comments.
func TestOptions(t *testing.T) {
	t.Parallel()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	text, err := optionsPage(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"### mcpengine.WithKeys\n", "### mcpengine.HTTPConfig\n", "### mcpengine.CallsPerMinute\n", "### client.WithOAuth\n", "MaxBodyBytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the reference has no %q", want)
		}
	}
	if strings.Contains(text, "```go\n\n```") {
		t.Error("a declaration is empty")
	}
}
