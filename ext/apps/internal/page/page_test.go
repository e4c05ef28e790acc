package page_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/ext/apps/internal/page"
)

// Base64 of the files of site: "png", "font" and "svg".
const (
	png  = "data:image/png;base64,cG5n"
	font = "data:font/woff2;base64,Zm9udA=="
	svg  = "data:image/svg+xml;base64,c3Zn"
)

func site(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{
		"ui/img/a.png":  {Data: []byte("png")},
		"ui/f.woff2":    {Data: []byte("font")},
		"ui/a b.svg":    {Data: []byte("svg")},
		"ui/data.bin":   {Data: []byte("data")},
		"ui/app.js":     {Data: []byte("run()\n")},
		"ui/module.js":  {Data: []byte("\nimport './other.js'\n")},
		"ui/end.js":     {Data: []byte("'</script>' + '<!--' + '</script'\n//</SCRIPT")},
		"ui/style.css":  {Data: []byte("@charset \"utf-8\";\na{background:url(img/a.png)}")},
		"ui/all.css":    {Data: []byte("@import 'style.css' screen;\nb{c:d}")},
		"ui/loop.css":   {Data: []byte("@import url(loop.css);")},
		"ui/late.css":   {Data: []byte("a{}\n@import 'style.css';")},
		"ui/img/up.css": {Data: []byte("a{background:url('../a%20b.svg#x')}")},
		"ui/latin.css":  {Data: []byte("caf\xe9")},
	}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// inline makes a document of a body.
func inline(t *testing.T, body string) (string, error) {
	t.Helper()
	return page.Inline(site(map[string]string{"ui/page.html": "<!doctype html>\n" + body}), "ui/page.html", allowed)
}

func allowed(address string, use page.Use) bool {
	return use == page.Resource && strings.HasPrefix(address, "https://cdn.example/") ||
		use == page.Frame && strings.HasPrefix(address, "https://frame.example/")
}

// What a page loads from files stands in the document, and the rest as it was
// written.
func TestInline(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                                              "",
		"<!-- a --><p CLASS=x>a&lt;":                    "<!-- a --><p CLASS=x>a&lt;",
		`<img alt="" src=img/a.png>`:                    `<img alt="" src="` + png + `">`,
		`<img src=/ui/img/a.png>`:                       `<img src="` + png + `">`,
		`<IMG SRC='a%20b.svg?v=1#i'/>`:                  `<IMG src="` + svg + `#i"/>`,
		`<img srcset="img/a.png, a%20b.svg 2x">`:        `<img srcset="` + png + `, ` + svg + ` 2x">`,
		`<img src="https://cdn.example/a.png?b=1&c=2">`: `<img src="https://cdn.example/a.png?b=1&c=2">`,
		`<img src="data:image/gif;base64,AA==">`:        `<img src="data:image/gif;base64,AA==">`,
		`<video poster=img/a.png></video>`:              `<video poster="` + png + `"></video>`,
		`<svg><image href="img/a.png"/><use href="#a"/><title>t &amp; u</title></svg>`:                            `<svg><image href="` + png + `"/><use href="#a"/><title>t &amp; u</title></svg>`,
		"<script defer src=app.js></script><template></body></template></body>":                                   "<template></body></template><script  >run()\n</script></body>",
		`<link rel=icon href=img/a.png>`:                                                                          `<link rel=icon href="` + png + `">`,
		`<a href="https://other.example/">a</a><form action="/x"></form>`:                                         `<a href="https://other.example/">a</a><form action="/x"></form>`,
		`<iframe src="https://frame.example/x"></iframe>`:                                                         `<iframe src="https://frame.example/x"></iframe>`,
		"<script src=app.js></script>":                                                                            "<script >run()\n</script>",
		"<body><script defer id=s src=app.js></script><p></body>":                                                 "<body><p><script  id=s >run()\n</script></body>",
		"<script async src=app.js></script><p>":                                                                   "<p><script  >run()\n</script>",
		"<script type=module src=app.js></script>":                                                                "<script type=module >run()\n</script>",
		`<script src="https://cdn.example/a.js" integrity=x></script>`:                                            `<script src="https://cdn.example/a.js" integrity=x></script>`,
		`<script type="application/json">{"a":"</b>"}</script>`:                                                   `<script type="application/json">{"a":"</b>"}</script>`,
		`<script>import("https://cdn.example/a.js")</script>`:                                                     `<script>import("https://cdn.example/a.js")</script>`,
		"<script src=end.js></script>":                                                                            "<script >'\\x3C/script>' + '\\x3C!--' + '</script'\n//\\x3C/SCRIPT</script>",
		"<link rel=stylesheet href=style.css media=print>":                                                        "<style media=print>\na{background:url(\"" + png + "\")}</style>",
		"<link rel=stylesheet href=all.css>":                                                                      "<style>@media screen {\n\na{background:url(\"" + png + "\")}\n}\nb{c:d}</style>",
		"<link rel=stylesheet href=img/up.css>":                                                                   `<style>a{background:url("` + svg + `#x")}</style>`,
		`<link rel=stylesheet href="https://cdn.example/a.css">`:                                                  `<link rel=stylesheet href="https://cdn.example/a.css">`,
		`<style>@font-face{src:URL( f.woff2 ) format("woff2")}</style>`:                                           `<style>@font-face{src:url("` + font + `") format("woff2")}</style>`,
		`<style>a{b:image-set("img/a.png" type("image/png"), url(#x) 2x)}</style>`:                                `<style>a{b:image-set(url("` + png + `") type("image/png"), url(#x) 2x)}</style>`,
		`<style>/* url(none.png) */ a::after{content:"url(none.png)"} @namespace url(http://a.example/);</style>`: `<style>/* url(none.png) */ a::after{content:"url(none.png)"} @namespace url(http://a.example/);</style>`,
		`<p style="background:url(img/a.png)">`:                                                                   `<p style="background:url(&#34;` + png + `&#34;)">`,
		`<noscript><img src=none.png></noscript>`:                                                                 `<noscript><img src=none.png></noscript>`,
	} {
		got, err := inline(t, body)
		if err != nil {
			t.Errorf("Inline(%s): %v", body, err)
		}
		if diff := cmp.Diff("<!doctype html>\n"+want, got); diff != "" {
			t.Errorf("Inline(%s) (-want +got):\n%s", body, diff)
		}
	}
}

