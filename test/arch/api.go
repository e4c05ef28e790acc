package arch

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
)

// An API holds what the compiler says of packages, by import path.
type API struct {
	exports  map[string]string // the files of export data
	importer types.Importer
	Public   []string // of the packages asked for, those that a user can import
}

// LoadAPI asks the go command for the packages that patterns name in folder.
func LoadAPI(ctx context.Context, folder string, patterns ...string) (*API, error) {
	args := append([]string{"list", "-deps", "-export", "-f", "{{.ImportPath}}\t{{.Export}}\t{{.DepOnly}}\t{{.Name}}"}, patterns...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w: %s", folder, err, stderr.Bytes())
	}
	a := &API{exports: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		path, depOnly, name := fields[0], fields[2] == "true", fields[3]
		a.exports[path] = fields[1]
		if !depOnly && name != "main" && !isInternal(path) {
			a.Public = append(a.Public, path)
		}
	}
	a.importer = importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(a.exports[path]) })
	return a, lines.Err()
}

func isInternal(path string) bool { return strings.Contains("/"+path+"/", "/internal/") }

// HiddenNames reports the exported declarations of a package that a reader of
// its documentation cannot follow: aliases of internal types, and functions,
// fields, methods, variables and constants whose types name an internal package,
// given or inferred.
func (a *API) HiddenNames(path string) ([]string, error) {
	pkg, err := a.importer.Import(path)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", path, err)
	}
	w := apiWalker{pkg: pkg, seen: map[types.Type]bool{}}
	for _, name := range pkg.Scope().Names() {
		if object := pkg.Scope().Lookup(name); object.Exported() {
			w.object(name, object)
		}
	}
	return sorted(w.broken), nil
}

type apiWalker struct {
	pkg    *types.Package
	seen   map[types.Type]bool // named types of the package that were walked
	broken []string
}

func (w *apiWalker) object(name string, object types.Object) {
	if t, ok := object.(*types.TypeName); ok {
		if alias, ok := t.Type().(*types.Alias); ok {
			w.walk(name, alias.Rhs())
			return
		}
	}
	w.walk(name, object.Type())
}

// walk looks for internal packages in what a type shows.
func (w *apiWalker) walk(name string, t types.Type) {
	switch t := t.(type) {
	case *types.Named:
		w.named(name, t.Obj(), t.TypeArgs(), func() { w.declared(t) })
	case *types.Alias:
		w.named(name, t.Obj(), t.TypeArgs(), func() { w.walk(t.Obj().Name(), t.Rhs()) })
	case *types.Signature:
		for p := range t.TypeParams().TypeParams() {
			w.walk(name, p.Constraint())
		}
		w.walk(name, t.Params())
		w.walk(name, t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			w.walk(name, v.Type())
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() || f.Embedded() {
				w.walk(name+"."+f.Name(), f.Type())
			}
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			if m.Exported() {
				w.walk(name+"."+m.Name(), m.Type())
			}
		}
		for e := range t.EmbeddedTypes() {
			w.walk(name, e)
		}
	case *types.Union:
		for term := range t.Terms() {
			w.walk(name, term.Type())
		}
	case *types.Map:
		w.walk(name, t.Key())
		w.walk(name, t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays and channels
		w.walk(name, t.Elem())
	}
}

// named reports an internal type, and walks a type of the package itself once:
// an unexported one too, because what it exports is seen through others.
func (w *apiWalker) named(name string, object *types.TypeName, args *types.TypeList, declared func()) {
	for arg := range args.Types() {
		w.walk(name, arg)
	}
	switch pkg := object.Pkg(); {
	case pkg == nil: // of the language
	case pkg == w.pkg:
		if !w.seen[object.Type()] {
			w.seen[object.Type()] = true
			declared()
		}
	case isInternal(pkg.Path()) && isOurs(pkg.Path()):
		w.broken = append(w.broken, fmt.Sprintf("%s.%s names %s.%s", w.pkg.Name(), name, pkg.Name(), object.Name()))
	}
}

// isOurs tells the internal packages of the project from the internal packages
// of the standard library, which has public aliases of some of their types.
func isOurs(path string) bool { return strings.HasPrefix(path, "github.com/mcpengine/") }

// declared walks a type of the package where it is declared.
func (w *apiWalker) declared(t *types.Named) {
	name := t.Obj().Name()
	for p := range t.TypeParams().TypeParams() {
		w.walk(name, p.Constraint())
	}
	if _, ok := t.Underlying().(*types.Signature); ok && !t.Obj().Exported() {
		return // a function of the package's own, such as an option
	}
	w.walk(name, t.Underlying())
	for m := range t.Methods() {
		if m.Exported() {
			w.walk(name+"."+m.Name(), m.Type())
		}
	}
}
