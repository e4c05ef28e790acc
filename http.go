package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// An HTTPConfig adjusts the HTTP transport. Its zero value is safe for a server
// on the local machine and for one behind a gateway; a browser on another
// origin needs AllowedOrigins.
type HTTPConfig struct {
	// Path is where [Engine.Run] serves the MCP endpoint. The default is
	// "/mcp".
	Path string

	// PublicURL is the URL of the MCP endpoint as clients reach it, such as
	// "https://mcp.example.com/mcp". Behind a gateway or load balancer the
	// server cannot know it, and it must not trust the header fields of a
	// request. The default is the URL of the resource given to [WithAuth], if
	// any. When the two differ, or PublicURL is not a URL, Run returns an error
	// and requests get status 500.
	PublicURL string

	// AllowedOrigins are the origins, such as "https://app.example", of web
	// pages that may call the server. By default only pages of the local
	// machine may, and only over a local connection.
	AllowedOrigins []string

	// AllowedHosts are the values of the Host header, without port, that the
	// server answers to, besides the host of PublicURL. By default it answers
	// to all, but over a loopback connection only to loopback names, which
	// prevents DNS rebinding.
	AllowedHosts []string

	// MaxBodyBytes bounds a message. The default is 4 MiB.
	MaxBodyBytes int64

	// KeepAlive is the silence after which an event stream gets a comment, so
	// that intermediaries keep it open. The default is 15 seconds.
	KeepAlive time.Duration

	// IOTimeout bounds the time to receive a message and the time to send one
	// event. An answer may take up to twice as long. It replaces
	// [net/http.Server.WriteTimeout]. The default is 30 seconds.
	IOTimeout time.Duration

	// ShutdownTimeout is how long Run lets requests finish when it is told to
	// stop. The default is 10 seconds.
	ShutdownTimeout time.Duration

	// DrainDelay is how long Run goes on serving after it is told to stop. In
	// that time /readyz answers 503, so that load balancers send requests
	// elsewhere. The default is no delay. MCPENGINE_DRAIN_DELAY sets it for
	// [Engine.Run], because the platform that runs the replicas knows the time.
	DrainDelay time.Duration

	// NoSessions serves clients of the handshake versions, which are the
	// protocol versions before 2026-07-28, without a session: the server sends
	// them no requests and no changes, and any replica answers them even
	// without shared keys.
	NoSessions bool

	// PlatformSessions serves a request of a handshake version whose
	// Mcp-Session-Id the server did not issue as a request without a session,
	// instead of answering 404.
	// Amazon Bedrock AgentCore Runtime, for example, adds an id of its own to
	// every request and forbids 404. MCPENGINE_PLATFORM_SESSIONS=true sets it
	// for [Engine.Run].
	PlatformSessions bool

	// JSONOnly never answers clients of the handshake versions with an event
	// stream.
	JSONOnly bool

	// SessionTTL is how long a session of a handshake version lasts before the
	// client has to initialize again. The default is 24 hours.
	SessionTTL time.Duration

	// Events keeps the events of streams for clients of the handshake versions
	// that come back after their connection was lost. The default is a bounded
	// buffer in memory. With one that replicas share, and [WithBus], a client
	// may come back to any of them. It keeps the events of answers; changes that
	// a client has missed stay in memory.
	Events EventStore

	// SSE makes [Engine.Run] serve the HTTP+SSE transport too, as
	// [Engine.SSEHandler] does.
	SSE bool

	// AuthorizationHeader names a header that replaces Authorization on AWS
	// Lambda behind IAM authorization, where the platform uses Authorization
	// itself. Elsewhere it has no effect.
	AuthorizationHeader string

	// InsecureSkipOriginCheck turns the checks of Origin and Host off. Any web
	// page can then use the server with the rights of its visitor.
	InsecureSkipOriginCheck bool
}

// An EventStore keeps the events of streams, so that a client of a handshake
// version gets the events it has missed when it comes back (2025-11-25,
// transports, "Resumability and Redelivery"). Its methods are called
// concurrently.
type EventStore interface {
	// Append keeps an event of a stream. Numbers begin at 1 and increase. It
	// must not use the data after it has returned.
	Append(stream string, number uint64, data []byte)

	// After returns the events of a stream with greater numbers that are still
	// there, in their order.
	After(stream string, number uint64) iter.Seq2[uint64, []byte]

	// End says that there will be no more events of a stream. The events stay
	// as long as a client may come back for them.
	End(stream string)
}

// withDefaults sets the members that are zero to their defaults.
func (c HTTPConfig) withDefaults() HTTPConfig {
	if c.Path == "" {
		c.Path = "/mcp"
	}
	if c.MaxBodyBytes <= 0 {
		c.MaxBodyBytes = 4 << 20
	}
	if c.KeepAlive <= 0 {
		c.KeepAlive = 15 * time.Second
	}
	if c.IOTimeout <= 0 {
		c.IOTimeout = 30 * time.Second
	}
	if c.ShutdownTimeout <= 0 {
		c.ShutdownTimeout = 10 * time.Second
	}
	return c
}

// serveHTTP makes the handler of the MCP endpoint from the current
// configuration.
func (e *Engine) serveHTTP() { e.http = streamable.New(core{Engine: e}, e.transport()) }

func (e *Engine) transport() streamable.Config {
	c := e.httpConfig
	config := streamable.Config{
		AllowedOrigins:  c.AllowedOrigins,
		AllowedHosts:    c.AllowedHosts,
		MaxBody:         c.MaxBodyBytes,
		KeepAlive:       c.KeepAlive,
		IOTimeout:       c.IOTimeout,
		SkipOriginCheck: c.InsecureSkipOriginCheck,
		PublicHost:      publicHost(c.PublicURL),
		Versions:        supportedVersions(),
		Logger:          e.logger,
		Handshake:       e.handshakeHTTP(),
	}
	if e.refusalObservers != nil {
		config.Refused = e.refused
	}
	if e.auth != nil {
		config.Authenticate = e.authenticate
		config.Owner = func(ctx context.Context) string { return ownerID(auth.UserFrom(ctx)) }
	}
	return config
}

// publicHost returns the host of a URL that checkURLs has checked, or "".
func publicHost(publicURL string) string {
	u, err := url.Parse(publicURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// checkURLs determines the public URL of the server. It refuses a URL that no
// client could reach, and an origin that no browser would send. It does not
// panic, because these values often come from the environment.
func (e *Engine) checkURLs() error {
	c := &e.httpConfig
	for _, origin := range c.AllowedOrigins {
		u, err := weburl.Parse(origin)
		if err == nil && u.Scheme+"://"+u.Host != origin {
			err = errors.New("not an origin, such as https://app.example.com: it has a path or a query")
		}
		if err != nil {
			return fmt.Errorf("HTTPConfig.AllowedOrigins: %w", err)
		}
	}
	if c.PublicURL != "" {
		u, err := weburl.Parse(c.PublicURL)
		if err == nil && (u.RawQuery != "" || u.ForceQuery) {
			err = errors.New("a URL with a query")
		}
		if err != nil {
			return fmt.Errorf("HTTPConfig.PublicURL: %w", err)
		}
	}
	switch {
	case e.auth == nil:
	case c.PublicURL == "":
		c.PublicURL = e.auth.URL()
	case c.PublicURL != e.auth.URL():
		return fmt.Errorf("HTTPConfig.PublicURL is %q, but tokens are for the resource %q", c.PublicURL, e.auth.URL())
	}
	return nil
}
