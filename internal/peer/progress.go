package peer

import (
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A progressRoutes finds the call that a progress notification belongs to. Some
// servers send progress on the stream for unrelated messages. Its zero value is
// ready to use.
type progressRoutes struct {
	mu      sync.Mutex
	pending map[string]*pendingCall // by id, which is the token that is sent
}

// add delivers progress to p until remove is called. None is delivered after
// remove has returned.
func (s *progressRoutes) add(p *pendingCall) (remove func()) {
	if p.token == nil || p.OnNotification == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == nil {
		s.pending = make(map[string]*pendingCall)
	}
	s.pending[string(p.idText)] = p
	return func() {
		s.mu.Lock()
		delete(s.pending, string(p.idText))
		s.mu.Unlock()
		p.finish()
	}
}

// deliver delivers m if it is progress of a call, and reports whether it was.
func (s *progressRoutes) deliver(m *jsonrpc.Message) bool {
	if m.Method != "notifications/progress" {
		return false
	}
	params, err := jsonrpc.ParseObject(m.Params)
	if err != nil {
		return false
	}
	s.mu.Lock()
	p := s.pending[string(params.Get("progressToken"))]
	s.mu.Unlock()
	if p != nil {
		p.notify(m)
	}
	return p != nil
}
