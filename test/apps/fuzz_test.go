package apps_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"github.com/mcpengine/mcpengine/ext/apps"
)

// FuzzNewView reads the documents that NewView makes as a browser does, and
// finds no address that is loaded and is neither inlined nor in the CSP.
func FuzzNewView(f *testing.F) {
	for _, body := range []string{
		`<img src=a.png alt="x"><image src=a.png><svg><image href=a.png /><use href="#a"/></svg>`,
		`<script src=a.js defer></script><link rel="stylesheet icon" href='a.css'>`,
		`<p style="background:url(a.png)"><!-- <img src=x> --><textarea><img src=x></textarea>`,
		`<style>@import "a.css" print; a{b:url( 'a.png' )}</style><title><img src=x></title>`,
		`<img srcset="a.png 1x, https://cdn.example/b.png 2x"><video poster=a.png></video>`,
		`<iframe src="https://cdn.example/"></iframe><math><mtext><img src=a.png></mtext></math>`,
		`<svg><style><img src=x></style></svg><noscript><img src=x></noscript><template><img src=a.png></template>`,
		`<select><option><img src=a.png></select><table background=a.png><td background="a.png">`,
		`<a href="x">x</a><img src=&#97;.png><svg><foreignObject><img src=a.png></foreignObject></svg>`,
		`<xmp><img src=x></xmp><!--x--><IMG SRC=a.png ALT><body background=a.png><frameset><frame src="https://cdn.example">`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		fsys := fstest.MapFS{
			"page.html": {Data: []byte("<!doctype html>" + body)},
			"a.png":     {Data: []byte("image")},
			"a.css":     {Data: []byte("a{b:url(a.png)}")},
			"a.js":      {Data: []byte("'</script><img src=x>'")},
		}
		const cdn = "https://cdn.example"
		v, err := apps.NewView("page", fsys, "page.html", apps.ViewConfig{CSP: apps.CSP{ResourceDomains: []string{cdn}, FrameDomains: []string{cdn}}})
		if err != nil {
			return
		}
		root, err := html.Parse(strings.NewReader(v.HTML()))
		if err != nil {
			t.Fatal(err)
		}
		for n := range root.Descendants() {
			for _, address := range loads(n) {
				if !isHarmless(address) {
					t.Errorf("<%s> loads %q in\n%s", n.Data, address, v.HTML())
				}
			}
		}
	})
}

// loads returns the addresses that an element makes a browser load.
func loads(n *html.Node) (addresses []string) {
	if n.Type != html.ElementNode {
		return nil
	}
	for _, a := range n.Attr {
		switch {
		case a.Key == "src" && slices.Contains([]string{"img", "script", "iframe", "frame", "audio", "video", "source", "track", "embed", "input"}, n.Data),
			a.Key == "href" && n.Namespace == "svg" && n.Data != "a",
			a.Key == "href" && n.Data == "base", a.Key == "data" && n.Data == "object", a.Key == "poster" && n.Data == "video",
			a.Key == "background" && slices.Contains([]string{"body", "table", "td", "th"}, n.Data):
			addresses = append(addresses, a.Val)
		case a.Key == "href" && n.Data == "link" && loadsLink(n):
			addresses = append(addresses, a.Val)
		case a.Key == "srcset" && (n.Data == "img" || n.Data == "source"):
			for candidate := range strings.SplitSeq(a.Val, ", ") {
				address, _, _ := strings.Cut(strings.TrimSpace(candidate), " ")
				addresses = append(addresses, strings.TrimRight(address, ","))
			}
		case a.Key == "style":
			addresses = append(addresses, styleLoads(a.Val)...)
		}
	}
	if n.Data == "style" && n.FirstChild != nil {
		addresses = append(addresses, styleLoads(n.FirstChild.Data)...)
	}
	return addresses
}

func loadsLink(n *html.Node) bool {
	for _, a := range n.Attr {
		if a.Key == "rel" {
			rel := strings.Fields(strings.ToLower(a.Val))
			return slices.Contains(rel, "stylesheet") || slices.Contains(rel, "icon") || slices.Contains(rel, "preload")
		}
	}
	return false
}

var styleURL = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_\\-])url\(\s*"?([^")\s]*)`)

// styleLoads finds the addresses of a style sheet where it is plain enough for
// an expression: without comments, single quotation marks and escapes, which
// could make other text of it.
func styleLoads(css string) (addresses []string) {
	if strings.ContainsAny(css, `'\*@`) || regexp.MustCompile(`[^(]"`).MatchString(strings.ReplaceAll(css, `")`, "")) {
		return nil
	}
	for _, match := range styleURL.FindAllStringSubmatch(css, -1) {
		addresses = append(addresses, match[1])
	}
	return addresses
}

func isHarmless(address string) bool {
	address = strings.Trim(address, " \t\n\f\r")
	u, err := url.Parse(address)
	return address == "" || strings.HasPrefix(address, "#") ||
		err == nil && (u.Scheme == "data" || u.Scheme == "blob" || u.Scheme == "https" && strings.EqualFold(u.Host, "cdn.example"))
}
