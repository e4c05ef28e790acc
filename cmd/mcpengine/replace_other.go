//go:build !unix

package main

import (
	"context"
	"fmt"
	"os/exec"
)

// replaceProcess runs a program with the streams of this one, and ends as it ends:
// where no process can take the place of another.
func (c *cli) replaceProcess(ctx context.Context, path string, args, env []string) error {
	cmd := exec.CommandContext(ctx, path, args[1:]...) //nolint:gosec // the command of a profile, which its owner alone can write
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, c.stdin, c.stdout.Raw(), c.stderr.Raw()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w", path, err)
	}
	return nil
}
