package client

import (
	"context"
	stdjson "encoding/json"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// An Option adjusts a [Client].
type Option func(*config)

type config struct {
	peer     peer.Config
	info     mcp.Implementation
	handlers Handlers
	session  func(Session)
	question func(context.Context, *Question) (context.Context, func([]byte, error))
	limits   Limits
	oauth    *OAuth

	extensions    declaration
	notifications map[string]func(stdjson.RawMessage)
	follows       map[string]Follow
}

func newConfig(opts []Option) config {
	c := config{info: mcp.Implementation{Name: "mcpengine", Version: "0"}}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		c.info.Version = info.Main.Version
	}
	for _, o := range opts {
		o(&c)
	}
	c.limits = c.limits.withDefaults()
	c.peer.MaxMessage = c.limits.MaxMessageBytes
	c.peer.IdleTimeout = c.limits.IdleTimeout
	return c
}

// WithImplementation describes the program to servers. The default is
// "mcpengine" with the version that Go recorded for the main module.
func WithImplementation(info mcp.Implementation) Option {
	return func(c *config) { c.info = info }
}

// WithHandlers answers the questions of servers. By default the client answers
// no questions and tells servers so.
func WithHandlers(h Handlers) Option {
	return func(c *config) { c.handlers = h }
}

// WithProtocolVersion limits the protocol versions that may be spoken to the
// given ones; one that is not known is an error. The default is all from
// 2024-11-05 to 2026-07-28, the latest that the server has too.
func WithProtocolVersion(versions ...string) Option {
	return func(c *config) { c.peer.Versions = versions }
}

// A Transport is how messages travel over HTTP.
type Transport string

// The transports: Streamable HTTP, and the HTTP+SSE of 2024-11-05.
const (
	TransportStreamableHTTP = Transport(peer.TransportStreamable)
	TransportSSE            = Transport(peer.TransportSSE)
)

// WithTransport uses only that transport. The default is to find out which one
// the server has. [Command] and [Attach] do not use it.
func WithTransport(t Transport) Option {
	return func(c *config) { c.peer.Transport = peer.Transport(t) }
}

// WithHTTPClient sends requests with client. Its Transport and Jar are used,
// its Timeout and CheckRedirect are not. The default uses the proxies of the
// environment and keeps connections open.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) { c.peer.HTTPClient = client }
}

// WithHeader sets a field of every HTTP request. Given again, it sets another
// field, or another value of the same one.
func WithHeader(name, value string) Option {
	return func(c *config) {
		if c.peer.Header == nil {
			c.peer.Header = http.Header{}
		}
		c.peer.Header.Set(name, value)
	}
}

// An Authorizer puts credentials on HTTP requests: Authorize sets the fields of
// an outgoing request, and Challenged is told of a response with status 401 or
// 403, whose body has been read, and says whether the request is worth sending
// again. A request is sent at most four times. Both are called concurrently.
type Authorizer interface {
	Authorize(ctx context.Context, r *http.Request) error
	Challenged(ctx context.Context, resp *http.Response) (retry bool, err error)
}

// WithAuthorizer puts credentials on HTTP requests. By default requests carry
// no credentials. The time of the authorizer does not count in the IdleTimeout
// of [Limits], because a person may have to sign in.
func WithAuthorizer(a Authorizer) Option {
	if _, ok := a.(*oauth.Authorizer); ok {
		return func(c *config) { c.peer.Authorizer = a } // it knows when a person acts
	}
	return func(c *config) { c.peer.Authorizer = patient{a} }
}

// A patient authorizer stops the time-outs while it runs.
type patient struct{ Authorizer }

func (p patient) Authorize(ctx context.Context, r *http.Request) error {
	defer peer.AwaitPerson(ctx)()
	return p.Authorizer.Authorize(ctx, r)
}

func (p patient) Challenged(ctx context.Context, resp *http.Response) (bool, error) {
	defer peer.AwaitPerson(ctx)()
	return p.Authorizer.Challenged(ctx, resp)
}

// An Observer is told of each request before it is sent: those that find out what
// the server speaks, and each round of a request whose answer is a question, are
// requests of their own. The request is sent with the context that it returns,
// which must come from ctx. The function it returns, if any, is called once with
// the result or the error. Telemetry is an observer.
type Observer func(ctx context.Context, sent *Sent) (context.Context, func(result []byte, err error))

// A Sent is a request as an [Observer] sees it.
type Sent struct {
	// Method is the method, such as "tools/call".
	Method string

	// Params are the parameters as JSON, without the members of "_meta" that every
	// request is given. They are nil for none.
	Params []byte

	// ProtocolVersion is the version that the request is sent in. For initialize
	// it is the version that is offered.
	ProtocolVersion string

	// Server is the URL of the server without its query. It is empty for a server
	// that is not reached over HTTP.
	Server string

	// SessionID is the id of the session of a handshake version, over HTTP. It is
	// empty without one, and so for each request of 2026-07-28.
	SessionID string

	// ID is the id of the request. It is set when the observer is told the end.
	ID string

	// Meta is where the observer puts what it adds to the "_meta" of the request.
	// It is nil at first.
	Meta map[string]string
}

