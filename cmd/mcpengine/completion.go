package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (c *cli) completion() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a script that lets a shell complete commands",
		Example:   `  source <(mcpengine completion bash)`,
		Args:      oneArgument("the shell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(c.stdout.Raw(), false)
			case "zsh":
				return root.GenZshCompletion(c.stdout.Raw())
			case "fish":
				return root.GenFishCompletion(c.stdout.Raw(), false)
			case "powershell":
				return root.GenPowerShellCompletion(c.stdout.Raw())
			}
			return usageError{fmt.Errorf("shell %q is not one of bash, zsh, fish and powershell", args[0])}
		},
	}
}
