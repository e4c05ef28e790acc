package mcpengine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/internal/seal"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// defaultPageSize is large enough that most servers have one page, because not
// every client asks for the second.
const defaultPageSize = 1000

// An Engine is an MCP server: it holds features and answers requests for them.
// Create one with [New]. Its methods and the Add functions may be called at any
// time and from any goroutine, also while it serves.
type Engine struct {
	info              mcp.Implementation
	instructions      string
	logger            *slog.Logger
	ring              *seal.Ring
	middleware        []func(MethodHandler) MethodHandler
	toolMiddleware    []func(ToolHandler) ToolHandler
	observers         []Observer
	questionObservers []func(context.Context, *Question) (context.Context, func([]byte, error))
	flushes           flushes
	limits            limits
	shares            shares
	budget            *budget // nil without WithResultBudget
	limiter           Limiter // nil counts in memory
	meter             *meter
	readiness         readiness
	pageSize          int
	cache             cacheHint
	httpConfig        HTTPConfig
	auth              auth.Authority // nil when callers are not verified
	fault             error          // in the URLs of the configuration, which Run returns
	authPaths         []string       // what auth serves beside the MCP endpoint
	card              http.Handler   // nil without WithCard
	cardPaths         []string       // where it is served
	given             []func()       // add the extensions and the card of options
	implement         func()         // completes info from the card; nil without WithCard

	refusalObservers []func(context.Context, Refusal)
	sessionObservers []func(Session)

	// withUpstream lets a handler get tokens for APIs; nil without WithAuth.
	withUpstream func(context.Context, *http.Request, *auth.User) context.Context

	registry      registry
	subscriptions subscriptions
	replicas      *replicaLink // nil without a bus
	lives         lives
	schemas       [purposes]sync.Map // reflect.Type to *schema.Schema
	identity      string             // that keys are derived for, if given
	randomKeys    bool               // no keys are given
	keysRead      sync.Once
	keysError     error
	warnKeys      sync.Once
	http          *streamable.Server

	// closeHandshake ends the connections of handshake versions, and waitHandshake
	// waits for the answers that go on without one.
	closeHandshake func()
	waitHandshake  func(context.Context) error

	// idleHandshake waits too, but cancels nothing when ctx ends.
	idleHandshake func(ctx context.Context) error

	// keepHandshake keeps goroutines for the answers until release is called.
	keepHandshake func() (release func())

	// serverless says that a process lives no longer than its requests: clients do
	// not receive changes, but are told how long lists stay fresh.
	serverless bool

	// The chains of middleware, each nil when there is none.
	handle      MethodHandler
	toolHandler ToolHandler

	// Parts of results, encoded once.
	encodedInfo []byte // the implementation
	ends        map[*protocol.Version]*ends
}

// New returns an engine without features. The name identifies the server to
// clients.
func New(name string, opts ...Option) *Engine {
	e := &Engine{
		info:     mcp.Implementation{Name: name},
		logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		pageSize: defaultPageSize,
		cache:    cacheHint{scope: mcp.CacheScopePublic},
	}
	for _, opt := range opts {
		opt.applyToEngine(e)
	}
	if e.implement != nil {
		e.implement()
	}
	e.info.Version = cmp.Or(e.info.Version, mainVersion())
	e.encodeEnds()
	e.httpConfig = e.httpConfig.withDefaults()
	e.fault = errors.Join(e.fault, e.checkURLs())
	e.bindKeys()
	e.meter = newMeter(e.limiter)
	e.bindBus()
	e.bindAuth()
	e.subscriptions.closing, e.subscriptions.bound = make(chan struct{}), share.NewBound(share.Subscriptions).Each(e.shares.subscriptions)
	e.handle = chain(MethodHandler(e.runMethod), e.middleware)
	e.toolHandler = chain(ToolHandler(e.runTool), e.toolMiddleware)
	e.serveHTTP()
	for _, add := range e.given {
		add() // a program without extensions or a card does not link what adds one
	}
	return e
}