// WithObserver tells an observer of each request. Given again, it takes the place
// of the first.
func WithObserver(observer Observer) Option {
	return func(c *config) {
		c.peer.Observer = func(ctx context.Context, p *peer.Sent) (context.Context, func([]byte, error)) {
			sent := &Sent{Method: p.Method, Params: p.Params, ProtocolVersion: p.Version, Server: p.Server, SessionID: p.Session}
			ctx, end := observer(ctx, sent)
			p.Meta = sent.Meta
			if end == nil {
				return ctx, nil
			}
			return ctx, func(result []byte, err error) {
				sent.ID = p.ID
				end(result, public(err))
			}
		}
	}
}

// A Question is a question of the server as [WithQuestionObserver] sees it.
type Question struct {
	// Method is the method, such as "elicitation/create". Params are the parameters as
	// JSON, or nil.
	Method string
	Params []byte

	// ProtocolVersion, Server and SessionID mean the same as in [Sent]. They are empty
	// for a question that comes before Connect has returned.
	ProtocolVersion, Server, SessionID string

	// ID is the id of the question as JSON. It is empty for one that is a part of a
	// result, as in protocol version 2026-07-28.
	ID string
}

// WithQuestionObserver tells an observer of each question of the server before it is
// answered, by request or as a part of a result. It is answered with the context that the
// observer returns, which must come from ctx. The function it returns, if any, is called
// once with the answer or the error: for a request the one that the server gets. Given
// again, it takes the place of the first.
func WithQuestionObserver(observer func(context.Context, *Question) (context.Context, func(answer []byte, err error))) Option {
	return func(c *config) { c.question = observer }
}

// A Session is a connection to a server that has ended, as [WithSessionObserver] sees
// it.
type Session struct {
	// ProtocolVersion and Server mean the same as in [Sent].
	ProtocolVersion, Server string

	// Duration is how long it has lasted.
	Duration time.Duration
}

// WithSessionObserver tells an observer of the session when [Client.Close] ends it.
// Over HTTP protocol version 2026-07-28 has no session, and the observer is not
// called. Given again, it takes the place of the first.
func WithSessionObserver(observer func(Session)) Option {
	return func(c *config) { c.session = observer }
}

// Options makes one option of several, for packages that need several.
func Options(opts ...Option) Option {
	opts = slices.Clone(opts)
	return func(c *config) {
		for _, opt := range opts {
			opt(c)
		}
	}
}

// Limits bound what a server can make the client do. The zero value of each is
// its default.
type Limits struct {
	// MaxMessageBytes bounds a message of the server. The default is 16 MiB.
	MaxMessageBytes int

	// IdleTimeout is how long a call waits for the next message that belongs to
	// it, including progress. The default is 5 minutes; negative means no limit.
	IdleTimeout time.Duration

	// MaxRounds bounds how often a server may ask for input during one call. The
	// default is 16.
	MaxRounds int

	// CacheBytes bounds the results that are kept because the server allows it.
	// The default is 16 MiB; negative turns the cache off.
	CacheBytes int

	// MaxListEntries and MaxListBytes bound a whole list, with all its pages. The
	// defaults are 100,000 and 64 MiB.
	MaxListEntries, MaxListBytes int
}

// WithLimits changes the limits.
func WithLimits(l Limits) Option {
	return func(c *config) { c.limits = l }
}

func (l Limits) withDefaults() Limits {
	if l.MaxRounds <= 0 {
		l.MaxRounds = 16
	}
	if l.IdleTimeout == 0 {
		l.IdleTimeout = 5 * time.Minute
	}
	if l.MaxListEntries <= 0 {
		l.MaxListEntries = 100_000
	}
	if l.MaxListBytes <= 0 {
		l.MaxListBytes = 64 << 20
	}
	if l.CacheBytes == 0 {
		l.CacheBytes = 16 << 20
	}
	return l
}

// A CallOption adjusts one call.
type CallOption func(*callConfig)

type callConfig struct {
	progress func(mcp.ProgressNotificationParams)
	fresh    bool
	meta     mcp.Meta

	extensions    declaration // besides the client's own
	notifications func(method string, params stdjson.RawMessage)
	mirrored      string // the value of Mcp-Name
	idempotent    bool
	lasting       bool
	fields        []jsonrpc.Member // of the filter of a subscription
}

// WithProgress asks for progress of the call and gets it, in order and before
// the call returns. By default servers are not asked for progress.
func WithProgress(f func(mcp.ProgressNotificationParams)) CallOption {
	return func(c *callConfig) { c.progress = f }
}

// WithMeta adds members to the "_meta" of the request, such as a trace context.
func WithMeta(meta mcp.Meta) CallOption {
	return func(c *callConfig) { c.meta = meta }
}

// Fresh asks the server even if there is a result that may still be used.
func Fresh() CallOption {
	return func(c *callConfig) { c.fresh = true }
}
