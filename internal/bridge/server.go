package bridge

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A server is the connection to the server, which is made by the first request.
type server struct {
	bridge  *bridge
	dialing chan struct{} // holds a token while somebody dials

	mu      sync.Mutex
	conn    *peer.Conn
	closed  bool
	reached bool  // a request has been answered
	last    error // why a request was not
}

func newServer(b *bridge) *server { return &server{bridge: b, dialing: make(chan struct{}, 1)} }

// connected returns the connection. If there is none, it connects on behalf of
// the client of the config.
func (s *server) connected(ctx context.Context, config peer.Config) (*peer.Conn, error) {
	if c, err := s.current(); c != nil || err != nil {
		return c, err
	}
	select {
	case s.dialing <- struct{}{}:
		defer func() { <-s.dialing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c, err := s.current(); c != nil || err != nil {
		return c, err
	}
	config.OnNotification = s.bridge.unrelated
	config.OnRequest = s.bridge.asked
	connections := 0 // made one at a time
	config.OnConnect = func() {
		if connections++; connections > 1 {
			s.bridge.background.Run(s.bridge.restore)
		}
	}
	c, err := s.bridge.config.Dial(ctx, config)
	if err != nil && !isEnvironment(err) && s.bridge.config.Peer.Versions == nil && config.Versions != nil {
		// The server has none of the host's versions. Any other is better.
		config.Versions = nil
		c, err = s.bridge.config.Dial(ctx, config)
	}
	if err != nil {
		s.failed(err)
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		defer c.Close()
		return nil, errOver
	}
	s.conn = c
	return c, nil
}

func (s *server) current() (*peer.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errOver
	}
	return s.conn, nil
}

// isEnvironment reports whether an error says nothing about the versions that the
// server speaks.
func isEnvironment(err error) bool {
	_, unreachable := errors.AsType[*peer.UnreachableError](err)
	_, auth := errors.AsType[*peer.AuthError](err)
	_, status := errors.AsType[*peer.StatusError](err)
	return unreachable || auth || status || errors.Is(err, peer.ErrIdle) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errOver)
}

// versionsFor returns the versions to offer to a server on behalf of a host: the
// versions without a handshake, and the handshake versions up to the host's.
func versionsFor(host string, allowed []string) []string {
	if allowed != nil {
		return allowed
	}
	known := protocol.Names(nil)
	if i := slices.Index(known, host); i > 0 {
		return append([]string{mcp.LatestProtocolVersion}, known[i:]...)
	}
	return nil
}

func (s *server) succeeded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reached = true
}

// failed takes note of a failure of the server.
func (s *server) failed(err error) {
	if _, ok := errors.AsType[*jsonrpc.Error](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, errOver) {
		return
	}
	s.mu.Lock()
	s.last = err
	s.mu.Unlock()
	if errors.Is(err, peer.ErrIdle) && s.bridge.silent != nil {
		s.bridge.background.Run(s.bridge.silent)
	}
}

// ping asks the server whether it still answers.
func (b *bridge) ping(ctx context.Context) error {
	c, err := b.server.current()
	if c == nil || err != nil {
		return err
	}
	method := mcp.MethodServerDiscover
	if c.Handshake() {
		method = protocol.MethodPing
	}
	_, err = c.Call(ctx, peer.Call{Method: method})
	if wraps[*jsonrpc.Error](err) {
		return nil // an answer is an answer
	}
	return err
}

// failure returns why no request could be answered, or nil when one was.
func (s *server) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reached {
		return nil
	}
	return s.last
}

func (s *server) close() {
	s.mu.Lock()
	c := s.conn
	s.closed, s.conn = true, nil
	s.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// unrelated handles a notification of the server that belongs to no request. A
// notification of an extension goes to a request under way, or else to the
// listeners.
func (b *bridge) unrelated(n jsonrpc.Notification) {
	if b.host.Load() != nil {
		_ = b.toHost(n.Append(nil)) // when it fails, Serve knows
	}
	switch {
	case isChange(n.Method):
		b.listeners.deliver(n, false)
	case b.host.Load() != nil:
	case n.Method == mcp.MethodNotificationsMessage:
		b.requests.deliver(n, func(one *inflight) bool { return isLoud(n.Params, one.level) })
	case !b.requests.deliver(n, func(*inflight) bool { return true }):
		b.listeners.deliver(n, true)
	}
}

// asked takes a question of the server that belongs to no request.
func (b *bridge) asked(ctx context.Context, method string, params []byte) ([]byte, error) {
	if host := b.host.Load(); host != nil {
		return b.question(ctx, &Question{Method: method, Params: params, ID: peer.RequestID(ctx), ByRequest: true, HostVersion: host.Version}, b.Ask)
	}
	return nil, jsonrpc.Errorf(mcp.CodeMethodNotFound, "%.64q belongs to no request of the client, which can be asked in the course of one only", method)
}
