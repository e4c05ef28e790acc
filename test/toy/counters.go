package toy

import (
	"errors"
	"slices"
	"sync"
)

// Counters holds numbers by name. It has to be open.
type Counters struct {
	mu       sync.Mutex
	open     bool
	values   map[string]int
	watchers map[string][]chan struct{}
}

var errNotOpen = errors.New("the counters are not open")

// Open opens the counters.
func (c *Counters) Open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open, c.values, c.watchers = true, map[string]int{"zero": 0}, map[string][]chan struct{}{}
}

// Close closes them.
func (c *Counters) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = false
}

// Add adds n to a counter, which it makes if there is none, and returns its value.
func (c *Counters) Add(name string, n int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return 0, errNotOpen
	}
	c.values[name] += n
	for _, w := range c.watchers[name] {
		select {
		case w <- struct{}{}:
		default: // it has not taken the last change yet
		}
	}
	return c.values[name], nil
}

// Get returns the value of a counter, and whether there is one.
func (c *Counters) Get(name string) (value int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, ok = c.values[name]
	return value, ok && c.open
}

// Names returns the names of the counters.
func (c *Counters) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, 0, len(c.values))
	for name := range c.values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Watch returns a channel that delivers when a counter has changed, until stop is
// called.
func (c *Counters) Watch(name string) (changed <-chan struct{}, stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := make(chan struct{}, 1)
	c.watchers[name] = append(c.watchers[name], w)
	return w, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watchers[name] = slices.DeleteFunc(c.watchers[name], func(other chan struct{}) bool { return other == w })
	}
}
