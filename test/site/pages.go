package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const (
	navFile = "docs/site/nav.json"
	source  = "https://github.com/mcpengine/mcpengine/"
)

// A page of the site is a Markdown file of the repository, or made from the code.
type page struct {
	URL  string `json:"url"`
	File string `json:"file,omitempty"`
	Made string `json:"made,omitempty"` // the name of one of the makers
	Menu string `json:"menu,omitempty"` // what the menu calls it, when not by its heading

	text string // Markdown
}

// A group of pages has one heading in the menu.
type group struct {
	Title string  `json:"title"`
	Pages []*page `json:"pages"`
}

type site struct {
	root   string
	groups []group
	byFile map[string]*page
	images map[string]bool // files of the repository that pages show
}

// A maker makes a page from the code of the repository.
type maker func(ctx context.Context, root string) (string, error)

var allMakers = map[string]maker{
	"benchmarks": benchmarksPage,
	"commands":   commandsPage,
	"costs":      costsPage,
	"options":    optionsPage,
}

// readSite reads the list of pages and every page.
func readSite(ctx context.Context, root string, makers map[string]maker) (*site, error) {
	text, err := os.ReadFile(filepath.Join(root, navFile))
	if err != nil {
		return nil, err
	}
	s := &site{root: root, byFile: map[string]*page{}, images: map[string]bool{}}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s.groups); err != nil {
		return nil, fmt.Errorf("%s: %w", navFile, err)
	}
	for p := range s.pages() {
		if p.File != "" {
			s.byFile[p.File] = p
		}
	}
	for p := range s.pages() {
		if err := s.read(ctx, p, makers); err != nil {
			return nil, fmt.Errorf("%s: %w", p.URL, err)
		}
	}
	return s, nil
}

func (s *site) pages() func(yield func(*page) bool) {
	return func(yield func(*page) bool) {
		for _, g := range s.groups {
			for _, p := range g.Pages {
				if !yield(p) {
					return
				}
			}
		}
	}
}

func (s *site) read(ctx context.Context, p *page, makers map[string]maker) error {
	var err error
	if p.Made != "" {
		makePage, ok := makers[p.Made]
		if !ok {
			return fmt.Errorf("no maker is called %q", p.Made)
		}
		p.text, err = makePage(ctx, s.root)
	} else {
		var text []byte
		text, err = os.ReadFile(filepath.Join(s.root, p.File))
		p.text = string(text)
	}
	if err != nil {
		return err
	}
	if p.heading() == "" {
		return fmt.Errorf("it does not begin with a heading")
	}
	p.text, err = s.rewriteLinks(p)
	return err
}

// heading returns the text of the heading that a page begins with.
func (p *page) heading() string {
	line, _, _ := strings.Cut(p.text, "\n")
	title, _ := strings.CutPrefix(line, "# ")
	return title
}

// rewriteLinks points links between files of the repository at the pages of the
// site, and at the repository where the site has no page.
func (s *site) rewriteLinks(p *page) (string, error) {
	from := p.File
	if from == "" {
		from = "docs/reference.md" // pages that are made link as if they were here
	}
	return mapLinks(p.text, func(link string) (string, error) {
		if link == "" || strings.HasPrefix(link, "#") || strings.HasPrefix(link, "/") || strings.Contains(link, ":") {
			return link, nil
		}
		name, anchor, _ := strings.Cut(link, "#")
		if anchor != "" {
			anchor = "#" + anchor
		}
		file := path.Join(path.Dir(from), name)
		if to, ok := s.byFile[file]; ok {
			return to.URL + anchor, nil
		}
		if to, ok := s.byFile[path.Join(file, "README.md")]; ok {
			return to.URL + anchor, nil
		}
		info, err := os.Stat(filepath.Join(s.root, file))
		switch {
		case err != nil:
			return "", fmt.Errorf("the link %q leads nowhere: %w", link, err)
		case info.IsDir():
			return source + "tree/main/" + file + anchor, nil
		case isImage(file):
			s.images[file] = true
			return "/" + file, nil
		default:
			return source + "blob/main/" + file + anchor, nil
		}
	})
}

func isImage(file string) bool {
	switch path.Ext(file) {
	case ".png", ".svg", ".jpg", ".gif", ".webp":
		return true
	}
	return false
}

// write writes what Hugo reads: content, menu and pictures.
func (s *site) write(ctx context.Context, dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, "content")); err != nil {
		return err
	}
	if err := s.drawDiagrams(ctx); err != nil {
		return err
	}
	if err := s.playRecordings(ctx); err != nil {
		return err
	}
	weight := 0
	for p := range s.pages() {
		weight++
		title, err := json.Marshal(plain(p.heading()))
		if err != nil {
			return err
		}
		head := fmt.Sprintf("---\ntitle: %s\nweight: %d\n", title, weight)
		if p.File != "" {
			head += fmt.Sprintf("file: %s\n", p.File)
		}
		if err := writeFile(filepath.Join(dir, "content", p.URL, "_index.md"), head+"---\n"+p.text); err != nil {
			return err
		}
		if p.Menu == "" {
			p.Menu = plain(p.heading())
		}
	}
	if err := s.hideFolders(dir); err != nil {
		return err
	}
	menu, err := json.Marshal(s.groups)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "data", "nav.json"), string(menu)); err != nil {
		return err
	}
	for image := range s.images {
		bytes, err := os.ReadFile(filepath.Join(s.root, image))
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, "static", image), string(bytes)); err != nil {
			return err
		}
	}
	return nil
}

// hideFolders keeps Hugo from making pages for folders that have none of their own.
func (s *site) hideFolders(dir string) error {
	for p := range s.pages() {
		for folder := path.Dir(path.Clean(p.URL)); folder != "/" && folder != "."; folder = path.Dir(folder) {
			index := filepath.Join(dir, "content", folder, "_index.md")
			if _, err := os.Stat(index); err == nil {
				continue
			}
			if err := writeFile(index, "---\nbuild: {render: never}\n---\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain removes the marks of Markdown from a heading.
func plain(heading string) string { return strings.NewReplacer("`", "", "*", "").Replace(heading) }

func writeFile(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
