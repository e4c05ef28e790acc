package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A document is a rendered page.
type document struct {
	url   string // from the root of the site: /guides/ask/
	ids   map[string]bool
	links []string // of every kind
	loads []string // what a browser fetches by itself
	parts []part
}

// A part of a page is what stands below one heading. The search looks for it.
type part struct {
	Page    string `json:"p"`
	Heading string `json:"h"`
	URL     string `json:"u"`
	Text    string `json:"t"`
}

// finish checks the rendered site and writes the index of its search. It returns
// the number of pages.
func finish(out string) (int, error) {
	documents, err := readDocuments(out)
	if err != nil {
		return 0, err
	}
	if err := checkLinks(out, documents); err != nil {
		return 0, err
	}
	index := []part{}
	for _, d := range documents {
		index = append(index, d.parts...)
	}
	text, err := json.Marshal(index)
	if err != nil {
		return 0, err
	}
	// A script and not a JSON file, because a page that is opened as a file may load
	// scripts alone.
	return len(documents), os.WriteFile(filepath.Join(out, "search-index.js"), []byte("searchIndex="+string(text)+";\n"), 0o644)
}

func readDocuments(out string) ([]*document, error) {
	var documents []*document
	err := filepath.WalkDir(out, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".html" {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		tree, err := html.Parse(file)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rel, err := filepath.Rel(out, name)
		if err != nil {
			return err
		}
		d := &document{url: "/" + strings.TrimSuffix(filepath.ToSlash(rel), "index.html"), ids: map[string]bool{}}
		d.read(tree)
		d.index(tree)
		documents = append(documents, d)
		return nil
	})
	slices.SortFunc(documents, func(a, b *document) int { return strings.Compare(a.url, b.url) })
	return documents, err
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// read collects anchors and links.
func (d *document) read(n *html.Node) {
	for c := range n.Descendants() {
		if c.Type != html.ElementNode {
			continue
		}
		if id := attribute(c, "id"); id != "" {
			d.ids[id] = true
		}
		switch c.Data {
		case "a":
			d.links = append(d.links, attribute(c, "href"))
		case "link":
			if attribute(c, "rel") != "canonical" {
				d.loads = append(d.loads, attribute(c, "href"))
			}
		case "script", "img", "source", "iframe", "video", "audio":
			if src := attribute(c, "src"); src != "" {
				d.loads = append(d.loads, src)
			}
		}
	}
}

// checkLinks finds links and anchors of the site that lead nowhere, and whatever a
// browser would fetch from elsewhere.
func checkLinks(out string, documents []*document) error {
	byURL := map[string]*document{}
	for _, d := range documents {
		byURL[d.url] = d
	}
	var faults []error
	for _, d := range documents {
		for _, load := range d.loads {
			if u, err := url.Parse(load); err != nil || u.Scheme != "" && u.Scheme != "data" || u.Host != "" {
				faults = append(faults, fmt.Errorf("%s loads %s, which is not part of the site", d.url, load))
			}
		}
		for _, link := range slices.Concat(d.links, d.loads) {
			if fault := checkLink(out, byURL, d, link); fault != nil {
				faults = append(faults, fmt.Errorf("%s: the link %q %w", d.url, link, fault))
			}
		}
	}
	return errors.Join(faults...)
}

func checkLink(out string, byURL map[string]*document, d *document, link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	if u.Scheme != "" || u.Host != "" {
		return nil // another site
	}
	to := u.Path
	switch {
	case to == "":
		to = d.url
	case !strings.HasPrefix(to, "/"):
		slash := strings.HasSuffix(to, "/") || strings.HasSuffix(to, ".")
		to = path.Join(d.url, to)
		if slash && to != "/" {
			to += "/"
		}
	}
	target, ok := byURL[to]
	if !ok {
		if info, err := os.Stat(filepath.Join(out, filepath.FromSlash(to))); err == nil && !info.IsDir() {
			return nil
		}
		if to == "/search-index.js" {
			return nil // written when all links are good
		}
		return errors.New("leads nowhere")
	}
	if u.Fragment != "" && !target.ids[u.Fragment] {
		return fmt.Errorf("has the anchor #%s, which %s lacks", u.Fragment, target.url)
	}
	return nil
}

// index collects the parts of a page from its article.
func (d *document) index(tree *html.Node) {
	var title string
	for article := range tree.Descendants() {
		if article.Type != html.ElementNode || article.Data != "article" {
			continue
		}
		for c := range article.ChildNodes() {
			if c.Type != html.ElementNode {
				continue
			}
			if c.Data == "h1" || c.Data == "h2" || c.Data == "h3" {
				heading := strings.TrimSuffix(words(c), " #")
				if c.Data == "h1" {
					title, heading = heading, ""
				}
				at := d.url
				if id := attribute(c, "id"); id != "" && c.Data != "h1" {
					at += "#" + id
				}
				d.parts = append(d.parts, part{Page: title, Heading: heading, URL: strings.TrimPrefix(at, "/")})
				continue
			}
			if len(d.parts) > 0 {
				last := &d.parts[len(d.parts)-1]
				last.Text = strings.TrimSpace(last.Text + " " + words(c))
			}
		}
		return
	}
}

// words returns the text of a node, with single spaces.
func words(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && !within(c, "svg", "style") {
			b.WriteString(c.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func within(n *html.Node, names ...string) bool {
	for p := range n.Ancestors() {
		if slices.Contains(names, p.Data) {
			return true
		}
	}
	return false
}
