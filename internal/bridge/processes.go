package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// ProcessConfig says what is started for whom. Its zero value, but for Start, is
// ready to use.
type ProcessConfig struct {
	// Start starts a server and connects to it. Required.
	Start func(ctx context.Context, config peer.Config) (*peer.Conn, error)

	// Bridge adjusts the relay to each process. Its URL and Dial are not used.
	Bridge Config

	// Shared has one process for all callers. The default is one for each: what
	// a process remembers of one caller must not reach another.
	Shared bool

	// Max bounds the processes. Beyond it one that serves nobody makes room, or
	// the caller is refused. The default is 32.
	Max int

	// Idle is how long a process that serves nobody is kept. The default is 10
	// minutes.
	Idle time.Duration
}

// Processes are servers on standard streams, each a process, that answer the
// requests of many callers. They are a [jsonrpc.Handler] for a transport over
// HTTP; see [NewHandler].
type Processes struct {
	config ProcessConfig

	mu      sync.Mutex
	running map[string]*process // by caller
	ending  sync.WaitGroup
	closed  bool
}

// A process is a server and the relay to it.
type process struct {
	*bridge
	users int         // requests under way
	idle  *time.Timer // while there is none
	used  time.Time
}

// NewProcesses returns processes of which none is running yet. Close ends them.
func NewProcesses(config ProcessConfig) *Processes {
	if config.Max <= 0 {
		config.Max = 32
	}
	if config.Idle <= 0 {
		config.Idle = 10 * time.Minute
	}
	config.Bridge.Dial = config.Start
	return &Processes{config: config, running: make(map[string]*process)}
}

// Handle implements [jsonrpc.Handler].
func (p *Processes) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	if !req.Handshake {
		if err := checkVersion(req.Meta.Get(mcp.MetaProtocolVersion)); err != nil {
			return jsonrpc.ErrorResponse(req.ID, err)
		}
	}
	caller := callerOf(ctx)
	if p.config.Shared {
		caller = ""
	}
	one, err := p.acquire(ctx, caller)
	if err != nil {
		return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInternalError, "%v", err))
	}
	defer p.release(caller, one)
	return one.Handle(ctx, req, notify)
}

// acquire returns the process of a caller, which does not end before release.
func (p *Processes) acquire(ctx context.Context, caller string) (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.New("the server shuts down")
	}
	one := p.running[caller]
	if one == nil {
		if len(p.running) == p.config.Max && !p.evict() {
			return nil, fmt.Errorf("%d processes are running already, and none is idle: try again later", p.config.Max)
		}
		one = &process{bridge: newBridge(ctx, p.config.Bridge)}
		p.running[caller] = one
	}
	if one.idle != nil {
		one.idle.Stop()
		one.idle = nil
	}
	one.users++
	return one, nil
}

// evict ends the process that has served nobody for longest, and reports whether
// there is one. The caller holds p.mu.
func (p *Processes) evict() bool {
	var caller string
	var oldest *process
	for key, one := range p.running {
		if one.users == 0 && (oldest == nil || one.used.Before(oldest.used)) {
			caller, oldest = key, one
		}
	}
	if oldest != nil {
		p.drop(caller, oldest)
	}
	return oldest != nil
}

// drop ends a process. The caller holds p.mu.
func (p *Processes) drop(caller string, one *process) {
	delete(p.running, caller)
	if one.idle != nil {
		one.idle.Stop()
	}
	if !p.closed {
		p.ending.Go(one.end)
	}
}

func (p *Processes) release(caller string, one *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one.users--
	one.used = time.Now()
	if one.users > 0 || p.closed {
		return
	}
	one.idle = time.AfterFunc(p.config.Idle, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if one.users == 0 && p.running[caller] == one {
			p.drop(caller, one)
		}
	})
}

// Close ends subscriptions, requests and processes, and returns when nothing of
// them is left.
func (p *Processes) Close() {
	p.mu.Lock()
	var all []*process
	for caller, one := range p.running {
		all = append(all, one)
		if one.idle != nil {
			one.idle.Stop()
		}
		delete(p.running, caller)
	}
	p.closed = true
	p.mu.Unlock()
	for _, one := range all {
		one.heard.close() // all at once
	}
	var ended sync.WaitGroup
	for _, one := range all {
		ended.Go(one.end)
	}
	ended.Wait()
	p.ending.Wait()
}
