package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/scaffold"
)

func (c *cli) scaffold() *cobra.Command {
	config := scaffold.Config{}
	cmd := &cobra.Command{
		Use:   "new NAME [flags]",
		Short: "Write a new server: a module that builds, with a test",
		Long:  "The module is written to a new folder NAME. The templates are\n\n" + templateList(),
		Example: `  mcpengine new shop
  mcpengine new shop --template board --module example.com/shop`,
		Args: oneArgument("the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			config.Name = args[0]
			return c.runNew(cmd.Context(), config)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&config.Template, "template", "weather", "`name` of the template")
	flags.StringVar(&config.Module, "module", "", "`path` of the module (default: NAME)")
	flags.StringVar(&config.Dir, "dir", "", "`folder` to write to (default: NAME)")
	flags.StringVar(&config.Source, "source", "", "`folder` with MCPEngine's source, instead of a release")
	return cmd
}

func templateList() string {
	var b strings.Builder
	for _, t := range scaffold.Templates() {
		b.WriteString(fmt.Sprintf("  %-10s %s\n", t.Name, t.About))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (c *cli) runNew(ctx context.Context, config scaffold.Config) error {
	if config.Dir == "" {
		config.Dir = config.Name
	}
	if err := checkTemplate(config); err != nil {
		return usageError{err}
	}
	if err := locateLibrary(&config); err != nil {
		return err
	}
	err := scaffold.Write(config)
	if errors.Is(err, scaffold.ErrExists) {
		return hintError{err, "name another folder with --dir, or empty this one: nothing is replaced"}
	}
	if err != nil {
		return err
	}
	c.stderr.Printf("wrote the server %s to %s\n", config.Name, config.Dir)
	if err := complete(ctx, config.Dir); err != nil {
		return hintError{fmt.Errorf("find the modules that it needs: %w", err), "the files are complete: run go mod tidy in " + config.Dir + " when the modules can be had"}
	}
	c.stderr.Printf("next:\n  cd %s\n  go test ./...\n  mcpengine dev\n", config.Dir)
	return nil
}

func checkTemplate(config scaffold.Config) error {
	if err := scaffold.CheckName(config.Name); err != nil {
		return err
	}
	var names []string
	for _, t := range scaffold.Templates() {
		if t.Name == config.Template {
			return nil
		}
		names = append(names, t.Name)
	}
	return fmt.Errorf("--template %q is not one of %s", config.Template, strings.Join(names, ", "))
}

// locateLibrary finds the library that the server is built with: the release of
// this program, or the folder that is given.
func locateLibrary(config *scaffold.Config) error {
	if config.Source != "" {
		source, err := filepath.Abs(config.Source)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(source, "go.mod"))
		if err != nil || !strings.HasPrefix(string(text), "module github.com/mcpengine/mcpengine\n") {
			return usageError{fmt.Errorf("--source %s is not the source of MCPEngine", config.Source)}
		}
		config.Source = source
		return nil
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		config.Version = info.Main.Version
	}
	if config.Version == "" || config.Version == "(devel)" || strings.Contains(config.Version, "+dirty") {
		return hintError{errors.New("this program is a development build, which no release of the library belongs to"), "name the folder with the source of MCPEngine with --source"}
	}
	return nil
}

// complete adds the checksums of the library to go.sum. With a module cache that has
// what a build needs it works without a network.
func complete(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "list", "-mod=mod", "-deps", "-test", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("the command go is not there: install Go 1.26 or newer")
	}
	if err != nil {
		return fmt.Errorf("go list: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
