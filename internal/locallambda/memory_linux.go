package locallambda

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// peakMemory returns the most memory that the process has had, in MB, or 0 if
// nobody can tell.
func peakMemory(i *instance) int {
	if !i.alive() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if usage, ok := i.state.SysUsage().(*syscall.Rusage); ok {
			return megabytes(int(usage.Maxrss))
		}
		return 0
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(i.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		return 0
	}
	return megabytes(kilobytes)
}

func megabytes(kilobytes int) int { return (kilobytes + 1023) / 1024 }
