package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
)

// completionFiles are the names under which packages install the scripts.
var completionFiles = map[string]string{
	"bash": "mcpengine.bash", "zsh": "_mcpengine", "fish": "mcpengine.fish", "powershell": "mcpengine.ps1",
}

// manual writes the files that a package of the program has beside it. It is hidden,
// because it is for packagers.
func (c *cli) manual() *cobra.Command {
	return &cobra.Command{
		Use:     "manual DIR",
		Short:   "Write the manual and the completion scripts for a package",
		Long:    "The pages of the manual are written to DIR/man1, and the scripts to\nDIR/completions.",
		Example: `  mcpengine manual dist`,
		Args:    oneArgument("the folder"),
		Hidden:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			// This process has made only one command.
			return c.writeManual(c.root(nil), args[0])
		},
	}
}

func (c *cli) writeManual(root *cobra.Command, dir string) error {
	files := map[string][]byte{}
	version, _ := buildVersion()
	for name, page := range manPages(root, version, buildDate()) {
		files[filepath.Join("man1", name)] = []byte(page)
	}
	for _, shell := range shells {
		var script bytes.Buffer
		if err := completionScript(root, shell, &script); err != nil {
			return err
		}
		files[filepath.Join("completions", completionFiles[shell])] = script.Bytes()
	}
	for _, folder := range []string{"man1", "completions"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil { //nolint:gosec // for everybody
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil { //nolint:gosec // for everybody
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	c.stderr.Printf("wrote %d files to %s\n", len(files), dir)
	return nil
}
