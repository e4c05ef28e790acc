//go:build !unix

package peer

import "os/exec"

// There are no groups of processes: the server itself is killed.
func setGroup(*exec.Cmd) {}

func terminateGroup(cmd *exec.Cmd) { killGroup(cmd) }

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // it may have ended
