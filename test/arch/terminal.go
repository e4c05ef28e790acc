package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// rawFiles are the files of the command line that reach a stream without
// internal/terminal, each with what it is for.
var rawFiles = map[string]string{
	"main.go":          "hands the streams to run",
	"run.go":           "cobra prints completions, whose words and descriptions are made safe",
	"bridge.go":        "speaks the protocol, and logs with slog, which quotes what does not print",
	"completion.go":    "prints scripts that cobra generates",
	"dev.go":           "gives standard error to the program that is developed; an attached host gets the protocol, and slog logs",
	"remote.go":        "gives standard error to a program that the user has named",
	"replace_other.go": "gives the streams to a server that speaks the protocol",
	"serve.go":         "gives standard error to a program that the user has named, and logs with slog",
	"vendortool.go":    "gives standard error to the tool of a platform, which the user has confirmed",
}

// rawWrites are the functions that write text as it is.
var rawWrites = map[string][]string{
	"fmt": {"Print", "Printf", "Println", "Fprint", "Fprintf", "Fprintln"},
	"io":  {"WriteString", "Copy"},
	"os":  {"Stdout", "Stderr"},
}

// RawWrites reports where the Go files of a folder write text without
// internal/terminal, which is what keeps text of a server from acting on a
// terminal.
func RawWrites(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var broken []string
	for _, entry := range entries {
		name := entry.Name()
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || rawFiles[name] != "" {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, filepath.Join(folder, name), nil, 0)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if what := rawWrite(n); what != "" {
				broken = append(broken, fmt.Sprintf("%s: %s: write with internal/terminal, which escapes text of others", files.Position(n.Pos()), what))
			}
			return true
		})
	}
	return sorted(broken), nil
}

// rawWrite names what a node uses to write text as it is, or returns "".
func rawWrite(n ast.Node) string {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if s.Sel.Name == "Raw" {
		return "Raw"
	}
	name, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, function := range rawWrites[name.Name] {
		if s.Sel.Name == function {
			return name.Name + "." + function
		}
	}
	return ""
}
