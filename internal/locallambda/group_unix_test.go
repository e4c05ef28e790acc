//go:build unix

package locallambda_test

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a program and the processes that it starts into one group.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminateGroup kills them.
func terminateGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
