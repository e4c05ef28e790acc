//go:build unix

package locallambda

import (
	"fmt"
	"os"
	"syscall"
)

func suspend(p *os.Process) error   { return signal(p, syscall.SIGSTOP) }
func resume(p *os.Process) error    { return signal(p, syscall.SIGCONT) }
func terminate(p *os.Process) error { return signal(p, syscall.SIGTERM) }

func signal(p *os.Process, s syscall.Signal) error {
	if err := p.Signal(s); err != nil {
		return fmt.Errorf("send %v: %w", s, err)
	}
	return nil
}
