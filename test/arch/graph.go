// Package arch holds the project to its import rules: which package may
// import which, which third-party module belongs to which package, and what a
// server binary must not link.
package arch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// A Package is what the rules ask of one entry of go list -deps -json.
type Package struct {
	ImportPath  string
	Standard    bool // part of the standard library
	Module      *Module
	Imports     []string // of the package itself
	TestImports []string // of tests in the package, not of those in package x_test
}

// A Module is the module of a [Package].
type Module struct {
	Path string
}

// A Graph is a set of packages with all they depend on, by import path.
type Graph map[string]Package

// Load asks the go command for the packages that pattern names in folder, and
// for their dependencies. It builds nothing.
func Load(ctx context.Context, folder, pattern string) (Graph, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "list", "-deps",
		"-json=ImportPath,Standard,Module,Imports,TestImports", pattern)
	cmd.Dir = folder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w: %s", pattern, err, bytes.TrimSpace(stderr.Bytes()))
	}
	graph := Graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return graph, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", pattern, err)
		}
		graph[p.ImportPath] = p
	}
}
