package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
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

// open tries the newest way to talk first (streamable-http, "Backward
// Compatibility").
func (t *httpTarget) open(ctx context.Context, c *Conn, known Known) (*live, error) {
	if l := t.remembered(c, known); l != nil {
		return l, nil
	}
	if c.config.Transport == TransportSSE || known.Transport == TransportSSE && c.config.Transport == TransportDetect {
		return t.openSSE(ctx, c)
	}
	var first error
	if protocol.Latest(false, c.config.Versions, nil) != nil && !isHandshake(known) {
		l, silent, err := t.probe(ctx, c)
		if err == nil || isFinal(err) && !silent || protocol.Latest(true, c.config.Versions, nil) == nil {
			return l, err
		}
		first = err
		// Servers on uvicorn close the connection after a status of 500, and do not
		// say so.
		t.endpoint.client.CloseIdleConnections()
	}
	l, err := t.openSession(ctx, c)
	if isUnwelcome(err) && c.config.Transport != TransportStreamable {
		l, err = t.openSSE(ctx, c)
	}
	if err != nil && first != nil {
		err = fmt.Errorf("%w (and before that: %w)", err, first)
	}
	return l, err
}

// remembered returns a link that needs no request to be opened, or nil.
func (t *httpTarget) remembered(c *Conn, known Known) *live {
	v := protocol.Find(known.Version)
	if v == nil || v.Handshake || c.config.Transport == TransportSSE || protocol.Latest(false, c.config.Versions, []string{v.Name}) == nil {
		return nil
	}
	return newLive(&c.config, newStateless(t.endpoint, t.url, v), v, TransportStreamable, known.Result)
}

func isHandshake(known Known) bool {
	v := protocol.Find(known.Version)
	return v != nil && v.Handshake
}

// isFinal reports whether an attempt says all there is to know: the server is
// not there, wants credentials or time, or speaks nothing that the client does.
func isFinal(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Status == http.StatusTooManyRequests || status.Status == http.StatusServiceUnavailable
	}
	if rpcErr, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return isStateless(rpcErr)
	}
	_, unreachable := errors.AsType[*UnreachableError](err)
	_, auth := errors.AsType[*AuthError](err)
	return unreachable || auth || errors.Is(err, errNoVersion) || errors.Is(err, ErrIdle) || errors.Is(err, ErrClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// isUnwelcome reports whether the status is one of those after which HTTP+SSE is
// worth a try.
func isUnwelcome(err error) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && isNoEndpoint(status.Status)
}

// probe asks in a version without a handshake. A server that has none may stay
// silent (versioning, "Compatibility Matrix"), so that the question gets a
// quarter of the time. Silent says that it was not enough.
func (t *httpTarget) probe(ctx context.Context, c *Conn) (l *live, silent bool, err error) {
	probing := ctx
	if protocol.Latest(true, c.config.Versions, nil) != nil {
		var cancel context.CancelFunc
		probing, cancel = context.WithTimeout(ctx, c.config.hurry(c.config.ConnectTimeout/4))
		defer cancel()
	}
	l, err = t.openStateless(probing, c)
	return l, probing.Err() != nil && ctx.Err() == nil, err
}

func (t *httpTarget) openStateless(ctx context.Context, c *Conn) (*live, error) {
	v := protocol.Latest(false, c.config.Versions, nil)
	link := func(v *protocol.Version) link { return newStateless(t.endpoint, t.url, v) }
	return c.discover(ctx, v, link, TransportStreamable)
}

// discover asks the server what it speaks, in version v, and returns a link in
// the newest common version without a handshake. That the server has only
// versions with one is an error that is not final.
func (c *Conn) discover(ctx context.Context, v *protocol.Version, open func(*protocol.Version) link, t Transport) (*live, error) {
	for retried := false; ; retried = true {
		l := newLive(&c.config, open(v), v, t, nil)
		result, err := c.setUp(ctx, l, "server/discover", nil)
		supported := supportedBy(result, err)
		if supported == nil {
			if err == nil {
				err = protocolErrorf("the result of server/discover names no versions")
			}
			return nil, err
		}
		next := protocol.Latest(false, c.config.Versions, supported)
		switch {
		case next == nil && protocol.Latest(true, c.config.Versions, supported) == nil:
			return nil, fmt.Errorf("%w: the server has %.256q", errNoVersion, supported)
		case next == nil:
			return nil, fmt.Errorf("the server has only versions with a handshake: %.256q", supported)
		case err != nil && retried:
			return nil, err
		case err == nil && next == v:
			l.result = result
			return l, nil
		case err == nil:
			l = newLive(&c.config, open(next), next, t, result)
			return l, nil
		}
		v = next
	}
}

// supportedBy returns the versions that a result of server/discover, or the
// error for a version that is not supported, lists, and nil if none.
func supportedBy(result []byte, err error) []string {
	raw, member := result, "supportedVersions"
	if rpcErr, ok := errors.AsType[*jsonrpc.Error](err); ok {
		if rpcErr.Code != jsonrpc.CodeUnsupportedProtocolVersion {
			return nil
		}
		raw, member = rpcErr.Data, "supported"
	} else if err != nil {
		return nil
	}
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
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
func (c *Conn) setUp(ctx context.Context, l *live, method string, params []byte) ([]byte, error) {
	f, err := c.prepare(l, Call{Method: method, Params: params, Replay: true})
	if err != nil {
		return nil, err
	}
	return l.link.call(ctx, f)
}

func (t *httpTarget) openSession(ctx context.Context, c *Conn) (*live, error) {
	params, offered, err := c.initializeParams()
	if err != nil {
		return nil, err
	}
	s := newSession(t.endpoint, t.url)
	l := newLive(&c.config, s, offered, TransportStreamable, nil)
	f, err := c.prepare(l, Call{Method: protocol.MethodInitialize, Params: params, Replay: true})
	if err != nil {
		return nil, err
	}
	result, header, err := s.exchange(ctx, f)
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
	s.listen()
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

// initializeParams returns the parameters of initialize, and the version they
// offer.
func (c *Conn) initializeParams() ([]byte, *protocol.Version, error) {
	v := protocol.Latest(true, c.config.Versions, nil)
	if v == nil {
		return nil, nil, fmt.Errorf("%w: the server wants a handshake, which none of %.256q has", errNoVersion, c.config.Versions)
	}
	var params jsonrpc.Builder
	params.AddString("protocolVersion", v.Name)
	params.Add("capabilities", c.config.Capabilities)
	params.Add("clientInfo", c.config.ClientInfo)
	return params.Object(), v, nil
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

func (t *httpTarget) openSSE(ctx context.Context, c *Conn) (*live, error) {
	link, err := openSSE(ctx, t.endpoint, t.url)
	if err != nil {
		return nil, fmt.Errorf("open the event stream: %w", err)
	}
	l, err := c.handshake(ctx, link, TransportSSE)
	if err != nil {
		link.close()
	}
	return l, err
}

// handshake initializes over a channel that is open.
func (c *Conn) handshake(ctx context.Context, link link, t Transport) (*live, error) {
	params, offered, err := c.initializeParams()
	if err != nil {
		return nil, err
	}
	l := newLive(&c.config, link, offered, t, nil)
	result, err := c.setUp(ctx, l, protocol.MethodInitialize, params)
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

// opened returns a function that opens what is open already.
func opened(l link) func(*protocol.Version) link { return func(*protocol.Version) link { return l } }
