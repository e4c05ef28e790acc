package peer

import (
	"os/exec"
	"time"
)

// A Child is a program in a group of its own. The group ends with it and, on
// Linux, with this program.
type Child struct{ p *process }

// StartChild starts the program of the command.
func StartChild(cmd *exec.Cmd) (*Child, error) {
	setGroup(cmd)
	p := &process{cmd: cmd, exited: make(chan struct{})}
	if err := p.start(); err != nil {
		return nil, err
	}
	return &Child{p}, nil
}

// Exited is closed when the program has ended.
func (c *Child) Exited() <-chan struct{} { return c.p.exited }

// State says how the program ended, once it has.
func (c *Child) State() string { return c.p.cmd.ProcessState.String() }

// Stop asks the program to end, and kills it after the grace.
func (c *Child) Stop(grace time.Duration) {
	if within(c.p.exited, 0) {
		return
	}
	terminateGroup(c.p.cmd)
	if within(c.p.exited, grace) {
		return
	}
	killGroup(c.p.cmd)
	<-c.p.exited
}
