package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/archive"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/bundle"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/describe"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/gobuild"
	"github.com/mcpengine/mcpengine/mcp"
)

// bundleFlags are the flags of package for MCP bundles.
type bundleFlags struct {
	mcpb      bool
	platforms []string
	version   string
}

func (f *bundleFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.mcpb, "mcpb", false, "write MCP bundles, which desktop hosts install")
	cmd.Flags().StringSliceVar(&f.platforms, "platform", nil, "`platforms` of the bundles (default: all)")
	cmd.Flags().StringVar(&f.version, "version", "", "`version` of the server (default: the git tag)")
	var names []string
	for _, p := range bundle.Platforms() {
		names = append(names, p.Name)
	}
	suggestValues(cmd, "platform", names...)
}

// check refuses flags of the other kind of package.
func (f *bundleFlags) check(cmd *cobra.Command) error {
	refused, what := []string{"platform", "version"}, "needs --mcpb"
	if f.mcpb {
		refused, what = []string{"arch", "image"}, "is for AWS Lambda, and not for --mcpb"
	}
	for _, name := range refused {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s %s", name, what)}
		}
	}
	return nil
}

// bundles writes a bundle for each platform into a folder, and prints their names.
func (c *cli) bundles(ctx context.Context, folderOrPackage, out string, f *bundleFlags, build deploy.BuildFlags) error {
	platforms, err := bundle.FindPlatforms(f.platforms)
	if err != nil {
		return usageError{err}
	}
	source, err := deploy.FindSource(ctx, folderOrPackage, build)
	if err != nil {
		return err
	}
	b, err := c.bundle(ctx, folderOrPackage, source, f)
	if err != nil {
		return err
	}
	if out == "" {
		out = "."
	}
	if err := checkBundles(out, b, platforms); err != nil {
		return err
	}
	var packed [][]byte // before the first is written: what does not build leaves no file
	for _, p := range platforms {
		data, err := b.Pack(ctx, p, source.Program)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		c.stderr.Printf("%s, %.1f MB, sha256 %s\n", p.Name, float64(len(data))/(1<<20), hex.EncodeToString(sum[:]))
		packed = append(packed, data)
	}
	for i, p := range platforms {
		name := filepath.Join(out, b.FileName(p))
		if err := writeFile(name, packed[i]); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		c.stdout.Printf("%s\n", name)
	}
	return nil
}

// checkBundles makes the folder, and refuses to replace what is in it: a version that
// somebody has installed does not change.
func checkBundles(dir string, b *bundle.Bundle, platforms []bundle.Platform) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // others may read it
		return fmt.Errorf("make the folder: %w", err)
	}
	for _, p := range platforms {
		name := filepath.Join(dir, b.FileName(p))
		if _, err := os.Lstat(name); err == nil {
			return hintError{fmt.Errorf("%s is there already", name), "raise the version, remove the file, or name another folder with -o"}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// bundle builds the program for this machine and asks it what goes into the manifest.
func (c *cli) bundle(ctx context.Context, folderOrPackage string, source deploy.Source, f *bundleFlags) (*bundle.Bundle, error) {
	program, err := c.runForBundle(ctx, source)
	if err != nil {
		return nil, err
	}
	if !program.Ran {
		c.stderr.Printf("the tools are not listed, because the program needs %s to start; set it in the environment to list them\n",
			strings.Join(program.Missing, ", "))
	}
	included, err := source.Included()
	if err != nil {
		return nil, err
	}
	var files []archive.File
	for _, one := range included {
		files = append(files, archive.File{Name: one.Name, Data: one.Data})
	}
	about, err := describe.Program(ctx, folderOrPackage, describe.Options{Version: f.version, Program: func(context.Context) (*mcp.Implementation, error) {
		if !program.Ran {
			return nil, nil //nolint:nilnil // as describe.Options has it
		}
		return &program.Info, nil
	}})
	if err != nil {
		return nil, err
	}
	for _, member := range []string{"version", "description"} {
		if why, missing := about.Missing[member]; missing {
			return nil, hintError{fmt.Errorf("the bundle needs a %s", member), why}
		}
	}
	about.Name = cmp.Or(about.Name, source.FunctionName()) // a bundle needs no namespace
	return bundle.New(bundle.Source{About: &about.Manifest, Dir: filepath.Dir(about.File), Program: program, Files: files})
}

func (c *cli) runForBundle(ctx context.Context, source deploy.Source) (*bundle.Program, error) {
	binary, err := source.Program(ctx, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mcpengine-bundle-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, gobuild.FileName(source.Name()))
	if err := os.WriteFile(file, binary, 0o700); err != nil { //nolint:gosec // a program
		return nil, err
	}
	return bundle.Run(ctx, file, os.Environ())
}
