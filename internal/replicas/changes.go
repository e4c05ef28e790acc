package replicas

import (
	"context"
	"sync"
	"time"
)

const (
	// coalesce is how long changes are collected before they are published
	// together.
	coalesce = 50 * time.Millisecond

	// maxChanges bounds the changes that are collected. Beyond it, everything
	// counts as changed.
	maxChanges = 4096
)

// Everything is the entry that stands for more changes than can be told apart.
const Everything = "*"

// changes are the entries that the other replicas have not been told of.
type changes struct {
	wake chan struct{} // has room for one value

	mu      sync.Mutex
	entries map[string]bool
}

// Changed tells the other replicas, within [coalesce], that something has
// changed. An entry names what has changed and never has its content. Before
// Start, nothing has changed: a program registers its features then.
func (l *Link) Changed(entry string) {
	if !l.started.Load() {
		return
	}
	c := &l.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.entries[entry] || c.entries[Everything]:
		return
	case len(entry) > MaxContent || len(c.entries) >= maxChanges:
		c.entries = map[string]bool{Everything: true}
	case c.entries == nil:
		c.entries = map[string]bool{entry: true}
	default:
		c.entries[entry] = true
	}
	wake(c.wake)
}

// OnChanges sets the function that takes entries from other replicas. Call it
// before Start.
func (l *Link) OnChanges(f func(entries [][]byte)) { l.Handle(kindChanges, f) }

func (c *changes) take() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries := c.entries
	c.entries = nil
	return entries
}

// publishChanges publishes the changes of each interval together.
func (l *Link) publishChanges(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			l.flushChanges(context.WithoutCancel(ctx))
			return
		case <-l.changes.wake:
		}
		timer := time.NewTimer(coalesce)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
			l.flushChanges(ctx)
		}
	}
}

// flushChanges publishes the changes. What could not be published waits for the
// next interval.
func (l *Link) flushChanges(ctx context.Context) {
	var fields [][]byte
	size := 0
	send := func() {
		if len(fields) > 0 && l.Send(ctx, kindChanges, fields...) != nil && ctx.Err() == nil {
			for _, entry := range fields {
				l.Changed(string(entry))
			}
		}
		fields, size = nil, 0
	}
	for entry := range l.changes.take() {
		if size+len(entry) > MaxContent || len(fields) == maxFields-1 {
			send()
		}
		fields, size = append(fields, []byte(entry)), size+len(entry)
	}
	send()
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
