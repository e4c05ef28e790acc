package arch_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/test/arch"
)

const (
	folder = "../.." // of the root module
	root   = "github.com/mcpengine/mcpengine"
)

func TestRootModule(t *testing.T) {
	t.Parallel()
	g, err := arch.Load(t.Context(), folder, "./...")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := g[root]; !ok {
		t.Fatalf("the graph of the module lacks its root package")
	}
	report(t, arch.RootImports(g))
	report(t, arch.ExtensionImports(g))
	report(t, arch.ForeignImports(g))
	report(t, arch.WireImports(g))
}

func TestCommandModule(t *testing.T) {
	t.Parallel()
	g, err := arch.Load(t.Context(), folder+"/cmd/mcpengine", "./...")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := g[root+"/cmd/mcpengine/internal/profile"]; !ok {
		t.Fatalf("the graph of the module lacks the profiles")
	}
	report(t, arch.RootImports(g))
	report(t, arch.ForeignImports(g))
}

func TestTables(t *testing.T) {
	t.Parallel()
	broken, err := arch.Tables(folder, isVersion, isMethod)
	if err != nil {
		t.Fatal(err)
	}
	report(t, broken)

	// The rule finds a table.
	broken, err = arch.Tables("testdata/tables", isVersion, isMethod)
	want := []string{
		"testdata/tables/tables.go:6:20: protocol version 2025-06-18: use the tables of internal/protocol",
		"testdata/tables/tables.go:10:2: a case of 2 methods: use the tables of internal/protocol",
		"testdata/tables/tables.go:12:2: a case of 2 methods: use the tables of internal/protocol",
	}
	if diff := cmp.Diff(want, broken); err != nil || diff != "" {
		t.Errorf("Tables of testdata: %v (-want +got):\n%s", err, diff)
	}
}

func isVersion(text string) bool { return protocol.Find(text) != nil }
func isMethod(text string) bool  { return protocol.MethodOf(text).Name != "" }