// ends are the ends of result objects in one protocol version.
type ends struct {
	result []byte // ,"resultType":"complete","_meta":{…}}
	list   []byte // ,"ttlMs":…,"cacheScope":…, and result
}

// encodeEnds encodes the members that end every complete result: its type and the
// server's info (basic, "Per-response protocol fields"). Handshake versions do not
// have them.
func (e *Engine) encodeEnds() {
	info, err := encodeImplementation(e.info)
	if err != nil {
		panic(fmt.Sprintf("mcpengine: New(%q): encode the implementation: %v", e.info.Name, err))
	}
	e.encodedInfo = info
	result := []byte(`,"resultType":"` + string(mcp.ResultTypeComplete) + `","_meta":{"` + mcp.MetaServerInfo + `":` + string(info) + `}}`)
	e.ends = make(map[*protocol.Version]*ends)
	for _, v := range protocol.Versions() {
		if v.Handshake {
			e.ends[v] = &ends{result: []byte("}"), list: []byte("}")}
			continue
		}
		e.ends[v] = &ends{result: result, list: append(e.listHint().append(nil), result...)}
	}
}

// listHint says how long lists stay fresh.
func (e *Engine) listHint() cacheHint {
	hint := e.cache
	if e.auth != nil {
		hint.scope = mcp.CacheScopePrivate // callers may see different lists
	}
	return hint
}

// mainVersion is the version of the program's main module, for lack of a
// better one.
func mainVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// ServeHTTP answers requests over Streamable HTTP, at whatever path the engine
// is mounted. With [WithAuth] it also answers at the paths that
// auth.Resource.Paths names, with the metadata of the resource and the endpoints
// of package auth/broker, and with [WithCard] at the paths given there: mount the
// engine there as well.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.fault != nil {
		http.Error(w, "the server is not configured: "+e.fault.Error(), http.StatusInternalServerError)
		return
	}
	if len(e.authPaths) > 0 && slices.Contains(e.authPaths, r.URL.Path) {
		e.auth.Handler().ServeHTTP(w, r)
		return
	}
	if len(e.cardPaths) > 0 && slices.Contains(e.cardPaths, r.URL.Path) {
		e.card.ServeHTTP(w, r)
		return
	}
	if e.replicas != nil {
		_ = e.startBus(r.Context()) // it is logged: the engine works without
	}
	e.http.ServeHTTP(w, r)
}

// Close ends the open subscriptions in good order, refuses new ones, and stops the
// extensions, for which it waits as long as [HTTPConfig.ShutdownTimeout]. Other
// requests go on being answered. [Engine.Run] closes the engine itself; a program
// that mounts the engine in its own server closes it with
// [net/http.Server.RegisterOnShutdown].
func (e *Engine) Close() {
	e.closeStreams()
	e.stop()
}

func (e *Engine) closeStreams() {
	e.subscriptions.close()
	e.closeHandshake()
	if e.replicas != nil {
		e.closeBus()
	}
}

// A purpose is what a schema is inferred for.
type purpose uint8

const (
	forInput purpose = iota
	forOutput
	forForm
	forParams
	purposes
)

// schemaOf returns the schema inferred from t. Features often share a type.
func (e *Engine) schemaOf(t reflect.Type, p purpose) (s *schema.Schema, err error) {
	if s, ok := e.schemas[p].Load(t); ok {
		return s.(*schema.Schema), nil
	}
	switch p {
	case forInput:
		s, err = infer.Input(t)
	case forOutput:
		s, err = infer.Output(t)
	case forParams:
		s, err = infer.Params(t)
	case forForm:
		if s, err = infer.Form(t); err == nil {
			err = checkForm(t, s)
		}
	}
	if err != nil {
		return nil, err
	}
	e.schemas[p].Store(t, s)
	return s, nil
}

// core is the engine as a transport sees it.
type core struct {
	*Engine

	// hangup ends the subscriptions of one connection when it is closed. Nil never
	// does.
	hangup <-chan struct{}

	// local says that callers on the connection cannot be verified.
	local bool
}

var _ jsonrpc.Handler = core{}
