package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// HiddenNames reports the exported declarations of the package in a folder that
// a reader of its documentation cannot follow: aliases of internal types, and
// signatures, fields and methods that name an internal package.
func HiddenNames(folder string) ([]string, error) {
	fset := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("list %s: %w", folder, fs.ErrNotExist)
	}
	var broken []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse: %w", err)
		}
		w := apiWalker{internal: internalImports(file)}
		for _, decl := range file.Decls {
			w.decl(decl)
		}
		for _, name := range w.broken {
			broken = append(broken, file.Name.Name+"."+name)
		}
	}
	return sorted(broken), nil
}

// internalImports returns the names by which a file knows internal packages.
func internalImports(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // has been parsed
		if !strings.Contains(path+"/", "/internal/") {
			continue
		}
		if spec.Name != nil {
			names[spec.Name.Name] = true
		} else {
			names[path[strings.LastIndex(path, "/")+1:]] = true
		}
	}
	return names
}

type apiWalker struct {
	internal map[string]bool
	broken   []string
}

func (w *apiWalker) decl(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Name.IsExported() && (decl.Recv == nil || exportedReceiver(decl.Recv)) {
			w.check(decl.Name.Name, decl.Type)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				// An unexported alias would hide what it stands for from the walk.
				if spec.Name.IsExported() || spec.Assign.IsValid() {
					w.check(spec.Name.Name, spec.Type)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() && spec.Type != nil {
						w.check(name.Name, spec.Type)
					}
				}
			}
		}
	}
}

func exportedReceiver(recv *ast.FieldList) bool {
	exported := false
	ast.Inspect(recv.List[0].Type, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		exported = exported || ok && id.IsExported()
		return true
	})
	return exported
}

// check looks for internal packages in a type, except in unexported fields.
func (w *apiWalker) check(name string, expr ast.Expr) {
	ast.Inspect(expr, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StructType:
			for _, field := range n.Fields.List {
				for _, id := range field.Names {
					if id.IsExported() {
						w.check(name+"."+id.Name, field.Type)
					}
				}
				if len(field.Names) == 0 {
					w.check(name, field.Type)
				}
			}
			return false
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && w.internal[pkg.Name] {
				w.broken = append(w.broken, name+" names "+pkg.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
}
