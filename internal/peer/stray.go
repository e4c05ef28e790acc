package peer

import (
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A strays finds the call that progress belongs to which arrives on the stream of
// what belongs to no call, where some servers send it. Its zero value is ready to
// use.
type strays struct {
	mu      sync.Mutex
	flights map[string]*flight // by id, which is the token that is sent
}

// add has f hear of its progress until the returned function is called, and not
// after that has returned.
func (s *strays) add(f *flight) (remove func()) {
	if f.token == nil || f.OnNotification == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights == nil {
		s.flights = make(map[string]*flight)
	}
	s.flights[string(f.idText)] = f
	return func() {
		s.mu.Lock()
		delete(s.flights, string(f.idText))
		s.mu.Unlock()
		f.land()
	}
}

// deliver reports whether m is progress of a call.
func (s *strays) deliver(m *jsonrpc.Message) bool {
	if m.Method != "notifications/progress" {
		return false
	}
	params, err := jsonrpc.ParseObject(m.Params)
	if err != nil {
		return false
	}
	s.mu.Lock()
	f := s.flights[string(params.Get("progressToken"))]
	s.mu.Unlock()
	if f != nil {
		f.notify(m)
	}
	return f != nil
}
