// Package gobuild builds Go programs to run on this machine.
package gobuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// A Source is a Go program.
type Source struct {
	importPath string
	dir        string // where the go command runs
	pattern    string // what it is asked to build
	versioned  bool   // the pattern has a version, and no module of this machine counts
}

// An Error is an error of this package, with a hint for the user.
type Error struct {
	Err    error
	Advice string // for the user
}

// Error names the problem.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what the user can do about it.
func (e *Error) Hint() string { return e.Advice }

// Find finds the program in a folder or, when there is no such folder, the one with
// that import path: with @VERSION of the module that has it, and otherwise as seen from
// the working directory.
func Find(ctx context.Context, folderOrPackage string) (*Source, error) {
	s := &Source{dir: ".", pattern: folderOrPackage}
	info, err := os.Stat(folderOrPackage)
	switch {
	case err == nil && !info.IsDir():
		return nil, &Error{fmt.Errorf("%s is a file", folderOrPackage), "name the folder that holds the main package, or a command after --"}
	case err == nil:
		// From within, so that the folder's own module counts.
		s.dir, s.pattern = folderOrPackage, "."
	case strings.HasPrefix(folderOrPackage, ".") || filepath.IsAbs(folderOrPackage):
		return nil, fmt.Errorf("find package: %w", err)
	case strings.HasPrefix(folderOrPackage, "-") || strings.Contains(folderOrPackage, "..."):
		return nil, fmt.Errorf("find package: %q is not one package", folderOrPackage)
	case strings.Contains(folderOrPackage, "@"):
		s.importPath, _, _ = strings.Cut(folderOrPackage, "@")
		s.versioned = true
		return s, nil // go install says what is wrong with it
	}
	out, err := s.run(ctx, nil, "list", "-f", "{{.Name}} {{.ImportPath}}", "--", s.pattern)
	if err != nil {
		return nil, fmt.Errorf("find package %s: %w", folderOrPackage, err)
	}
	name, importPath, _ := strings.Cut(strings.TrimSpace(out), " ")
	if name != "main" {
		return nil, &Error{fmt.Errorf("package %s is not a program", importPath), "name the package that has func main"}
	}
	s.importPath = importPath
	return s, nil
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// Name returns the name of the program, which is the last part of its import path
// that is no version.
func (s *Source) Name() string {
	name := path.Base(s.importPath)
	if majorVersion.MatchString(name) && path.Dir(s.importPath) != "." {
		name = path.Base(path.Dir(s.importPath))
	}
	return strings.ReplaceAll(name, ".", "-")
}

// FileName returns the name of a program's file.
func FileName(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// Build builds the program into a file, whole or not at all. A process that runs the
// file goes on with what it has.
func (s *Source) Build(ctx context.Context, file string) error {
	folder := filepath.Dir(file)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(folder, ".build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	built := filepath.Join(temp, filepath.Base(file))
	if s.versioned {
		_, err = s.run(ctx, []string{"GOBIN=" + temp}, "install", "-trimpath", "--", s.pattern)
	} else {
		_, err = s.run(ctx, nil, "build", "-trimpath", "-o", built, "--", s.pattern)
	}
	if err != nil {
		return fmt.Errorf("build %s: %w", s.pattern, err)
	}
	if s.versioned {
		files, err := os.ReadDir(temp)
		if err != nil || len(files) != 1 {
			return fmt.Errorf("build %s: it made %d files, %w", s.pattern, len(files), err)
		}
		built = filepath.Join(temp, files[0].Name())
	}
	if err := os.Rename(built, file); err != nil {
		return &Error{err, "end the programs that run it"}
	}
	return nil
}

// run runs the go command. What it says is the error.
func (s *Source) run(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = s.dir
	cmd.Env = append(cmd.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", &Error{errors.New("the command go is not there"), "install Go, or name a program that is built, as a command after --"}
	case err != nil && stderr.Len() > 0:
		return "", errors.New(strings.TrimSpace(stderr.String()))
	}
	return string(out), err
}
