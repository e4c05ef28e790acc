package locallambda

import (
	"slices"
	"time"
)

// A Kind is what happened to a process.
type Kind string

// The kinds of entries.
const (
	Started  Kind = "started"
	Ready    Kind = "ready"    // it waits for its first invocation
	Ended    Kind = "ended"    // in time after SIGTERM
	Overdue  Kind = "overdue"  // killed, because it did not end in time after SIGTERM
	Killed   Kind = "killed"   // by [Platform.Kill], or because it had not asked for SIGTERM
	TimedOut Kind = "timeout"  // killed, because an invocation took too long
	Crashed  Kind = "crashed"  // by itself
	Violated Kind = "violated" // it broke a rule of an interface

	// Dropped is an asynchronous invocation that has failed as often as it was
	// attempted.
	Dropped Kind = "dropped"
)

// An Entry is a line of the ledger.
type Entry struct {
	Time     time.Time
	Kind     Kind
	Instance int
	Process  int
	Detail   string
	CPU      time.Duration // of the process, when it has ended
}

// Ledger returns what has happened so far, in order.
func (p *Platform) Ledger() []Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ledger)
}

// Count returns how many entries of a kind there are.
func (p *Platform) Count(kind Kind) int {
	n := 0
	for _, e := range p.Ledger() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func (p *Platform) record(e Entry) {
	e.Time = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger = append(p.ledger, e)
}
