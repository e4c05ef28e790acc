package main

import (
	_ "embed" // the script of bash
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// bashCompletion is written here, because the script of cobra needs the package
// bash-completion, which macOS does not have and many Linux machines neither.
//
//go:embed completion.bash
var bashCompletion string

// shells are those that the program has completion for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func (c *cli) completion() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a script that lets a shell complete commands",
		Example:   `  source <(mcpengine completion bash)`,
		Args:      oneArgument("the shell"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			return completionScript(cmd.Root(), args[0], c.stdout.Raw())
		},
	}
}

// completionScript writes the script for a shell.
func completionScript(root *cobra.Command, shell string, w io.Writer) error {
	switch shell {
	case "bash":
		_, err := w.Write([]byte(bashCompletion))
		return err
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(w)
	}
	return usageError{fmt.Errorf("shell %q is not one of bash, zsh, fish and powershell", shell)}
}
