package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every block of code on the site is what it says it is: Go that parses and names
// what the packages export, commands that a shell can read, JSON.
func TestBlocks(t *testing.T) {
	t.Parallel()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	names := exported(t, root)
	var scripts strings.Builder
	for p := range sitePages(t, root) {
		for _, b := range blocks(p.text) {
			where := fmt.Sprintf("%s:%d", p.File, b.line)
			switch b.language {
			case "go":
				if b.attribute("file") != "" {
					continue // TestPrograms compiles it
				}
				if err := checkGo(b.code, names); err != nil {
					t.Errorf("%s: %v\n%s", where, err, b.code)
				}
			case "json":
				if err := checkJSON(withoutEllipses(b.code)); err != nil {
					t.Errorf("%s: %v\n%s", where, err, b.code)
				}
			case "sh", "bash":
				fmt.Fprintf(&scripts, "bash -n <<'END-OF-BLOCK' 2>&1 || echo '^ %s'\n%s\nEND-OF-BLOCK\n", where, b.code)
			case "":
				t.Errorf("%s: the block says no language; text is one", where)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash")
	cmd.Stdin = strings.NewReader(scripts.String())
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("commands that a shell cannot read: %v\n%s", err, out)
	}
}

func TestCheckGo(t *testing.T) {
	t.Parallel()
	names := map[string]map[string]bool{"mcpengine": {"New": true}}
	for _, code := range []string{
		"package main\n\nfunc main() { mcpengine.New(\"x\") }\n",
		"e := mcpengine.New(\"x\")\nif err != nil {\n\treturn err\n}\n",
		"func f() { … }\n", "type x struct{}\n\ne := mcpengine.New(\"x\", …)\n", "import \"fmt\"\n\nfmt.Println()\n",
	} {
		if err := checkGo(code, names); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, code := range []string{"e := mcpengine.Old()\n", "e := (\n", "func {\n"} {
		if err := checkGo(code, names); err == nil {
			t.Errorf("no fault is found in %s", code)
		}
	}
}

// checkGo reports whether code is a file, declarations or statements, in which … may
// stand for something, and names only what our packages export.
func checkGo(code string, names map[string]map[string]bool) error {
	code = withoutEllipses(code)
	file, err := parseGo(code)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil && names[x.Name] != nil && !names[x.Name][s.Sel.Name] && ast.IsExported(s.Sel.Name) {
			err = fmt.Errorf("%s.%s is not exported", x.Name, s.Sel.Name)
		}
		return true
	})
	return err
}

// parseGo parses a file, declarations, methods of an interface, or functions mixed with
// statements.
func parseGo(code string) (*ast.File, error) {
	var imports, functions, statements strings.Builder
	to := &statements
	for line := range strings.Lines(code) {
		switch {
		case strings.HasPrefix(line, "import "):
			to = &imports
		case strings.HasPrefix(line, "func "):
			to = &functions
		}
		to.WriteString(line)
		if strings.HasPrefix(line, "}") || strings.HasPrefix(line, ")") || strings.HasPrefix(line, "import \"") || strings.HasSuffix(line, "}\n") && strings.HasPrefix(line, "func ") {
			to = &statements
		}
	}
	var failure error
	for _, attempt := range []string{
		code, "package p\n" + code, "package p\nfunc _() error {\n" + code + "\n}\n", "package p\nvar _ = f(\n" + code + ")\n", "package p\ntype _ interface {\n" + code + "}\n",
		"package p\n" + imports.String() + functions.String() + "func _() error {\n" + statements.String() + "\n}\n",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", attempt, 0)
		if err == nil {
			return file, nil
		}
		failure = err
	}
	return nil, failure
}

// checkJSON reports whether text is one JSON value or several.
func checkJSON(text string) error {
	d := json.NewDecoder(strings.NewReader(text))
	for {
		var value any
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// withoutEllipses removes what stands for something that is left out.
func withoutEllipses(code string) string {
	return strings.NewReplacer(", …", "", "{…}", "{}", "(…)", "()", "…", "").Replace(code)
}

// exported returns the exported names of the packages, by the name that programs call
// them by.
func exported(t *testing.T, root string) map[string]map[string]bool {
	t.Helper()
	names := map[string]map[string]bool{}
	for _, dir := range []string{
		".", "mcp", "auth", "auth/idp", "auth/broker", "audit", "client", "mcptest", "middleware", "contract", "otel", "ext/apps",
		"ext/skills", "ext/tasks", "ext/events",
	} {
		if _, err := os.Stat(filepath.Join(root, dir)); err != nil {
			t.Fatal(err)
		}
		pkg, _, err := readPackage(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		names[pkg.Name] = exportedNames(pkg)
	}
	return names
}

func exportedNames(pkg *doc.Package) map[string]bool {
	names := map[string]bool{}
	add := func(list ...string) {
		for _, name := range list {
			names[name] = true
		}
	}
	values := append(append([]*doc.Value{}, pkg.Consts...), pkg.Vars...)
	functions := append([]*doc.Func{}, pkg.Funcs...)
	for _, typ := range pkg.Types {
		add(typ.Name)
		values = append(append(values, typ.Consts...), typ.Vars...)
		functions = append(functions, typ.Funcs...)
	}
	for _, v := range values {
		add(v.Names...)
	}
	for _, f := range functions {
		add(f.Name)
	}
	return names
}
