//go:build unix

package main

import (
	"context"
	"fmt"
	"syscall"
)

// replaceProcess runs a program in place of this one, so that a host has one process
// to start and to end.
func (c *cli) replaceProcess(_ context.Context, path string, args, env []string) error {
	return fmt.Errorf("run %s: %w", path, syscall.Exec(path, args, env)) //nolint:gosec // the command of a profile, which its owner alone can write
}
