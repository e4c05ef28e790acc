package client

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Client is a connection to one server, on behalf of one caller: its cache
// holds results that are private to that caller. It is safe for concurrent use.
type Client struct {
	conn   *peer.Conn // when connected is closed
	config config
	cache  cache
	tools  toolTable

	completions completions

	connected chan struct{}

	began time.Time
	ended sync.Once

	mu        sync.Mutex
	listeners map[*listener]struct{}
}

// Connect connects to the server at an HTTP or HTTPS URL. Close the client when
// done.
func Connect(ctx context.Context, url string, opts ...Option) (*Client, error) {
	return connect(ctx, opts, func(c peer.Config, own config) (*peer.Conn, error) {
		if own.oauth != nil {
			a, err := own.oauth.authorizer(ctx, url, own.info)
			if err != nil {
				return nil, err
			}
			c.Authorizer = a
		}
		return peer.Dial(ctx, url, c)
	})
}

// Command starts a server as a process, with its arguments, and connects to its
// standard streams. Its standard error goes to the Stderr of [Process]. Closing
// the client ends the process.
func Command(ctx context.Context, process Process, opts ...Option) (*Client, error) {
	return connect(ctx, opts, func(c peer.Config, _ config) (*peer.Conn, error) {
		return peer.Start(ctx, peer.Command{
			Path: process.Path, Args: process.Args, Env: process.Env, Dir: process.Dir, Stderr: process.Stderr, Wrap: process.Wrap,
		}, c)
	})
}

// A Process says how a server is started.
type Process struct {
	// Path is the program, which is looked for in PATH if it is a bare name.
	// Required.
	Path string
	Args []string

	// Env holds "key=value" pairs. The default is the environment of this
	// process. The server gets MCPENGINE_TRANSPORT=stdio besides, so that a PORT
	// which is meant for this process does not make it serve HTTP.
	Env []string

	// Dir is the working directory. The default is the working directory of this
	// process.
	Dir string

	// Stderr gets the standard error of the server. The default drops it.
	Stderr io.Writer

	// Wrap gets the standard output and input of the server, and returns the streams
	// to use in their place, for example streams that record the messages. It is
	// called for each process that is started. The default returns the same streams.
	Wrap func(in io.ReadCloser, out io.WriteCloser) (io.ReadCloser, io.WriteCloser)
}

// Attach connects to a server at the other end of two streams, with a message on
// each line. Closing the client closes both.
func Attach(ctx context.Context, in io.ReadCloser, out io.WriteCloser, opts ...Option) (*Client, error) {
	return connect(ctx, opts, func(c peer.Config, _ config) (*peer.Conn, error) { return peer.Attach(ctx, in, out, c) })
}

func connect(ctx context.Context, opts []Option, open func(peer.Config, config) (*peer.Conn, error)) (*Client, error) {
	c := &Client{config: newConfig(opts), listeners: make(map[*listener]struct{}), connected: make(chan struct{})}
	c.tools.listing = make(chan struct{}, 1)
	for _, version := range c.config.peer.Versions {
		if !slices.Contains(protocol.Names(nil), version) {
			return nil, fmt.Errorf("connect: protocol version %.32q is not one of %v", version, protocol.Names(nil))
		}
	}
	pc, err := c.peerConfig()
	if err != nil {
		return nil, err
	}
	if c.conn, err = open(pc, c.config); err != nil {
		return nil, public(err)
	}
	close(c.connected)
	c.began = time.Now()
	if err := c.setLogLevel(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// peerConfig describes the client to the server.
func (c *Client) peerConfig() (peer.Config, error) {
	pc, err := c.config.peer, c.config.extensions.err
	if err != nil {
		return pc, err
	}
	if pc.ClientInfo, err = json.Marshal(c.config.info); err != nil {
		return pc, fmt.Errorf("encode the client's info: %w", err)
	}
	if pc.Capabilities, err = json.Marshal(c.config.capabilities()); err != nil {
		return pc, fmt.Errorf("encode the client's capabilities: %w", err)
	}
	pc.OnNotification = c.notified
	pc.OnRequest = c.answerRequest
	return pc, nil
}

// setLogLevel asks for log messages in a handshake version, once for the
// session.
func (c *Client) setLogLevel(ctx context.Context) error {
	if c.config.handlers.Log == nil || !c.conn.Handshake() || c.Capabilities().Logging == nil {
		return nil
	}
	_, err := c.conn.Call(ctx, peer.Call{Method: protocol.MethodLoggingSetLevel, Params: object("level", c.config.handlers.logLevel())})
	if err != nil {
		return fmt.Errorf("set the log level: %w", public(err))
	}
	return nil
}

// notified handles a notification that does not belong to a call.
func (c *Client) notified(n jsonrpc.Notification) {
	c.invalidate(n)
	c.logged(n)
	c.completions.add(n)
	c.extended(n)
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.listeners {
		l.receive(n)
	}
}

// invalidate drops cached results that a notification makes stale.
func (c *Client) invalidate(n jsonrpc.Notification) {
	switch n.Method {
	case mcp.MethodNotificationsToolsListChanged:
		c.cache.drop(mcp.MethodToolsList)
		c.tools.forget()
	case mcp.MethodNotificationsPromptsListChanged:
		c.cache.drop(mcp.MethodPromptsList)
	case mcp.MethodNotificationsResourcesListChanged:
		c.cache.drop(mcp.MethodResourcesList)
		c.cache.drop(mcp.MethodResourcesTemplatesList)
	case mcp.MethodNotificationsResourcesUpdated:
		// The URI may name a part of a resource that was read.
		c.cache.drop(mcp.MethodResourcesRead)
	}
}

func (c *Client) logged(n jsonrpc.Notification) {
	if n.Method != mcp.MethodNotificationsMessage || c.config.handlers.Log == nil {
		return
	}
	var p mcp.LoggingMessageNotificationParams
	if json.Unmarshal(n.Params, &p) == nil {
		c.config.handlers.Log(p)
	}
}

// Version returns the protocol version that client and server speak.
func (c *Client) Version() string { return c.conn.Version() }

// Server returns how the server introduced itself. It is self-reported: show it
// or log it, but decide nothing by it.
func (c *Client) Server() mcp.Implementation {
	var info mcp.Implementation
	_ = json.Unmarshal(c.conn.Server().Info, &info) // a malformed value counts as absent
	return info
}

// Capabilities returns the capabilities of the server.
func (c *Client) Capabilities() mcp.ServerCapabilities {
	var capabilities mcp.ServerCapabilities
	_ = json.Unmarshal(c.conn.Server().Capabilities, &capabilities) // a malformed value counts as absent
	return capabilities
}

// Instructions returns the server's instructions for a model that uses it.
func (c *Client) Instructions() string { return c.conn.Server().Instructions }

// Close ends the calls under way, the session and the process, and returns when
// all of them have ended. It must not be called by a handler.
func (c *Client) Close() error {
	err := c.conn.Close()
	if c.config.session != nil {
		c.ended.Do(func() {
			server := c.conn.Address()
			if strings.HasPrefix(server, "http") && !c.conn.Handshake() {
				return
			}
			c.config.session(Session{c.conn.Version(), server, time.Since(c.began)})
		})
	}
	return err
}
