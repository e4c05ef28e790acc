package iac_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The code reads every MCPEngine variable that the files name.
func TestEnvironmentNames(t *testing.T) {
	t.Parallel()
	read := literals(t, ".", "internal/lambda", "ext/tasks/aws", "cmd/mcpengine/internal/remote")
	name := regexp.MustCompile(`\b(MCPENGINE_[A-Z_]+|AWS_LAMBDA_RUNTIME_API|PORT)\b`)
	seen := map[string]bool{}
	for _, folder := range []string{"deploy", weather, board, authboard, approval} {
		for file, content := range texts(t, folder) {
			for _, found := range name.FindAllString(content, -1) {
				seen[found] = true
				if !read[found] {
					t.Errorf("%s speaks of %s, which no code reads", file, found)
				}
			}
		}
	}
	for _, want := range []string{"MCPENGINE_KEYS", "MCPENGINE_LAMBDA_MODE", "PORT"} {
		if !seen[want] {
			t.Errorf("no file speaks of %s", want)
		}
	}
}

// literals is the string literals in the Go code of some folders, tests left
// out.
func literals(t *testing.T, folders ...string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, folder := range folders {
		names, err := filepath.Glob(filepath.Join(repository, folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					value, _ := strconv.Unquote(literal.Value)
					found[value] = true
				}
				return true
			})
		}
	}
	return found
}

// texts is the files below a folder of the repository, without what terraform
// has left behind there.
func texts(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	root := path.Join(repository, folder)
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".terraform" || d.Name() == ".aws-sam"):
			return fs.SkipDir
		case d.IsDir() || strings.Contains(name, ".tfstate") || strings.HasSuffix(name, ".zip") || d.Name() == "bootstrap":
			return nil
		}
		content, err := os.ReadFile(path.Join(root, name))
		found[path.Join(folder, name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
