package pgtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// CPU returns the processor time that the server has taken, that of its ended
// processes included.
func (s *Server) CPU(t testing.TB) time.Duration {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(string(file), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(postmaster))
	if err != nil {
		t.Fatal(err)
	}
	return ProcessCPU(t, pid)
}

// clockTicks is what Linux counts in a second of processor time (USER_HZ).
const clockTicks = 100

// ProcessCPU returns the processor time that a process and its children have
// taken. It reads /proc, and skips the test where there is none.
func ProcessCPU(t testing.TB, pid int) time.Duration {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skip("the processor time of other processes is read from /proc of Linux")
	}
	own := strconv.Itoa(pid)
	var ticks int64
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the process has ended
		}
		// The name of the program may hold anything; the other fields follow its last
		// parenthesis, first the state and then the parent.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		switch own {
		case filepath.Base(filepath.Dir(name)):
			ticks += sum(fields[11:15]) // with the children that it has waited for
		case fields[1]:
			ticks += sum(fields[11:13])
		}
	}
	return time.Duration(ticks) * time.Second / clockTicks
}

func sum(fields []string) (n int64) {
	for _, field := range fields {
		ticks, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
		n += ticks
	}
	return n
}

// LogStatements makes the server log every statement, or none.
func (s *Server) LogStatements(t testing.TB, on bool) {
	t.Helper()
	value := "none"
	if on {
		value = "all"
	}
	s.Exec(t, "ALTER SYSTEM SET log_statement = '"+value+"'")
	s.Exec(t, "SELECT pg_reload_conf()")
}

// Statements returns how many statements the server has logged.
func (s *Server) Statements(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "LOG:  statement: ") + strings.Count(string(text), "LOG:  execute ")
}
