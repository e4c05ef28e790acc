package pty

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"
)

// Start starts the command on a new terminal of that size. What is written to the
// file is typed, and what is read from it is shown; a read fails when no program has
// the terminal any more. The caller closes the file and waits for the command.
func Start(cmd *exec.Cmd, columns, rows int) (*os.File, error) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if err := start(cmd, terminal, columns, rows); err != nil {
		terminal.Close()
		return nil, err
	}
	return terminal, nil
}

func start(cmd *exec.Cmd, terminal *os.File, columns, rows int) error {
	unlock, number := int32(0), uint32(0)
	size := [4]uint16{uint16(rows), uint16(columns)} //nolint:gosec // of a screen
	for _, call := range []struct {
		request uintptr
		value   unsafe.Pointer
	}{
		{syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)},
		{syscall.TIOCGPTN, unsafe.Pointer(&number)},
		{syscall.TIOCSWINSZ, unsafe.Pointer(&size)},
	} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), call.request, uintptr(call.value)); errno != 0 {
			return fmt.Errorf("set up a terminal: %w", errno)
		}
	}
	// Fd has put the file into blocking mode; a read has to end when it is closed.
	if err := syscall.SetNonblock(int(terminal.Fd()), true); err != nil {
		return err
	}
	program, err := os.OpenFile("/dev/pts/"+strconv.FormatUint(uint64(number), 10), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer program.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return cmd.Start()
}
