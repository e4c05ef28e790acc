package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// versionText is the form of the name of a protocol version.
var versionText = regexp.MustCompile(`^20\d\d-\d\d-\d\d$`)

// ownTables are the folders that may name protocol versions and list methods:
// the one with the tables, the one with the public names, and tests.
var ownTables = []string{"internal/protocol", "mcp", "conformance", "test"}

// Tables reports where the source below folder has a table of its own of
// protocol versions or of methods: a literal that names a version, or a case
// that names several methods. IsVersion and isMethod tell both from other texts.
// Tests may name what they like, and so may other modules.
func Tables(folder string, isVersion, isMethod func(string) bool) (broken []string, err error) {
	files := token.NewFileSet()
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(folder, path, entry.Name())
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", path, err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if message := table(n, isVersion, isMethod); message != "" {
				broken = append(broken, fmt.Sprintf("%s: %s: use the tables of internal/protocol", files.Position(n.Pos()), message))
			}
			return true
		})
		return nil
	})
	return broken, err
}

// enter leaves out the folders that have tables, other modules and what the go
// command leaves out.
func enter(folder, path, name string) error {
	local, err := filepath.Rel(folder, path)
	if err != nil {
		return fmt.Errorf("find %s below %s: %w", path, folder, err)
	}
	module, err := filepath.Glob(filepath.Join(path, "go.mod"))
	skip := name == "testdata" || name == "vendor" || local != "." && (strings.HasPrefix(name, ".") || module != nil)
	for _, own := range ownTables {
		skip = skip || filepath.ToSlash(local) == own
	}
	if skip {
		return fs.SkipDir
	}
	return err
}

// table says what a node of the source decides by itself, and "" when it does
// not.
func table(n ast.Node, isVersion, isMethod func(string) bool) string {
	switch n := n.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(n.Value)
		if versionText.MatchString(text) && isVersion(text) {
			return "protocol version " + text
		}
	case *ast.CaseClause:
		named := 0
		for _, value := range n.List {
			if isMethodExpr(value, isMethod) {
				named++
			}
		}
		if named > 1 {
			return fmt.Sprintf("a case of %d methods", named)
		}
	}
	return ""
}

// isMethodExpr reports whether an expression is the name of a method: a literal
// or a constant of packages mcp and protocol.
func isMethodExpr(value ast.Expr, isMethod func(string) bool) bool {
	switch value := value.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(value.Value)
		return err == nil && isMethod(text)
	case *ast.SelectorExpr:
		from, ok := value.X.(*ast.Ident)
		name := value.Sel.Name
		return ok && (from.Name == "mcp" || from.Name == "protocol") &&
			strings.HasPrefix(name, "Method") && !strings.HasPrefix(name, "MethodNotifications")
	}
	return false
}
