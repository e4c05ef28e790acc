// Package describe completes the manifest of a Go program: what mcpengine.json does
// not say is taken from the module, from git, from the program itself and from its
// comment.
package describe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mcpengine/mcpengine/internal/manifest"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Description is a manifest that is as complete as it can be made.
type Description struct {
	manifest.Manifest

	// From says of each member that is present where its value is from, in words, such
	// as "mcpengine.json" or "the module path". The keys are the names in the file.
	From map[string]string

	// Missing says of members that could not be found out, why, and how to give them.
	Missing map[string]string

	Tag        string // that the version is from, such as sub/v1.2.3, or ""
	ImportPath string // of the main package
	Module     string // its path
	Folder     string // of the main package
	File       string // the manifest that was read, or ""
}

// Options are optional.
type Options struct {
	// Version replaces the one of the file.
	Version string

	// Program asks the program who it is, when the file has no title or no
	// description. Without it, or when it returns nil, they are those of the file and
	// of the package's comment.
	Program func(context.Context) (*mcp.Implementation, error)
}

// Program describes the program in a folder or, when there is no such folder, the one
// with that import path. It fails when there is no such package, when the manifest is
// not valid and when Options.Program fails. A member that cannot be found out is in
// Missing.
func Program(ctx context.Context, folderOrPackage string, o Options) (*Description, error) {
	p, err := find(ctx, folderOrPackage)
	if err != nil {
		return nil, err
	}
	d := &Description{
		ImportPath: p.ImportPath, Module: p.Module.Path, Folder: p.Dir,
		From: map[string]string{}, Missing: map[string]string{},
	}
	if err := d.read(p); err != nil {
		return nil, err
	}
	d.fromModule(p)
	if err := d.version(ctx, p, o.Version); err != nil {
		return nil, err
	}
	return d, d.fromProgram(ctx, p, o.Program)
}

// A goPackage is what the go command says of a package.
type goPackage struct {
	Dir, ImportPath, Name, Doc string
	Module                     struct{ Path, Dir string }
}

// find asks the go command for the package.
func find(ctx context.Context, folderOrPackage string) (*goPackage, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-json=Dir,ImportPath,Name,Doc,Module", "--", folderOrPackage)
	if info, err := os.Stat(folderOrPackage); err == nil && info.IsDir() {
		// From within, so that the folder's own module counts.
		cmd.Dir, cmd.Args[len(cmd.Args)-1] = folderOrPackage, "."
	}
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("find package %s: %w", folderOrPackage, err)
	}
	p := new(goPackage)
	if err := json.Unmarshal(out, p); err != nil {
		return nil, fmt.Errorf("find package %s: %w", folderOrPackage, err)
	}
	if p.Name != "main" {
		return nil, fmt.Errorf("package %s is not a program: name the folder of the main package", p.ImportPath)
	}
	return p, nil
}

// read reads the manifest beside the main package, or else at the root of its module.
func (d *Description) read(p *goPackage) error {
	for _, folder := range []string{p.Dir, p.Module.Dir} {
		if folder == "" {
			continue
		}
		name := filepath.Join(folder, manifest.FileName)
		m, err := manifest.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		}
		d.Manifest, d.File = *m, name
		break
	}
	text, err := json.Marshal(d.Manifest)
	if err != nil {
		return err
	}
	var present map[string]json.RawMessage
	if err := json.Unmarshal(text, &present); err != nil {
		return err
	}
	for member := range present {
		d.From[member] = manifest.FileName
	}
	return nil
}

// fill sets a member that the file has left out.
func (d *Description) fill(member string, to *string, value, from string) {
	if *to == "" && value != "" {
		*to, d.From[member] = value, from
	}
}

// fromModule derives the name and the repository from the import path.
func (d *Description) fromModule(p *goPackage) {
	d.fill("name", &d.Name, manifest.NameOf(p.Module.Path, p.ImportPath), "the module path")
	if d.Name == "" {
		d.Missing["name"] = fmt.Sprintf("the module path %q proves no namespace: write \"name\", such as io.github.OWNER/%s, into %s",
			p.Module.Path, manifest.ProgramName(p.Module.Path, p.ImportPath), manifest.FileName)
	}
	switch r := d.Repository; {
	case r == nil:
		if d.Repository = manifest.RepositoryOf(p.Module.Path, p.ImportPath); d.Repository != nil {
			d.From["repository"] = "the module path"
		}
	case r.Source == "":
		r.Source = r.Host()
	}
}

// version sets the version: of the flag, of the file or of the tag of the commit.
func (d *Description) version(ctx context.Context, p *goPackage, given string) error {
	if given != "" {
		m := manifest.Manifest{Version: given}
		if err := m.Check(); err != nil {
			return fmt.Errorf("--version: %w", err)
		}
		d.Version, d.From["version"] = given, "--version"
		return nil
	}
	if d.Version != "" {
		return nil
	}
	version, tag, why := tagged(ctx, cmp.Or(p.Module.Dir, p.Dir))
	if version == "" {
		d.Missing["version"] = why + ": tag the commit, give --version, or write \"version\" into " + manifest.FileName
		return nil
	}
	d.Tag = tag
	d.fill("version", &d.Version, strings.TrimPrefix(version, "v"), "the git tag "+tag)
	return nil
}

// fromProgram sets what the program says of itself, or else its comment does.
func (d *Description) fromProgram(ctx context.Context, p *goPackage, ask func(context.Context) (*mcp.Implementation, error)) error {
	if ask != nil && (d.Title == "" || d.Description == "") {
		info, err := ask(ctx)
		if err != nil {
			return err
		}
		if info != nil {
			d.fromImplementation(info)
		}
	}
	d.fill("description", &d.Description, fitting(p.Doc), "the comment of package main")
	if d.Description == "" {
		d.Missing["description"] = fmt.Sprintf("neither the program nor the comment of its package has one of at most 100 characters: write \"description\" into %s", manifest.FileName)
	}
	return nil
}

// fromImplementation takes what a registry would take, too.
func (d *Description) fromImplementation(info *mcp.Implementation) {
	valid := func(m manifest.Manifest) bool {
		text, err := m.Encode()
		if err == nil {
			_, err = manifest.Parse(text)
		}
		return err == nil
	}
	const from = "the program"
	if valid(manifest.Manifest{Title: info.Title}) {
		d.fill("title", &d.Title, info.Title, from)
	}
	if valid(manifest.Manifest{Description: info.Description}) {
		d.fill("description", &d.Description, info.Description, from)
	}
	if valid(manifest.Manifest{WebsiteURL: info.WebsiteURL}) {
		d.fill("websiteUrl", &d.WebsiteURL, info.WebsiteURL, from)
	}
}

// fitting returns the first sentence of a comment when the registry takes it as a
// description, and "" otherwise.
func fitting(doc string) string {
	sentence := strings.TrimSuffix(strings.Join(strings.Fields(doc), " "), ":")
	if len([]rune(sentence)) > 100 {
		return ""
	}
	return sentence
}
