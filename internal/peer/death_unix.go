//go:build unix && !linux

package peer

import "syscall"

// Here a process learns of the end of its parent only from the end of its
// input.
func setDeathSignal(*syscall.SysProcAttr) {}
