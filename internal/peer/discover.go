package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// errNoVersion says that client and server have no version in common.
var errNoVersion error = &ProtocolError{errors.New("no protocol version in common")}

// Dial connects to the server at an HTTP URL. The connection is ready when Dial
// returns; what it speaks has been found out, or is known from [Cache] when that
// is a version without a handshake: then nothing is sent before the first call.
// Close the connection when done.
func Dial(ctx context.Context, rawURL string, config Config) (*Conn, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return nil, errors.New("parse the server's URL: it is malformed") // it may hold a secret
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("the URL of a server begins with https:// or http://, not %.32q", u.Scheme)
	}
	u.Fragment, u.RawFragment = "", ""
	var owned ownership
	if config.HTTPClient == nil {
		config.HTTPClient = NewHTTPClient(TLSConfig{})
		owned.release = config.HTTPClient.CloseIdleConnections
	}
	t := &httpTarget{url: u}
	c := newConn(config, t)
	c.owned = owned
	t.endpoint = newEndpoint(&c.config)
	if _, err := c.connected(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// An httpTarget is a server at a URL.
type httpTarget struct {
	url      *url.URL
	endpoint *endpoint
}

// server leaves the query out: it may hold a secret.
func (t *httpTarget) server() string {
	return t.url.Scheme + "://" + t.url.Host + t.url.EscapedPath()
}

// open asks with server/discover first, and tries the handshake when that is
// refused (streamable-http, "Backward Compatibility").
func (t *httpTarget) open(ctx context.Context, c *Conn, known Known) (*binding, error) {
	if l := t.remembered(c, known); l != nil {
		return l, nil
	}
	if c.config.Transport == TransportSSE || known.Transport == TransportSSE && c.config.Transport == TransportDetect {
		return t.openSSE(ctx, c)
	}
	stateless, handshake := protocol.Latest(false, c.config.Versions, nil), protocol.Latest(true, c.config.Versions, nil)
	if stateless == nil || isHandshake(known) {
		return t.openHandshake(ctx, c, handshake)
	}
	if handshake == nil {
		return t.openStateless(ctx, c, stateless)
	}
	l, refused := t.probe(ctx, c, stateless, c.config.ConnectTimeout/4)
	if refused == nil {
		return l, nil
	}
	if isFinal(refused) || ctx.Err() != nil {
		return nil, refused
	}
	// Servers on uvicorn close the connection after a status of 500, and do not
	// say so.
	t.endpoint.client.CloseIdleConnections()
	l, err := t.openHandshake(ctx, c, handshake)
	if v := protocol.Latest(false, c.config.Versions, supportedBy(nil, err)); v != nil && supportedBy(nil, err) != nil {
		return t.openStateless(ctx, c, v)
	}
	if err != nil {
		// The refusal is text alone: what the caller does depends on the last
		// error.
		return nil, fmt.Errorf("%w (server/discover was answered before: %v)", err, refused)
	}
	return t.confirm(ctx, c, l, refused)
}

// confirm asks once more what the server speaks, if the refusal may have come
// from a gateway. By now the server has answered a handshake, so if the refusal
// is the same again, it is the server's own. If it differs, the version stays
// unknown: this link uses the handshake, and the next link asks again.
func (t *httpTarget) confirm(ctx context.Context, c *Conn, l *binding, refused error) (*binding, error) {
	if isVerdict(refused) || l.transport == TransportSSE {
		return l, nil
	}
	limit := min(c.config.ConnectTimeout/4, c.config.ProbeTimeout)
	found, err := t.probe(ctx, c, protocol.Latest(false, c.config.Versions, nil), limit)
	if err == nil {
		c.wait.Go(l.link.close)
		return found, nil
	}
	t.endpoint.client.CloseIdleConnections()
	l.tentative = !isSameRefusal(refused, err)
	return l, nil
}

// openHandshake begins a session, over HTTP+SSE if the server takes no POST.
func (t *httpTarget) openHandshake(ctx context.Context, c *Conn, offer *protocol.Version) (*binding, error) {
	l, err := t.openSession(ctx, c, offer)
	if named := supportedBy(nil, err); named != nil {
		if v := protocol.Latest(true, c.config.Versions, named); v != nil && v != offer {
			return t.openSession(ctx, c, v)
		}
	}
	if !mayBeSSE(err) || c.config.Transport == TransportStreamable {
		return l, err
	}
	l, sseErr := t.openSSE(ctx, c)
	if sseErr == nil || wraps[*ProtocolError](sseErr) || wraps[*AuthError](sseErr) {
		return l, sseErr
	}
	return nil, fmt.Errorf("%w (and there is no HTTP+SSE: %v)", err, sseErr)
}

// remembered returns a link that needs no request to be opened, or nil.
func (t *httpTarget) remembered(c *Conn, known Known) *binding {
	v := protocol.Find(known.Version)
	if v == nil || v.Handshake || c.config.Transport == TransportSSE || protocol.Latest(false, c.config.Versions, []string{v.Name}) == nil {
		return nil
	}
	return newBinding(&c.config, newStateless(t.endpoint, t.url, v), v, TransportStreamable, known.Result)
}

func isHandshake(known Known) bool {
	v := protocol.Find(known.Version)
	return v != nil && v.Handshake
}

// probe asks in a version without a handshake. A server that has none may stay
// silent (versioning, "Compatibility Matrix"), so that the question gets a
// limited time.
func (t *httpTarget) probe(ctx context.Context, c *Conn, v *protocol.Version, limit time.Duration) (*binding, error) {
	probing := startIdleTimer(ctx, limit)
	defer probing.stop()
	l, err := t.openStateless(probing, c, v)
	if err != nil && probing.Err() != nil {
		err = context.Cause(probing)
	}
	return l, err
}

func (t *httpTarget) openStateless(ctx context.Context, c *Conn, v *protocol.Version) (*binding, error) {
	link := func(v *protocol.Version) link { return newStateless(t.endpoint, t.url, v) }
	return c.discover(ctx, v, link, TransportStreamable)
}

// discover asks the server what it speaks, in version v, and returns a link in
// the latest common version without a handshake. That the server has only
// versions with one is an error that is not final.
func (c *Conn) discover(ctx context.Context, v *protocol.Version, open func(*protocol.Version) link, t Transport) (*binding, error) {
	for retried := false; ; retried = true {
		l := newBinding(&c.config, open(v), v, t, nil)
		result, err := c.setUp(ctx, l, "server/discover", nil)
		supported := supportedBy(result, err)
		if supported == nil {
			if err == nil {
				err = fmt.Errorf("%w, or so it seems: the result of server/discover names none", errHandshakeOnly)
			}
			return nil, err
		}
		next := protocol.Latest(false, c.config.Versions, supported)
		switch {
		case next == nil && protocol.Latest(true, c.config.Versions, supported) == nil:
			return nil, fmt.Errorf("%w: the server has %.256q", errNoVersion, supported)
		case next == nil:
			return nil, fmt.Errorf("%w: %.256q", errHandshakeOnly, supported)
		case err != nil && retried:
			return nil, err
		case err == nil && next == v:
			l.result = result
			return l, nil
		case err == nil:
			l = newBinding(&c.config, open(next), next, t, result)
			return l, nil
		}
		v = next
	}
}

// supportedBy returns the versions that a result of server/discover, or the error
// for a version that is not supported, lists, and nil if none. Handshake versions
// had the code -32602 for it (2025-11-25, lifecycle, "Error Handling").
func supportedBy(result []byte, err error) []string {
	raw, member := result, "supportedVersions"
	if rpcErr, ok := errors.AsType[*jsonrpc.Error](err); ok {
		if rpcErr.Code != mcp.CodeUnsupportedProtocolVersion && rpcErr.Code != mcp.CodeInvalidParams {
			return nil
		}
		raw, member = rpcErr.Data, "supported"
	} else if err != nil {
		return nil
	}
	members, err := jsonrpc.ParseObject(raw)
	if err != nil || members.Get(member) == nil {
		return nil
	}
	elements, err := jsonrpc.ParseArray(members.Get(member))
	if err != nil {
		return nil
	}
	names := []string{}
	for _, e := range elements {
		if e[0] == '"' && len(e) <= 64 {
			names = append(names, jsonrpc.UnquoteString(e))
		}
	}
	return names
}

// setUp makes a call while the link is not yet the connection's.
func (c *Conn) setUp(ctx context.Context, l *binding, method string, params []byte) ([]byte, error) {
	return c.observe(ctx, l, Call{Method: method, Params: params, Replay: true}, l.link.call)
}

func (t *httpTarget) openSession(ctx context.Context, c *Conn, offered *protocol.Version) (*binding, error) {
	params, err := c.initializeParams(offered)
	if err != nil {
		return nil, err
	}
	s := newSession(t.endpoint, t.url)
	l := newBinding(&c.config, s, offered, TransportStreamable, nil)
	var header http.Header
	result, err := c.observe(ctx, l, Call{Method: protocol.MethodInitialize, Params: params, Replay: true},
		func(ctx context.Context, p *pendingCall) (result []byte, err error) {
			result, header, err = s.exchange(ctx, p)
			return result, err
		})
	if err == nil {
		l.version, err = c.agreed(result)
	}
	if err == nil && !isVisible(header.Get("Mcp-Session-Id")) {
		err = protocolErrorf("the session id has characters that are not visible")
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("initialize: %w", err)
	}
	s.begin(header.Get("Mcp-Session-Id"), l.version.Name)
	if err := s.send(ctx, initialized); err != nil {
		s.close()
		return nil, fmt.Errorf("initialize: %w", err)
	}
	l.result = result
	l.begin = s.listen
	return l, nil
}

var initialized = []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)

