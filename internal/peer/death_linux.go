package peer

import "syscall"

// setDeathSignal has the process killed when the thread that starts it ends: a
// program that is killed closes nothing.
func setDeathSignal(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
