package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The blocks of Go on the site that have the name of a file are whole files, and
// compile: the blocks of one page that are in one folder are one package.
func TestPrograms(t *testing.T) {
	t.Parallel()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	count := 0
	for p := range sitePages(t, root) {
		for i, files := range programs(p.text) {
			for name, code := range files {
				count++
				folder := fmt.Sprintf("%s-%d", strings.NewReplacer("/", "-", ".", "-").Replace(strings.Trim(p.File, "/")), i)
				if err := writeFile(filepath.Join(dir, folder, name), code); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if count < 1 {
		t.Errorf("the site has %d programs", count)
	}
	module, err := os.ReadFile(filepath.Join(root, "test", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`=> \.\./`).ReplaceAllString(string(module), "=> "+root+"/")
	text = regexp.MustCompile(`(?m)^module .*`).ReplaceAllString(text, "module example.com/site")
	if err := writeFile(filepath.Join(dir, "go.mod"), text); err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "test", "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(dir, "go.sum"), string(sums)); err != nil {
		t.Fatal(err)
	}
	// With the flags of package buildtest, so that most packages are compiled already,
	// and one analyzer alone: the others analyze every package that a program needs.
	cmd := exec.CommandContext(t.Context(), "go", "vet", "-mod=mod", "-trimpath", "-directive", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// programs returns the named Go files of a page, by package. A name that comes again
// begins a new package, with the files of the one before that it does not replace.
func programs(text string) []map[string]string {
	var all []map[string]string
	last := map[string]int{}
	for _, b := range blocks(text) {
		name := b.attribute("file")
		if b.language != "go" || name == "" {
			continue
		}
		folder, base := filepath.Split(name)
		at, ok := last[folder]
		if !ok {
			all = append(all, map[string]string{})
			at = len(all) - 1
		} else if _, again := all[at][base]; again {
			all = append(all, maps.Clone(all[at]))
			at = len(all) - 1
		}
		last[folder] = at
		all[at][base] = b.code
	}
	return all
}

// sitePages returns the pages that are files.
func sitePages(t *testing.T, root string) func(yield func(*page) bool) {
	t.Helper()
	makers := map[string]maker{}
	for name := range allMakers {
		makers[name] = func(context.Context, string) (string, error) { return "# Made\n", nil }
	}
	s, err := readSite(t.Context(), root, makers)
	if err != nil {
		t.Fatal(err)
	}
	return s.pages()
}
