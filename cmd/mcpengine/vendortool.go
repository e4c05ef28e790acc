package main

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/platforms"
)

// runTool runs a command of deploy --apply at the terminal of this process, since
// the tool of a platform may show progress and ask. Standard output is left to the
// answer of deploy, so the tool writes everything to standard error.
func (c *cli) runTool(ctx context.Context, program string, command platforms.Command) error {
	cmd := exec.CommandContext(ctx, program, command.Args[1:]...) //nolint:gosec // found on the user's PATH, shown and confirmed
	cmd.Dir = command.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.stdin, c.stderr.Raw(), c.stderr.Raw()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}
