package dev

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A goProgram is a main package that is built again and again.
type goProgram struct {
	dir    string // of the package
	module string // the folder of its module
	out    string // where the programs go
	env    []string

	builds int
}

// An Error says what to do about it.
type Error struct {
	Text, Advice string
	Usage        bool // the command line names the wrong thing
}

func (e *Error) Error() string { return e.Text }

// Hint returns what to do.
func (e *Error) Hint() string { return e.Advice }

func usage(text, advice string) *Error { return &Error{text, advice, true} }

// findGo finds the one main package that a pattern names, or that there is in a
// folder and those below it.
func findGo(ctx context.Context, dir, pattern string, env []string) (*goProgram, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, &Error{Text: "the command go is not there", Advice: "install Go 1.26 or newer; for a server in another language: mcpengine dev -- COMMAND"}
	}
	patterns := []string{pattern}
	if pattern == "" {
		patterns = []string{".", "./..."} // the folder itself comes first
	}
	for _, p := range patterns {
		found, err := mainPackages(ctx, dir, p, env)
		switch {
		case err != nil && pattern == "":
			continue // no Go files, or no module
		case err != nil:
			return nil, err
		case len(found) == 1:
			return newGoProgram(ctx, found[0], env)
		case len(found) > 1:
			var names []string
			for _, f := range found {
				names = append(names, relative(dir, f))
			}
			return nil, usage("there are several main packages: "+strings.Join(names, ", "), "name one: mcpengine dev "+names[0])
		}
	}
	if pattern != "" {
		return nil, usage(pattern+" is not a main package", "name the folder of a program: mcpengine dev ./cmd/NAME")
	}
	return nil, usage("there is no main package here", "name the folder of a program, or write one with mcpengine new; for a server in another language: mcpengine dev -- COMMAND")
}

// mainPackages returns the folders of the main packages that match a pattern.
func mainPackages(ctx context.Context, dir, pattern string, env []string) ([]string, error) {
	// A package that does not compile is found, too: it is about to be mended.
	out, err := goCommand(ctx, dir, env, "list", "-e", "-find", "-f", `{{if eq .Name "main"}}{{.Dir}}{{end}}{{if not .Name}}{{with .Error}}!{{.Err}}{{end}}{{end}}`, pattern)
	if err != nil {
		return nil, usage(err.Error(), "name the folder of a program: mcpengine dev ./cmd/NAME")
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "!"):
			err = usage(strings.TrimPrefix(line, "!"), "name the folder of a program: mcpengine dev ./cmd/NAME")
		case filepath.IsAbs(line):
			found = append(found, line)
		}
	}
	if len(found) == 0 && err != nil {
		return nil, err
	}
	slices.Sort(found)
	return found, nil
}

func newGoProgram(ctx context.Context, dir string, env []string) (*goProgram, error) {
	mod, err := goCommand(ctx, dir, env, "env", "GOMOD")
	if err != nil {
		return nil, err
	}
	module := filepath.Dir(strings.TrimSpace(string(mod)))
	if name := filepath.Base(strings.TrimSpace(string(mod))); name != "go.mod" {
		module = dir // there is no module: the files of the package alone
	}
	return &goProgram{dir: dir, module: module, env: env}, nil
}

// goCommand runs the go command. Its error is what the command says.
func goCommand(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.WaitDelay = 100 * time.Millisecond // the linker may outlive a command that is cancelled
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(said.String()); text != "" {
			return nil, errors.New(text)
		}
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return out.Bytes(), nil
}

// roots returns the folders to watch: the module's, and those of packages that the
// program uses and that are edited here, too.
func (p *goProgram) roots(ctx context.Context) []string {
	roots := []string{p.module}
	out, err := goCommand(ctx, p.dir, p.env, "list", "-e", "-deps", "-f", "{{with .Module}}{{if or .Main (and .Replace (not .Replace.Version))}}{{$.Dir}}{{end}}{{end}}", ".")
	if err != nil {
		return roots
	}
	for line := range strings.Lines(string(out)) {
		folder := strings.TrimSpace(line)
		inside := slices.ContainsFunc(roots, func(root string) bool { return isBelow(root, folder) })
		if folder != "" && !inside {
			roots = append(roots, folder)
		}
	}
	return roots
}

func isBelow(root, folder string) bool {
	rel, err := filepath.Rel(root, folder)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// relative names a folder as a pattern of the go command.
func relative(dir, folder string) string {
	rel, err := filepath.Rel(dir, folder)
	if err != nil {
		return folder
	}
	if rel == "." {
		return "."
	}
	return "./" + filepath.ToSlash(rel)
}

// A buildError has the text of the compiler.
type buildError struct{ output string }

func (e *buildError) Error() string { return e.output }

// build builds the program, and returns its file and what tells it from others.
func (p *goProgram) build(ctx context.Context) (program string, sum [sha256.Size]byte, err error) {
	p.builds++
	program = filepath.Join(p.out, "server-"+strconv.Itoa(p.builds)+exe())
	// Without debug information the linker is faster, and the state of the
	// repository would make every program a new one.
	_, err = goCommand(ctx, p.dir, p.env, "build", "-buildvcs=false", "-ldflags=-w", "-o", program, ".")
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case err != nil:
		err = &buildError{err.Error()}
	default:
		sum, err = digest(program)
	}
	if err != nil {
		os.Remove(program)
	}
	return program, sum, err
}

func digest(file string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

func exe() string {
	if os.PathSeparator == '\\' {
		return ".exe"
	}
	return ""
}

// firstError returns the first line that names a place in the source, or else the
// first line.
func firstError(output string) string {
	first := ""
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if first == "" {
			first = line
		}
		if parts := strings.SplitN(line, ":", 3); len(parts) == 3 {
			if _, err := strconv.Atoi(parts[1]); err == nil {
				return strings.TrimPrefix(line, "./")
			}
		}
	}
	return first
}
