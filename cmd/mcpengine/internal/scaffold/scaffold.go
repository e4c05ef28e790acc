// Package scaffold writes new servers.
package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

//go:embed templates/*.txtar
var files embed.FS

// versions are the modules that a template may need, as go.mod has them, and sums
// their checksums, as go.sum has them: those that this release was tested with. With
// them a new module is complete, and needs no more of the module cache than a build
// does. go mod tidy would also need what the tests of other modules need.
var (
	//go:embed templates/versions.txt
	versions string
	//go:embed templates/sums.txt
	sums string
)

// library is the module that servers are built with.
const library = "github.com/mcpengine/mcpengine"

// needsOfLibrary are the modules that the library is linked from.
var needsOfLibrary = []string{
	"github.com/cli/browser",
	"github.com/danieljoos/wincred",
	"github.com/go-jose/go-jose/v4",
	"github.com/go-json-experiment/json",
	"github.com/godbus/dbus/v5",
	"github.com/gofrs/flock",
	"github.com/zalando/go-keyring",
	"golang.org/x/sync",
	"golang.org/x/sys",
}

// A Config says what to write.
type Config struct {
	// Dir is the folder of the new module. It may exist when it is empty. Required.
	Dir string

	// Name is the name of the server, and of its program. Required.
	Name string

	// Module is the path of the new module. The default is Name.
	Module string

	// Template is one of [Templates]. Required.
	Template string

	// Version is the version of the library, such as v1.2.0. Required unless Source
	// is given.
	Version string

	// Source is a folder with the source of the library, which go.mod names in
	// place of a version.
	Source string
}

// A Template is a kind of server to begin with.
type Template struct{ Name, About string }

// Templates returns the templates, the simplest first.
func Templates() []Template {
	var all []Template
	for _, name := range []string{"weather", "board", "authboard", "approval", "app"} {
		archive, err := open(name)
		if err != nil {
			panic(err) // it is a part of the program
		}
		all = append(all, Template{name, strings.TrimSpace(string(archive.Comment))})
	}
	return all
}

func open(name string) (*txtar.Archive, error) {
	text, err := files.ReadFile("templates/" + name + ".txtar")
	if err != nil {
		return nil, err
	}
	return txtar.Parse(text), nil
}

// ErrExists says that there is something in the folder already.
var ErrExists = errors.New("the folder is not empty")

var name = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// CheckName refuses a name that is no name of a program, a container and a
// function everywhere.
func CheckName(s string) error {
	if len(s) > 63 || !name.MatchString(s) {
		return fmt.Errorf("the name %.64q is not 1 to 63 small letters, digits and hyphens, with a letter first", s)
	}
	return nil
}

// Write writes the module. It writes nothing when something is wrong with the
// configuration, and replaces no file.
func Write(c Config) error {
	contents, err := c.files()
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(c.Dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s: %w", c.Dir, ErrExists)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, file := range contents {
		path := filepath.Join(c.Dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// files returns the files of the module.
func (c Config) files() ([]txtar.File, error) {
	if err := CheckName(c.Name); err != nil {
		return nil, err
	}
	if c.Module == "" {
		c.Module = c.Name
	}
	common, err := open("common")
	if err != nil {
		return nil, err
	}
	template, err := open(c.Template)
	if err != nil {
		return nil, fmt.Errorf("there is no template %.32q", c.Template)
	}
	parts, own := split(template)
	replacer := strings.NewReplacer(
		"@ABOUT@", strings.TrimSpace(parts["ABOUT"]), "@CALL@", strings.TrimSpace(parts["CALL"]), "@NOTES@", parts["NOTES"],
	)
	names := strings.NewReplacer("@NAME@", c.Name, "@LIBRARY@", c.version())
	all := append(common.Files, own...)
	for i, file := range all {
		all[i].Data = []byte(names.Replace(replacer.Replace(string(file.Data))))
	}
	goMod, goSum := c.modules(parts["go.mod"])
	return append(all, txtar.File{Name: "go.mod", Data: []byte(goMod)}, txtar.File{Name: "go.sum", Data: []byte(goSum)}), nil
}

// split separates what a template says of itself from its files.
func split(template *txtar.Archive) (parts map[string]string, own []txtar.File) {
	parts = make(map[string]string)
	for _, file := range template.Files {
		if file.Name == "go.mod" || strings.ToUpper(file.Name) == file.Name {
			parts[file.Name] = string(file.Data)
		} else {
			own = append(own, file)
		}
	}
	return parts, own
}

// version is the version of the library in go.mod. What is replaced by a folder
// needs one too.
func (c Config) version() string {
	if c.Source != "" {
		return "v0.0.0"
	}
	return c.Version
}

// modules returns the text of go.mod and of go.sum, given the modules that the
// template needs besides the library, one a line. Those that only others import end
// with the comment of the go command.
func (c Config) modules(needs string) (goMod, goSum string) {
	const indirect = " // indirect"
	version := map[string]string{library: c.version(), library + "/ext/tasks/river": c.version()}
	for line := range strings.Lines(versions) {
		path, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		version[path] = v
	}
	direct, others := []string{library}, slices.Clone(needsOfLibrary)
	for line := range strings.Lines(needs) {
		if path, ok := strings.CutSuffix(strings.TrimSpace(line), indirect); ok {
			others = append(others, path)
		} else {
			direct = append(direct, path)
		}
	}
	slices.Sort(direct)
	slices.Sort(others)
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo 1.26.0\n\nrequire (\n", c.Module)
	for _, path := range direct {
		fmt.Fprintf(&b, "\t%s %s\n", path, version[path])
	}
	b.WriteString(")\n\nrequire (\n")
	for _, path := range others {
		fmt.Fprintf(&b, "\t%s %s%s\n", path, version[path], indirect)
	}
	b.WriteString(")\n")
	if c.Source != "" {
		for _, path := range direct {
			if below, ok := strings.CutPrefix(path, library); ok {
				fmt.Fprintf(&b, "\nreplace %s => %s%s\n", path, filepath.ToSlash(c.Source), below)
			}
		}
	}
	return b.String(), sumsOf(append(direct, others...), version)
}

// sumsOf returns the checksums of the modules at their versions.
func sumsOf(paths []string, version map[string]string) string {
	var b strings.Builder
	for line := range strings.Lines(sums) {
		path, rest, _ := strings.Cut(line, " ")
		v, _, _ := strings.Cut(rest, " ")
		if slices.Contains(paths, path) && strings.TrimSuffix(v, "/go.mod") == version[path] {
			b.WriteString(line)
		}
	}
	return b.String()
}