// isVisible reports whether a session id is made of visible ASCII (2025-11-25,
// transports, "Session Management").
func isVisible(id string) bool {
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return false
		}
	}
	return true
}

// initializeParams returns the parameters of initialize that offer a version.
func (c *Conn) initializeParams(v *protocol.Version) ([]byte, error) {
	if v == nil {
		return nil, fmt.Errorf("%w: the server wants a handshake, which none of %.256q has", errNoVersion, c.config.Versions)
	}
	var params jsonrpc.Builder
	params.AddString("protocolVersion", v.Name)
	params.Add("capabilities", c.config.Capabilities)
	params.Add("clientInfo", c.config.ClientInfo)
	return params.Object(), nil
}

// agreed returns the version that the server chose in the handshake.
func (c *Conn) agreed(result []byte) (*protocol.Version, error) {
	members, err := jsonrpc.ParseObject(result)
	if err != nil {
		return nil, protocolErrorf("read the result of initialize: %w", err)
	}
	name := jsonrpc.Text(members.Get("protocolVersion"))
	v := protocol.Latest(true, c.config.Versions, []string{name})
	if v == nil {
		return nil, fmt.Errorf("%w: the server wants %.64q", errNoVersion, name)
	}
	return v, nil
}

func (t *httpTarget) openSSE(ctx context.Context, c *Conn) (*binding, error) {
	link, err := openSSE(ctx, t.endpoint, t.url)
	if err != nil {
		return nil, fmt.Errorf("open the event stream: %w", err)
	}
	l, err := c.handshake(ctx, link, protocol.Latest(true, c.config.Versions, nil), TransportSSE)
	if err != nil {
		link.close()
	}
	return l, err
}

// handshake initializes over a channel that is open, in another version when the
// server refuses the offered one and names others.
func (c *Conn) handshake(ctx context.Context, link link, offered *protocol.Version, t Transport) (*binding, error) {
	params, err := c.initializeParams(offered)
	if err != nil {
		return nil, err
	}
	l := newBinding(&c.config, link, offered, t, nil)
	result, err := c.setUp(ctx, l, protocol.MethodInitialize, params)
	if named := supportedBy(nil, err); named != nil {
		if v := protocol.Latest(true, c.config.Versions, named); v != nil && v != offered {
			return c.handshake(ctx, link, v, t)
		}
	}
	if err == nil {
		l.version, err = c.agreed(result)
	}
	if err == nil {
		err = link.send(ctx, initialized)
	}
	if err != nil {
		return nil, fmt.Errorf("initialize: %w", err)
	}
	l.result = result
	return l, nil
}

// opened returns a function that returns a link that is open already.
func opened(l link) func(*protocol.Version) link { return func(*protocol.Version) link { return l } }
