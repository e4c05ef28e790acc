//go:build !linux

package pty

import (
	"errors"
	"os"
	"os/exec"
)

// Start starts the command on a new terminal, which is possible on Linux alone.
func Start(*exec.Cmd, int, int) (*os.File, error) { return nil, errors.ErrUnsupported }