// What a view could not load is an error that names the file and the line.
func TestFaults(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"<p>\n<img src=none.png>":                                 "ui/page.html:3: open ui/none.png: file does not exist",
		"<img\nsrc=../../x.png>":                                  `ui/page.html:3: "../../x.png" leads out of the files`,
		"<img src=data.bin>":                                      `ui/page.html:2: data.bin cannot be inlined: the type of a file ".bin" is not known`,
		"<img src=http://a.example/x.png>":                        "ui/page.html:2: http://a.example/x.png is not covered by the CSP: add its origin to ResourceDomains, or serve the file from here",
		"<img src=//cdn.example/x.png>":                           `ui/page.html:2: "//cdn.example/x.png" has no scheme`,
		"<img src=file:///etc/passwd>":                            `ui/page.html:2: "file:///etc/passwd" cannot be inlined`,
		"<img src='  '>":                                          "ui/page.html:2: the address is empty",
		"<img src='%zz'>":                                         `ui/page.html:2: "%zz" is not a URL`,
		"<img src='?x'>":                                          `ui/page.html:2: "?x" names no file`,
		"<img src='a&copyb.png'>":                                 `ui/page.html:2: src has "&copyb" without ";"`,
		"<iframe src=other.html></iframe>":                        "ui/page.html:2: other.html cannot be inlined: a frame needs",
		"<iframe src=https://cdn.example/></iframe>":              "add its origin to FrameDomains",
		"<iframe srcdoc=x></iframe>":                              "ui/page.html:2: srcdoc is a document",
		"<object data=x></object>":                                "ui/page.html:2: <object> is blocked",
		"<base href=https://cdn.example/>":                        "ui/page.html:2: <base href>",
		"<meta http-equiv=Refresh content='0;url=x'>":             "ui/page.html:2: a view cannot go",
		"<svg><use href=icons.svg#a></svg>":                       `ui/page.html:2: <use> cannot load "icons.svg#a"`,
		"<svg><script href=app.js></script></svg>":                "ui/page.html:2: a script of <svg>",
		"<svg><style>a{b:url(&quot;x&quot;)}</style>":             "ui/page.html:2: <style> inside of <svg>",
		"<link rel=modulepreload href=app.js>":                    `ui/page.html:2: <link rel="modulepreload"> cannot be inlined`,
		"<link rel=preconnect href=https://a.example>":            "is not covered by the CSP",
		"<link rel=stylesheet title=x href=style.css>":            "ui/page.html:2: an alternative style sheet",
		"<link rel=stylesheet href=none.css>":                     "ui/page.html:2: open ui/none.css",
		"<link rel=stylesheet href=loop.css>":                     "ui/loop.css:1: ui/loop.css imports itself",
		"<link rel=stylesheet href=late.css>":                     "ui/late.css:2: browsers ignore @import after a rule",
		"<link rel=stylesheet href=latin.css>":                    "ui/page.html:2: ui/latin.css: it is not UTF-8",
		"<style>\na{b:url(none.png)}</style>":                     "ui/page.html:3: open ui/none.png",
		"<style>a{b:url('x</style>":                               "ui/page.html:2: a string is not closed",
		"<style>@import 'a.css' layer(b);</style>":                `ui/page.html:2: @import of a.css with "layer(b)" cannot be inlined`,
		"<style>@import 'https://cdn.example/';</style>":          "would stand behind rules",
		"<style>/* </style>":                                      "ui/page.html:2: a comment is not closed",
		"<script src=none.js></script>":                           "ui/page.html:2: open ui/none.js",
		"<script src=app.js>run()</script>":                       "ui/page.html:2: a script with src has no content",
		"<script type=module src=module.js></script>":             `ui/module.js:2: import: "./other.js" cannot be inlined: bundle`,
		"<script type=module>\n\nimport {\na } from 'a'</script>": `ui/page.html:5: import: "a" cannot be inlined`,
		"<script>import('https://a.example/x.js')</script>":       "ui/page.html:2: import: https://a.example/x.js is not covered",
		"<script type=importmap>{}</script>":                      "ui/page.html:2: a script of type importmap",
		"<script type=text/x src=app.js></script>":                `ui/page.html:2: browsers load no script of type "text/x"`,
		"<script><!-- </script>":                                  `ui/page.html:2: a script has "<!--"`,
		"<script>":                                                `ui/page.html:2: <script> is not closed`,
		"<script/>":                                               "ui/page.html:2: <script/> closes nothing",
		"<p>a < b":                                                `ui/page.html:2: "<" begins no tag here`,
		"<p":                                                      `ui/page.html:2: the tag <p> is not closed`,
		"<p a=\"b>":                                               `ui/page.html:2: the value of a in <p> is not closed`,
		"<p a=b\"c>":                                              `ui/page.html:2: the value of a in <p> needs quotation marks`,
		"<p a=''b>":                                               `ui/page.html:2: the tag <p> has "b" where a space`,
		"<p a b\nA>":                                              "ui/page.html:3: the tag <p> has the attribute a twice",
		"<!-- x":                                                  "ui/page.html:2: a comment is not closed",
		"<!--> <img src=none.png> -->":                            "ui/page.html:2: the comment is not valid",
		"<![CDATA[x]]>":                                           `ui/page.html:2: "<" begins no tag`,
		"<plaintext>":                                             "ui/page.html:2: <plaintext>",
		"</p":                                                     `ui/page.html:2: the end tag of "p"`,
	} {
		got, err := inline(t, body)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Inline(%s) = %s, %v, want an error with %s", body, got, err, want)
		}
	}
}

