package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/mcp"
)

// A ProcessConfig says which program is started, and for which callers. All fields
// but Start are optional.
type ProcessConfig struct {
	// Start starts a server and connects to it. Required.
	Start func(ctx context.Context, config peer.Config) (*peer.Conn, error)

	// Bridge adjusts the relay to each process. Its URL and Dial are not used.
	Bridge Config

	// Shared has one process for all callers. The default is one for each, because
	// a process may remember something of one caller that must not reach another.
	Shared bool

	// Max bounds the processes. At the bound a process that serves nobody is ended
	// for the new one. If there is no such process, the caller is refused with
	// HTTP 503. The default is 32.
	Max int

	// Each bounds the processes of one address, unless that is the machine's own:
	// what a caller sends as credentials may be made up. At the bound an idle
	// process of the address is ended for the new one. If there is no such process,
	// the caller is refused with HTTP 429. By default an address may have no more
	// processes than are free, so that one alone gets half. Behind a proxy on
	// another machine it should be Max.
	Each int

	// Idle is how long a process that serves nobody is kept. The default is 10
	// minutes.
	Idle time.Duration
}

// Processes are servers on standard streams, each a process, that answer the
// requests of many callers. They are a [jsonrpc.Handler] for a transport over
// HTTP; see [NewHandler].
type Processes struct {
	config ProcessConfig

	handshake atomic.Bool // the process started last speaks a handshake version

	mu       sync.Mutex
	running  map[string]*process // by caller
	ending   sync.WaitGroup
	draining bool // there are no subscriptions any more
	closed   bool
}

// A process is a server and the relay to it.
type process struct {
	*bridge
	from  share.Caller
	users int         // requests under way
	idle  *time.Timer // runs while users is 0
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
	p := &Processes{config: config, running: make(map[string]*process)}
	p.config.Bridge.Dial = p.start
	p.config.Bridge = p.config.Bridge.withDefaults()
	return p
}

// start starts a process. After a process that speaks a handshake version, the
// next one gets no server/discover: some programs end at it, and have to be
// started twice.
func (p *Processes) start(ctx context.Context, config peer.Config) (*peer.Conn, error) {
	if config.Versions == nil {
		config.Versions = protocol.Names(nil)
	}
	learned := config
	if p.handshake.Load() {
		learned.Versions = slices.DeleteFunc(slices.Clone(config.Versions), func(v string) bool { return v == mcp.LatestProtocolVersion })
	}
	c, err := p.config.Start(ctx, learned)
	if err != nil && len(learned.Versions) < len(config.Versions) && ctx.Err() == nil {
		c, err = p.config.Start(ctx, config) // it is another program now
	}
	if err != nil {
		return nil, err
	}
	p.handshake.Store(c.Handshake())
	return c, nil
}

// Handle implements [jsonrpc.Handler].
func (p *Processes) Handle(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	if !req.Handshake {
		if err := checkVersion(req.Meta.Get(mcp.MetaProtocolVersion)); err != nil {
			return jsonrpc.ErrorResponse(req.ID, err)
		}
	}
	c := callerOf(ctx)
	if p.config.Shared {
		c = caller{local: true}
	}
	one, err := p.acquire(ctx, c)
	if err != nil {
		return jsonrpc.ErrorResponse(req.ID, unavailable(err))
	}
	defer p.release(c.id, one)
	return one.Handle(ctx, req, notify)
}

// retryAfter is how many seconds a caller that gets no process should wait.
const retryAfter = 5

// unavailable is the error for a caller that gets no process.
func unavailable(err error) *jsonrpc.Error {
	if limited, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return limited
	}
	rpcErr := jsonrpc.Errorf(mcp.CodeInternalError, "%v", err)
	rpcErr.Refusal = &jsonrpc.Refusal{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {strconv.Itoa(retryAfter)}}}
	return rpcErr
}

var errEnding = errors.New("the server shuts down")

func errFull(n int) error {
	return fmt.Errorf("%d processes are running already, and none of them is idle: try again later", n)
}

// ready returns an error when a caller that has no process would get none.
func (p *Processes) ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.draining {
		return errEnding
	}
	if len(p.running) < p.config.Max || p.config.Shared && len(p.running) > 0 {
		return nil
	}
	for _, one := range p.running {
		if one.users == 0 {
			return nil
		}
	}
	return errFull(p.config.Max)
}

// acquire returns the process of a caller, which does not end before release.
func (p *Processes) acquire(ctx context.Context, c caller) (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errEnding
	}
	one := p.running[c.id]
	if one == nil {
		if err := p.makeRoom(c); err != nil {
			return nil, err
		}
		one = &process{bridge: newBridge(ctx, p.config.Bridge), from: c.from}
		one.silent = func() { p.check(c.id, one) }
		if p.draining {
			one.listeners.close()
		}
		p.running[c.id] = one
	}
	if one.idle != nil {
		one.idle.Stop()
		one.idle = nil
	}
	one.users++
	return one, nil
}

// makeRoom makes room for a process of a caller. The caller of makeRoom holds p.mu.
func (p *Processes) makeRoom(c caller) error {
	own := func(one *process) bool { return one.from == c.from }
	most := p.config.Each
	held := p.count(own)
	if most == 0 {
		most = max(1, p.config.Max-len(p.running))
	}
	if !c.local && held >= most {
		if !p.evict(own) {
			return jsonrpc.OverLimit(retryAfter*time.Second, "%d processes of this address are running already, and none of them is idle", held)
		}
		return nil
	}
	if len(p.running) == p.config.Max && !p.evict(func(*process) bool { return true }) {
		return errFull(p.config.Max)
	}
	return nil
}

func (p *Processes) count(which func(*process) bool) (n int) {
	for _, one := range p.running {
		if which(one) {
			n++
		}
	}
	return n
}

// evict ends the process that has served nobody for longest of those that which
// picks, and reports whether there is one. The caller holds p.mu.
func (p *Processes) evict(which func(*process) bool) bool {
	var caller string
	var oldest *process
	for key, one := range p.running {
		if one.users == 0 && which(one) && (oldest == nil || one.used.Before(oldest.used)) {
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

// checkTimeout is how long a process may take to answer whether it works.
const checkTimeout = 5 * time.Second

// check asks a process that has left a request without an answer whether it
// still works. One that does not is ended, and the next request gets another.
func (p *Processes) check(caller string, one *process) {
	ctx, cancel := context.WithTimeout(one.context, checkTimeout)
	defer cancel()
	if one.ping(ctx) == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[caller] == one {
		p.config.Bridge.Logger.Warn("end a process that does not answer")
		p.drop(caller, one)
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
	if p.running[caller] != one {
		return // it has been ended
	}
	one.idle = time.AfterFunc(p.config.Idle, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if one.users == 0 && p.running[caller] == one {
			p.drop(caller, one)
		}
	})
}

// CloseStreams ends the subscriptions and refuses new ones. Other requests go on
// being answered.
func (p *Processes) CloseStreams() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
	for _, one := range p.running {
		one.listeners.close()
	}
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
		one.listeners.close() // all at once
	}
	var ended sync.WaitGroup
	for _, one := range all {
		ended.Go(one.end)
	}
	ended.Wait()
	p.ending.Wait()
}
