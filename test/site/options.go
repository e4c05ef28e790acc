package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The packages whose options and settings the reference lists.
var documented = []string{".", "middleware", "audit", "auth", "auth/idp", "auth/broker", "client", "ext/apps", "ext/skills", "ext/tasks", "otel"}

// optionsPage makes the reference of options and settings from their doc comments.
func optionsPage(_ context.Context, root string) (string, error) {
	var b strings.Builder
	b.WriteString("# Options and settings\n\nEvery option with its default, from the comments in the code. " +
		"[pkg.go.dev](https://pkg.go.dev/github.com/mcpengine/mcpengine) has all the other names. [Limits](limits.md) says what happens beyond a bound.\n\n")
	for _, dir := range documented {
		pkg, fset, err := readPackage(root, dir)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "## Package %s\n\n", pkg.Name)
		names := optionsOf(pkg)
		for _, n := range names {
			n.write(&b, pkg, fset, names)
		}
	}
	return b.String(), nil
}

// An option is a function that returns an option, or a struct of settings.
type option struct {
	name string
	decl ast.Node
	doc  string
}

func readPackage(root, dir string) (*doc.Package, *token.FileSet, error) {
	fset := token.NewFileSet()
	entries, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		return nil, nil, err
	}
	var files []*ast.File
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".go" || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(root, dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, nil, errors.New(dir + " has no Go files")
	}
	pkg, err := doc.NewFromFiles(fset, files, path.Join("github.com/mcpengine/mcpengine", dir))
	return pkg, fset, err
}

// optionsOf returns the functions that return options and the structs of settings.
func optionsOf(pkg *doc.Package) []option {
	functions := slices.Clone(pkg.Funcs)
	for _, t := range pkg.Types {
		functions = append(functions, t.Funcs...)
	}
	var found []option
	for _, f := range functions {
		if ast.IsExported(f.Name) && returnsOption(f.Decl) {
			found = append(found, option{f.Name, f.Decl, f.Doc})
		}
	}
	for _, t := range pkg.Types {
		for _, spec := range t.Decl.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok && isSettings(s) {
				found = append(found, option{s.Name.Name, t.Decl, t.Doc})
			}
		}
	}
	return found
}

// returnsOption reports whether a function returns one value of a type called
// Option, or with a name that ends so.
func returnsOption(f *ast.FuncDecl) bool {
	results := f.Type.Results
	if results == nil || len(results.List) != 1 {
		return false
	}
	name := ""
	switch t := results.List[0].Type.(type) {
	case *ast.Ident:
		name = t.Name
	case *ast.SelectorExpr:
		name = t.Sel.Name
	}
	return strings.HasSuffix(name, "Option")
}

// isSettings reports whether a type is a struct that a program fills in.
func isSettings(s *ast.TypeSpec) bool {
	fields, ok := s.Type.(*ast.StructType)
	if !ok || !ast.IsExported(s.Name.Name) {
		return false
	}
	switch s.Name.Name {
	case "HTTPConfig", "Retry", "Config", "OAuth", "Budget", "Upstream", "Client", "View", "Provider", "Options":
	default:
		if !strings.HasSuffix(s.Name.Name, "Config") {
			return false
		}
	}
	for _, f := range fields.Fields.List {
		for _, n := range f.Names {
			if n.IsExported() {
				return true
			}
		}
	}
	return false
}

func (o option) write(b *strings.Builder, pkg *doc.Package, fset *token.FileSet, others []option) {
	fmt.Fprintf(b, "### %s.%s\n\n```go\n", pkg.Name, o.name)
	switch d := o.decl.(type) {
	case *ast.FuncDecl:
		shown := *d
		shown.Body, shown.Doc = nil, nil
		printNode(b, fset, &shown)
	case *ast.GenDecl:
		shown := *d
		shown.Doc = nil
		printNode(b, fset, &printer.CommentedNode{Node: &shown, Comments: fieldComments(&shown)})
	}
	b.WriteString("\n```\n\n")
	p := pkg.Printer()
	p.HeadingLevel = 4
	p.DocLinkURL = func(link *comment.DocLink) string {
		if link.ImportPath == "" && link.Recv == "" && slices.ContainsFunc(others, func(o option) bool { return o.name == link.Name }) {
			return "#" + strings.ToLower(pkg.Name+link.Name)
		}
		return (&comment.DocLink{ImportPath: cmp.Or(link.ImportPath, pkg.ImportPath), Recv: link.Recv, Name: link.Name}).DefaultURL("https://pkg.go.dev")
	}
	b.Write(p.Markdown(pkg.Parser().Parse(o.doc)))
	b.WriteString("\n")
}

func printNode(b *strings.Builder, fset *token.FileSet, node any) {
	// A tab width of 4 keeps aligned comments short.
	c := printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 4}
	if err := c.Fprint(b, fset, node); err != nil {
		fmt.Fprintf(b, "%v", err)
	}
}

// fieldComments returns the comments within a declaration.
func fieldComments(decl *ast.GenDecl) []*ast.CommentGroup {
	var comments []*ast.CommentGroup
	ast.Inspect(decl, func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok {
			for _, c := range []*ast.CommentGroup{f.Doc, f.Comment} {
				if c != nil {
					comments = append(comments, c)
				}
			}
		}
		return true
	})
	return comments
}