// All faults are reported at once.
func TestFaultsTogether(t *testing.T) {
	t.Parallel()
	_, err := inline(t, "<img src=a.png>\n<script src=b.js></script>\n<object></object>")
	if got := strings.Count(err.Error(), "\n") + 1; got != 3 {
		t.Errorf("Inline = %v, want 3 lines", err)
	}
}

// A view needs a document.
func TestNoDocument(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                         "page.html:1: it is empty",
		" <!-- x -->\n":            "page.html:1: it is empty",
		"\n<p>hello":               "page.html:2: an HTML document begins with <!doctype html>",
		"<!doctype html public x>": "page.html:1: an HTML document begins",
		"\xff":                     "page.html: it is not UTF-8",
		"<!doctype html>\n\x00":    "page.html:2: it has a NUL character",
		"<!doctype html>" + strings.Repeat("a", page.MaxSize-14): "page.html: it is larger than 2097152 bytes",
		"<!doctype html><img src=big.png>":                       "page.html: the document has 2796",
	} {
		fsys := fstest.MapFS{"page.html": {Data: []byte(source)}, "big.png": {Data: make([]byte, page.MaxSize)}}
		if _, err := page.Inline(fsys, "page.html", allowed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Inline(%.40q) = %v, want %s", source, err, want)
		}
	}
	if _, err := page.Inline(fstest.MapFS{}, "page.html", allowed); err == nil || err.Error() != "open page.html: file does not exist" {
		t.Errorf("Inline of no file = %v", err)
	}
}

// A checkout with the line ends of Windows makes the same document.
func TestLineEnds(t *testing.T) {
	t.Parallel()
	files := map[string]string{"page.html": "\uFEFF<!doctype html>\r\n<script src=a.js></script>", "a.js": "a\r\nb"}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	got, err := page.Inline(fsys, "page.html", allowed)
	if want := "<!doctype html>\n<script >a\nb</script>"; got != want || err != nil {
		t.Errorf("Inline = %q, %v, want %q", got, err, want)
	}
}

// Imports are told from the words, strings and comments that look like them.
func TestImports(t *testing.T) {
	t.Parallel()
	for code, want := range map[string][]string{
		`import "a"`:                                 {"a"},
		`import d, {a as b} from 'a'; "b"`:           {"a"},
		"export * from \"a\"\nimport('b')":           {"a", "b"},
		`import(a + "b"); x.import("c")`:             nil,
		`// import "a"`:                              nil,
		`/* import "a" */ 'import "b"'`:              nil,
		"`import \"a\" ${import(\"b\")} import 'c'`": {"b"},
		`x = /'/; import "a"`:                        {"a"},
		`x = a / b / c; import("d")`:                 {"d"},
		`x = [/[/"]/]; import("d")`:                  {"d"},
		`import.meta.url; let from = "x"`:            nil,
		`const a = {import: "b"}`:                    nil,
		`export const a = "b"; f("c")`:               nil,
		`'`:                                          nil,
	} {
		if got := page.Imports(code); !slices.Equal(got, want) {
			t.Errorf("imports of %s = %q, want %q", code, got, want)
		}
	}
}
