package peer

import "sync"

// A MemoryCache is a [Cache] for the life of the program. Its zero value is ready
// to use.
type MemoryCache struct {
	mu    sync.Mutex
	known map[string]Known
}

// Load implements [Cache].
func (m *MemoryCache) Load(server string) (Known, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.known[server]
	return known, ok
}

// Store implements [Cache].
func (m *MemoryCache) Store(server string, known Known) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = make(map[string]Known)
	}
	m.known[server] = known
}
