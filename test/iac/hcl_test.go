package iac_test

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// repository is the root of the repository, from here.
const repository = "../.."

// The folders with Terraform configuration, from the root of the repository.
const (
	function  = "deploy/terraform/function"
	database  = "deploy/terraform/database"
	weather   = "examples/weather/terraform"
	board     = "examples/board/terraform"
	authboard = "examples/authboard/terraform"
	approval  = "examples/approval/terraform"
	modules   = "test/iac/testdata/board" // both modules, as the README shows them
)

// shipped are the folders that users copy or use.
func shipped() []string { return []string{function, database, weather, board, authboard, approval} }

// A module is the configuration in one folder: the top-level blocks of all its
// .tf files.
type module struct {
	blocks  []*hclsyntax.Block
	sources map[string][]byte // by file name
}

// load reads the module in a folder of the repository.
func load(t *testing.T, folder string) module {
	t.Helper()
	m := parse(t, os.DirFS(path.Join(repository, folder)))
	if len(m.blocks) == 0 {
		t.Fatalf("there is no Terraform configuration in %s", folder)
	}
	return m
}

// parse reads the module in a file system.
func parse(t *testing.T, files fs.FS) module {
	t.Helper()
	names, err := fs.Glob(files, "*.tf")
	if err != nil {
		t.Fatal(err)
	}
	m := module{sources: map[string][]byte{}}
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		file, diagnostics := hclsyntax.ParseConfig(source, name, hcl.InitialPos)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics)
		}
		m.sources[name] = source
		m.blocks = append(m.blocks, file.Body.(*hclsyntax.Body).Blocks...)
	}
	return m
}

// of is the blocks that begin with these words, such as "resource" or
// "resource", "aws_iam_role".
func (m module) of(kind string, labels ...string) []*hclsyntax.Block {
	var found []*hclsyntax.Block
	for _, b := range m.blocks {
		if b.Type == kind && len(b.Labels) >= len(labels) && slices.Equal(b.Labels[:len(labels)], labels) {
			found = append(found, b)
		}
	}
	return found
}

// only is the one block that begins with these words.
func (m module) only(t *testing.T, kind string, labels ...string) *hclsyntax.Block {
	t.Helper()
	found := m.of(kind, labels...)
	if len(found) != 1 {
		t.Fatalf("there are %d blocks %s %q, want 1", len(found), kind, labels)
	}
	return found[0]
}

// named is the labels of a kind of blocks that have one label, such as output.
func (m module) named(kind string) []string {
	var names []string
	for _, b := range m.of(kind) {
		names = append(names, b.Labels[0])
	}
	return names
}

// text is an attribute's expression as it is written, or "".
func (m module) text(b *hclsyntax.Block, attribute string) string {
	a, ok := b.Body.Attributes[attribute]
	if !ok {
		return ""
	}
	return m.source(a.Expr)
}

// source is an expression as it is written.
func (m module) source(e hclsyntax.Expression) string {
	r := e.Range()
	return string(r.SliceBytes(m.sources[r.Filename]))
}

// local is the value of a local name that depends on nothing.
func (m module) local(t *testing.T, name string) map[string]string {
	t.Helper()
	for _, b := range m.of("locals") {
		a, ok := b.Body.Attributes[name]
		if !ok {
			continue
		}
		value, diagnostics := a.Expr.Value(nil)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics)
		}
		object := map[string]string{}
		for k, v := range value.AsValueMap() {
			object[k] = v.AsString()
		}
		return object
	}
	t.Fatalf("there is no local.%s", name)
	return nil
}

// child is the one block of a type in a block.
func child(t *testing.T, b *hclsyntax.Block, kind string) *hclsyntax.Block {
	t.Helper()
	i := slices.IndexFunc(b.Body.Blocks, func(c *hclsyntax.Block) bool { return c.Type == kind })
	if i < 0 {
		t.Fatalf("%s has no %s", title(b), kind)
	}
	return b.Body.Blocks[i]
}

// inside calls f with a block and every block in it.
func inside(b *hclsyntax.Block, f func(*hclsyntax.Block)) {
	f(b)
	for _, child := range b.Body.Blocks {
		inside(child, f)
	}
}

// title is a block as people speak of it: resource aws_iam_role.server.
func title(b *hclsyntax.Block) string {
	return b.Type + " " + strings.Join(b.Labels, ".")
}
