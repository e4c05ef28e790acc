package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tables of docs/environment.md have every variable that the code reads, and no
// other.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "environment.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`([A-Z][A-Z0-9_]+)`").FindAllStringSubmatch(cells[1], -1) {
			documented[m[1]] = true
		}
	}
	read := map[string]bool{}
	for name := range literals(t, root) {
		if variable.MatchString(name) && !strings.HasSuffix(name, "_") {
			read[name] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(read)), slices.Sorted(maps.Keys(documented))); diff != "" {
		t.Errorf("variables (-the code +docs/environment.md):\n%s", diff)
	}
}

var variable = regexp.MustCompile(`^(PORT|(MCPENGINE|AWS|OTEL|XDG|CLAUDE|CLINE|CODEX)_[A-Z0-9_]+)$`)

// literals returns the strings in the code that users run: no tests, stand-ins or
// examples.
func literals(t *testing.T, root string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	skipped := regexp.MustCompile(`(^|/)(test|examples|bin|\.[a-z]+|fakeaws|bustest|[a-z]*test|testdata|templates)$`)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if entry.IsDir() && skipped.MatchString(filepath.ToSlash(rel)) && rel != "." {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if value, err := strconv.Unquote(literal.Value); err == nil {
					found[value] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
