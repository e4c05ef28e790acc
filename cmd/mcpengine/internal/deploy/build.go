package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/manifest"
)

// A Source is a Go program that can be built for Lambda.
type Source struct {
	ImportPath string
	module     string // that the package belongs to, or "" in Go's own tree
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
		if name == bootstrap || name == "Dockerfile" || slices.ContainsFunc(files, func(f File) bool { return f.Name == name }) {
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
	packages, err := s.list(ctx, "linux", "arm64")
	if err != nil {
		return s, withHint(fmt.Errorf("find package %s: %w", folderOrPackage, err),
			"name a folder or package of a Go module, for example ./cmd/server")
	}
	found := packages[len(packages)-1]
	if found.Name != "main" {
		return s, withHint(fmt.Errorf("%s is package %s and not a program", found.ImportPath, found.Name),
			"name the folder of the main package that runs the server")
	}
	s.ImportPath, s.module = found.ImportPath, found.Module.Path
	return s, checkCgo(packages)
}

// A listedPackage is what the go command says of a package.
type listedPackage struct {
	ImportPath, Name string
	Standard         bool
	CgoFiles         []string
	Module           struct{ Path string }
}

// list returns the package and, before it, the packages that it imports on a platform.
func (s Source) list(ctx context.Context, goos, arch string) ([]listedPackage, error) {
	out, err := s.goCommand(ctx, environment(goos, arch, allowCgo()), "list", "-deps",
		"-json=ImportPath,Name,Standard,CgoFiles,Module", s.flags.tags(), "--", s.pattern)
	if err != nil {
		return nil, err
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF) && len(packages) > 0:
			return packages, nil
		case err != nil:
			return nil, err
		}
		packages = append(packages, p)
	}
}

// allowCgo returns whether packages are listed with the files that use cgo. The
// environment turns that off, for packages that work without cgo too.
func allowCgo() string {
	if os.Getenv("CGO_ENABLED") == "0" {
		return "0"
	}
	return "1"
}

// checkCgo refuses a program with cgo. Lambda's image has no C library to
// count on, and a C compiler for it is not to be expected here. Some packages
// build without cgo and fail when they are used, so the build does not tell.
func checkCgo(packages []listedPackage) error {
	for _, p := range packages {
		if !p.Standard && len(p.CgoFiles) > 0 {
			return withHint(
				fmt.Errorf("package %s uses cgo, and the server is built without a C compiler and runs without C libraries", p.ImportPath),
				"use a package in Go alone; one that works without cgo too is built with CGO_ENABLED=0 in the environment")
		}
	}
	return nil
}

// Name returns what the go command would call the program.
func (s Source) Name() string { return manifest.ProgramName("", s.ImportPath) }

// FunctionName returns the name of the function that the program becomes.
func (s Source) FunctionName() string {
	return notInName.ReplaceAllString(manifest.ProgramName(s.module, s.ImportPath), "-")
}

// notInName is what paths may have and names of functions may not.
var notInName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// Build builds the program for Lambda on the architecture, "arm64" or "amd64",
// and packs it. The same source and Go version give the same bytes, wherever
// the source is. The error quotes the compiler.
func (s Source) Build(ctx context.Context, arch string) (Code, error) {
	files, err := s.flags.files()
	if err != nil {
		return Code{}, err
	}
	binary, err := s.compile(ctx, "linux", arch)
	if err != nil {
		return Code{}, err
	}
	return NewCode(arch, binary, files...)
}

// WriteProgram builds the program for this machine, and writes it into a folder with
// the included files beside it. It returns the name of the executable.
func (s Source) WriteProgram(ctx context.Context, dir string) (string, error) {
	files, err := s.flags.files()
	if err != nil {
		return "", err
	}
	binary, err := s.compile(ctx, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return "", err
	}
	name := bootstrap
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	for _, f := range append(files, File{name, binary}) {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o755); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, name), nil
}

// Included returns the files to put beside the executable.
func (s Source) Included() ([]File, error) { return s.flags.files() }

// Program builds the program for another platform than Lambda. What it says of the same
// bytes, of cgo and of errors is as for Build.
func (s Source) Program(ctx context.Context, goos, arch string) ([]byte, error) {
	packages, err := s.list(ctx, goos, arch)
	if err != nil {
		return nil, fmt.Errorf("build %s for %s/%s: %w", s.ImportPath, goos, arch, err)
	}
	if err := checkCgo(packages); err != nil {
		return nil, fmt.Errorf("build %s for %s/%s: %w", s.ImportPath, goos, arch, err)
	}
	return s.compile(ctx, goos, arch)
}

// compile returns the executable.
func (s Source) compile(ctx context.Context, goos, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "mcpengine-build-")
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", s.ImportPath, err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, bootstrap)
	_, err = s.goCommand(
		ctx, environment(goos, arch, "0"), "build",
		"-trimpath",
		"-buildvcs=false", // a commit that does not change the program does not change the bytes
		strings.TrimSpace("-ldflags=-s -w "+s.flags.LDFlags),
		s.flags.tags(),
		"-o", file, "--", s.pattern)
	if err != nil {
		return nil, withHint(fmt.Errorf("build %s for %s/%s: %w", s.ImportPath, goos, arch, err),
			fmt.Sprintf("see it with: GOOS=%s GOARCH=%s CGO_ENABLED=0 go build %s", goos, arch, s.ImportPath))
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", s.ImportPath, err)
	}
	return binary, nil
}

func environment(goos, arch, cgo string) []string {
	return []string{"GOOS=" + goos, "GOARCH=" + arch, "CGO_ENABLED=" + cgo}
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
