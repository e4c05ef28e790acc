package peer

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// A Transport is how messages travel over HTTP.
type Transport string

// The transports of a [Config].
const (
	TransportDetect     Transport = ""     // find out
	TransportStreamable Transport = "http" // Streamable HTTP
	TransportSSE        Transport = "sse"  // HTTP+SSE, of 2024-11-05
)

// DefaultIdleTimeout is the IdleTimeout of a [Config] that names none.
const DefaultIdleTimeout = 5 * time.Minute

// A Config adjusts a [Conn]. Its zero value is ready to use.
type Config struct {
	// ClientInfo and Capabilities are the JSON objects that a request, or the
	// handshake, introduces the client with. A member of a request's "_meta"
	// takes their place. The defaults are a nameless client and {}.
	ClientInfo, Capabilities []byte

	// Versions are the protocol versions that may be spoken. The default is all.
	Versions []string

	// Transport forces a transport over HTTP. The default is to find out.
	Transport Transport

	// Cache remembers what servers speak. The default remembers nothing.
	Cache Cache

	// HTTPClient sends the requests. Its CheckRedirect is not used. If its
	// Transport returns an [*AuthError], the call ends with it. The default is a
	// client of [NewHTTPClient], one for each connection.
	HTTPClient *http.Client

	// Header is added to every HTTP request.
	Header http.Header

	// Authorizer puts credentials on HTTP requests. Optional.
	Authorizer Authorizer

	// OnNotification gets the notifications that belong to no call, one at a
	// time. It may use the connection. Optional.
	OnNotification func(jsonrpc.Notification)

	// OnRequest answers the requests of the server that no call answers, at most
	// 64 at once. A *[jsonrpc.Error] is sent as it is, and any other error as
	// -32603 without details. The default is to refuse them. The connection
	// answers ping itself.
	OnRequest RequestFunc

	// OnConnect is called each time that the connection is made, before the call
	// that needs it goes on. The state of the last session or process is lost
	// then. It must not use the connection before it returns. Optional.
	OnConnect func()

	// Observer is told of each request, those that find out what the server speaks
	// included. Optional.
	Observer Observer

	// MaxMessage bounds a message of the server, in bytes. The default is 16 MiB.
	MaxMessage int

	// IdleTimeout is how long a call waits for the next message that belongs to
	// it, connecting and signing in included. The default is 5 minutes, and
	// negative means forever, which is how long subscriptions/listen waits in
	// any case.
	IdleTimeout time.Duration

	// ConnectTimeout bounds finding out what the server speaks, with all its
	// requests. The default is 1 minute. It is never longer than IdleTimeout. The
	// time of a person who signs in does not count (see [AwaitPerson]).
	ConnectTimeout time.Duration

	// ProbeTimeout is how long a command may take to answer server/discover
	// before the handshake is tried (stdio, "Backward Compatibility"). The default
	// is 5 seconds.
	ProbeTimeout time.Duration

	// CloseTimeout is how long Close waits for the server to end its process, or
	// the session, at each step. The default is 2 seconds.
	CloseTimeout time.Duration
}

// A RequestFunc answers a request of the server with the JSON of its result. Its
// context ends when the server cancels the request or the connection ends.
type RequestFunc func(ctx context.Context, method string, params []byte) (result []byte, err error)

func (c Config) withDefaults() Config {
	if c.ClientInfo == nil {
		c.ClientInfo = []byte(`{"name":"mcpengine","version":"0"}`)
	}
	if c.Capabilities == nil {
		c.Capabilities = []byte(`{}`)
	}
	if c.Versions == nil {
		c.Versions = protocol.Names(nil)
	}
	if c.MaxMessage <= 0 {
		c.MaxMessage = 16 << 20
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = DefaultIdleTimeout
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = time.Minute
	}
	if c.IdleTimeout > 0 {
		c.ConnectTimeout = min(c.ConnectTimeout, c.IdleTimeout)
	}
	if c.ProbeTimeout <= 0 {
		c.ProbeTimeout = 5 * time.Second
	}
	if c.CloseTimeout <= 0 {
		c.CloseTimeout = 2 * time.Second
	}
	return c
}

// A Cache remembers what servers speak, by URL, so that a connection need not
// find out again (versioning, "Backward Compatibility"). An entry that turns
// out to be wrong is replaced. Its methods are called concurrently.
type Cache interface {
	Load(server string) (Known, bool)
	Store(server string, known Known)
}

// Known describes a server whose version has been found out.
type Known struct {
	Version   string    `json:"version"`
	Transport Transport `json:"transport"`

	// Result is the result of server/discover or initialize.
	Result json.RawMessage `json:"result"`
}