// All output of the command line passes internal/terminal.
func TestTerminal(t *testing.T) {
	t.Parallel()
	broken, err := arch.RawWrites(folder + "/cmd/mcpengine")
	if err != nil {
		t.Fatal(err)
	}
	report(t, broken)

	dir := t.TempDir()
	source := "package p\nfunc f() { fmt.Fprintf(w, x); c.stdout.Raw(); os.Stdout.Write(nil); fmt.Sprintf(x) }\n"
	if err := os.WriteFile(dir+"/raw.go", []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if broken, err := arch.RawWrites(dir); err != nil || len(broken) != 3 {
		t.Errorf("a file with three raw writes has %q, %v", broken, err)
	}
}

func TestServerBinary(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(folder + "/examples/weather"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no examples/weather")
	}
	g, err := arch.Load(t.Context(), folder+"/examples", "./weather")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := g[root]; !ok {
		t.Fatalf("examples/weather does not link %s: the rule checks nothing", root)
	}
	report(t, arch.ServerLinks(g))
	report(t, arch.OpenServerLinks(g))
	report(t, arch.ProtectedServerLinks(g))
}

// What verifies tokens links nothing that issues them.
func TestProtectedServer(t *testing.T) {
	t.Parallel()
	g, err := arch.Load(t.Context(), folder, "./auth/idp")
	if err != nil {
		t.Fatal(err)
	}
	report(t, arch.ProtectedServerLinks(g))
	if g, err = arch.Load(t.Context(), folder, "."); err != nil {
		t.Fatal(err)
	}
	report(t, arch.ProtectedServerLinks(g))
}

func report(t *testing.T, broken []string) {
	t.Helper()
	for _, message := range broken {
		t.Error(message)
	}
}

// Each graph breaks its rule in every way there is, next to what is allowed.
func TestRules(t *testing.T) {
	t.Parallel()
	var (
		own        = &arch.Module{Path: root}
		tokens     = &arch.Module{Path: "github.com/go-jose/go-jose/v4"}
		unknown    = &arch.Module{Path: "example.com/unknown"}
		tokensPath = tokens.Path
	)
	tests := []struct {
		name  string
		rule  func(arch.Graph) []string
		graph []arch.Package
		want  []string
	}{
		{
			name: "root package",
			rule: arch.RootImports,
			graph: []arch.Package{
				{ImportPath: root, Module: own},
				{ImportPath: root + "/cmd/mcpengine", Module: own, Imports: []string{root}},
				{ImportPath: root + "/cmdline", Module: own, Imports: []string{root}},
				{ImportPath: root + "/ext/notes", Module: own, Imports: []string{root}},
				{ImportPath: root + "/mcp", Module: own, TestImports: []string{root}},
				{ImportPath: "example.com/user", Module: unknown, Imports: []string{root}},
			},
			want: []string{
				root + "/cmdline imports " + root + ": only programs, extensions and external tests may",
				root + "/mcp imports " + root + ": only programs, extensions and external tests may",
			},
		},
		{
			name: "extensions",
			rule: arch.ExtensionImports,
			graph: []arch.Package{
				{ImportPath: root + "/client", Module: own, Imports: []string{root + "/internal/peer"}},
				{ImportPath: root + "/ext/notes", Module: own, Imports: []string{root, "fmt", root + "/ext/notes/internal/note"}},
				{ImportPath: root + "/ext/notes/internal/note", Module: own, Imports: []string{root + "/internal/peer"}},
			},
			want: []string{root + "/ext/notes/internal/note imports " + root + "/internal/peer: an extension stands on public packages"},
		},
		{
			name: "third-party modules",
			rule: arch.ForeignImports,
			graph: []arch.Package{
				{ImportPath: tokensPath, Module: tokens, Imports: []string{"example.com/unknown"}},
				{ImportPath: "example.com/unknown", Module: unknown},
				{ImportPath: "fmt", Standard: true},
				{ImportPath: root + "/internal/oauth", Module: own, Imports: []string{tokensPath, "fmt"}},
				{ImportPath: root, Module: own, Imports: []string{tokensPath, root + "/auth"}},
				{ImportPath: root + "/mcp", Module: own, Imports: []string{"example.com/unknown"}},
			},
			want: []string{
				root + " imports " + tokensPath + ": module " + tokens.Path + " belongs to " + root + "/auth/idp, " + root + "/internal/oauth (test/arch/rules.go)",
				root + "/mcp imports example.com/unknown of the new module example.com/unknown: give the module an owner in test/arch/rules.go",
			},
		},
		{
			name: "wire types",
			rule: arch.WireImports,
			graph: []arch.Package{
				{ImportPath: "fmt", Standard: true},
				{ImportPath: root + "/internal/sse", Module: own},
				{ImportPath: "example.com/unknown", Module: unknown},
				{ImportPath: root + "/mcp", Module: own, Imports: []string{"fmt", root + "/internal/sse", "example.com/unknown"}},
			},
			want: []string{
				root + "/mcp imports example.com/unknown: only the standard library is allowed",
				root + "/mcp imports " + root + "/internal/sse: only the standard library is allowed",
			},
		},
		{
			name: "server binary",
			rule: arch.ServerLinks,
			graph: []arch.Package{
				{ImportPath: "database/sql", Standard: true},
				{ImportPath: "database/sql/driver", Standard: true},
				{ImportPath: "github.com/aws/aws-lambda-go/lambda"},
				{ImportPath: "github.com/spf13/cobra"},
				{ImportPath: "net/http", Standard: true},
			},
			want: []string{
				"a server binary links database/sql",
				"a server binary links database/sql/driver",
				"a server binary links github.com/spf13/cobra",
			},
		},
		{
			name: "protected server binary",
			rule: arch.ProtectedServerLinks,
			graph: []arch.Package{
				{ImportPath: root + "/auth/idp", Module: own},
				{ImportPath: root + "/auth/broker", Module: own},
				{ImportPath: root + "/auth/upstream", Module: own},
				{ImportPath: "html/template", Standard: true},
			},
			want: []string{
				"a server binary that calls no API as its callers links " + root + "/auth/upstream",
				"a server binary without a broker links " + root + "/auth/broker",
				"a server binary without a broker links html/template",
			},
		},
		{
			name: "open server binary",
			rule: arch.OpenServerLinks,
			graph: []arch.Package{
				{ImportPath: root + "/auth", Module: own},
				{ImportPath: root + "/auth/idp", Module: own},
				{ImportPath: "github.com/go-jose/go-jose/v4"},
			},
			want: []string{
				"a server binary without authentication links github.com/go-jose/go-jose/v4",
				"a server binary without authentication links " + root + "/auth/idp",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := arch.Graph{}
			for _, p := range test.graph {
				g[p.ImportPath] = p
			}
			if diff := cmp.Diff(test.want, test.rule(g)); diff != "" {
				t.Errorf("broken rules (-want +got):\n%s", diff)
			}
		})
	}
}

// Every requirement of the library's module is in the checksum file, the SBOM and
// the vulnerability scanner of each of its users.
func TestRequirements(t *testing.T) {
	t.Parallel()
	const most = 8
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", folder+"/go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var module struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range module.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	if len(direct) == 0 || len(direct) > most {
		t.Errorf("the library requires %d modules, at most %d are allowed: %q. What only tests need belongs in the module test", len(direct), most, direct)
	}
}
