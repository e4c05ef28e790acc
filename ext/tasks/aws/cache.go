package aws

import "sync"

// maxCached bounds the values that a process keeps.
const maxCached = 16 << 20

// A cache keeps values of records that have items of their own, so that the
// process that runs a task does not read its journal with each entry.
type cache struct {
	mu    sync.Mutex
	size  int
	tasks map[string]map[string]cached // by task and name
}

type cached struct {
	rev  int64
	text []byte
}

func (c *cache) get(id, name string, rev int64) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.tasks[id][name]
	return found.text, ok && found.rev == rev
}

// put keeps a value. When there is no room, the cache begins anew.
func (c *cache) put(id, name string, rev int64, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size -= len(c.tasks[id][name].text)
	if c.tasks == nil || c.size+len(text) > maxCached {
		c.tasks, c.size = make(map[string]map[string]cached), 0
	}
	if len(text) > maxCached {
		return
	}
	if c.tasks[id] == nil {
		c.tasks[id] = make(map[string]cached)
	}
	c.tasks[id][name] = cached{rev, text}
	c.size += len(text)
}

// drop forgets a task.
func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.tasks[id] {
		c.size -= len(v.text)
	}
	delete(c.tasks, id)
}
