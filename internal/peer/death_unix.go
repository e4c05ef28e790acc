//go:build unix && !linux

package peer

import "syscall"

// The end of its input is all that a process hears of the end of its parent.
func setDeathSignal(*syscall.SysProcAttr) {}
