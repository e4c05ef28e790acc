package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Source is a Go program that can be built for Lambda.
type Source struct {
	ImportPath string
	dir        string // where the go command runs
	pattern    string // what it is asked to build
	flags      BuildFlags
}

// BuildFlags are optional.
type BuildFlags struct {
	Tags    string   // for the go command, separated by commas
	LDFlags string   // for the go command
	Include []string // files to put beside the executable
}

// files reads the files to include.
func (f BuildFlags) files() ([]File, error) {
	var files []File
	for _, path := range f.Include {
		name := filepath.Base(path)
		if name == bootstrap || slices.ContainsFunc(files, func(f File) bool { return f.Name == name }) {
			return nil, fmt.Errorf("include %s: another file is named %s", path, name)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("include: %w", err)
		}
		files = append(files, File{name, data})
	}
	return files, nil
}

func (f BuildFlags) tags() string {
	const own = "lambda.norpc" // leaves the RPC server of the old runtime out
	if f.Tags == "" {
		return "-tags=" + own
	}
	return "-tags=" + own + "," + f.Tags
}

// FindSource finds the program in a folder or, when there is no such folder,
// the one with that import path as seen from the working directory. It fails,
// with a hint, if there is no such package or it is not a program.
func FindSource(ctx context.Context, folderOrPackage string, flags BuildFlags) (Source, error) {
	s := Source{dir: ".", pattern: folderOrPackage, flags: flags}
	info, err := os.Stat(folderOrPackage)
	switch {
	case err == nil && !info.IsDir():
		return s, withHint(fmt.Errorf("%s is a file", folderOrPackage), "name the folder that holds the main package")
	case err == nil:
		// From within, so that the folder's own module counts.
		s.dir, s.pattern = folderOrPackage, "."
	case strings.HasPrefix(folderOrPackage, ".") || filepath.IsAbs(folderOrPackage):
		return s, fmt.Errorf("find package: %w", err)
	case strings.HasPrefix(folderOrPackage, "-") || strings.Contains(folderOrPackage, "..."):
		return s, fmt.Errorf("find package: %q is not one package", folderOrPackage)
	}
	out, err := s.goCommand(ctx, linux("arm64"), "list", "-json=ImportPath,Name", flags.tags(), "--", s.pattern)
	if err != nil {
		return s, withHint(fmt.Errorf("find package %s: %w", folderOrPackage, err),
			"name a folder or package of a Go module, for example ./cmd/server")
	}
	var found struct{ ImportPath, Name string }
	if err := json.Unmarshal(out, &found); err != nil {
		return s, fmt.Errorf("find package %s: %w", folderOrPackage, err)
	}
	if found.Name != "main" {
		return s, withHint(fmt.Errorf("%s is package %s and not a program", found.ImportPath, found.Name),
			"name the folder of the main package that runs the server")
	}
	s.ImportPath = found.ImportPath
	return s, nil
}

// versionSuffix is the last element of the import path of a module's later
// major versions, which says nothing about the program.
var versionSuffix = regexp.MustCompile(`^v[0-9]+$`)

// Name returns what the go command would call the program.
func (s Source) Name() string {
	base := path.Base(s.ImportPath)
	if versionSuffix.MatchString(base) {
		base = path.Base(path.Dir(s.ImportPath))
	}
	return base
}

// Build builds the program for Lambda on the architecture, "arm64" or "amd64",
// and packs it. The same source and Go version give the same bytes, wherever
// the source is. The error quotes the
// compiler.
func (s Source) Build(ctx context.Context, arch string) (Archive, error) {
	files, err := s.flags.files()
	if err != nil {
		return Archive{}, err
	}
	dir, err := os.MkdirTemp("", "mcpengine-build-")
	if err != nil {
		return Archive{}, fmt.Errorf("build %s: %w", s.ImportPath, err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "bootstrap")
	_, err = s.goCommand(ctx, linux(arch), "build",
		"-trimpath",
		"-buildvcs=false", // a commit that does not change the program does not change the bytes
		strings.TrimSpace("-ldflags=-s -w "+s.flags.LDFlags),
		s.flags.tags(),
		"-o", file, "--", s.pattern)
	if err != nil {
		return Archive{}, withHint(fmt.Errorf("build %s for linux/%s: %w", s.ImportPath, arch, err),
			fmt.Sprintf("see it with: GOOS=linux GOARCH=%s CGO_ENABLED=0 go build %s", arch, s.ImportPath))
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		return Archive{}, fmt.Errorf("build %s: %w", s.ImportPath, err)
	}
	return NewArchive(arch, binary, files...)
}

func linux(arch string) []string {
	return []string{"GOOS=linux", "GOARCH=" + arch, "CGO_ENABLED=0"}
}

// goCommand runs the go command and returns what it prints.
func (s Source) goCommand(ctx context.Context, env []string, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = s.dir
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, withHint(errors.New("the go command is not on the PATH"), "install Go from https://go.dev/dl")
	case errors.As(err, &exit):
		return nil, errors.New(lastLines(stderr.String(), 20))
	}
	return out, err
}

// lastLines returns the end of the output of a command.
func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > n {
		lines = append([]string{"…"}, lines[len(lines)-n:]...)
	}
	return strings.Join(lines, "\n")
}
