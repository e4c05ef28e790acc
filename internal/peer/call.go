package peer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// A Call is a request to the server.
type Call struct {
	Method string

	// Params is a JSON object, or nil. It is sent as it is, but for its "_meta":
	// the members that 2026-07-28 requires are added, and they are taken out on
	// handshake versions.
	Params []byte

	// Mirror are the arguments of the tool that are sent as header fields too,
	// where the transport and the version have them. See [ParseMirror].
	Mirror Mirror

	// Name is the value of Mcp-Name for a method that is not known here, where the
	// transport and the version have that field.
	Name string

	// Lasts says that the request stays open, so that silence is not a fault, for a
	// method that is not known here.
	Lasts bool

	// Header is added to the HTTP request.
	Header http.Header

	// Replay says that the request may be sent again when the session it
	// belonged to is lost, though the server may have begun to act on it.
	Replay bool

	// OnNotification gets the notifications that belong to the call, one at a
	// time and before Call returns. On a shared connection, such as a command's,
	// the next messages wait until it returns. Progress is reported with the token
	// of Params. When it is nil, notifications are dropped.
	OnNotification func(jsonrpc.Notification)

	// OnRequest answers the requests that the server sends because of the call,
	// which handshake versions allow. The default is the OnRequest of [Config]. On
	// a shared connection a request does not say which call it belongs to, so the
	// function gets the requests that arrive while no other call is under way.
	OnRequest RequestFunc
}

func (c *Call) lasts() bool { return c.Lasts || protocol.MethodOf(c.Method).Lasts }

// A pendingCall is a call under way.
type pendingCall struct {
	Call
	id      int64
	idText  []byte
	message []byte
	name    string // for Mcp-Name

	token []byte // the caller's progress token, as JSON

	notifying sync.Mutex // held while a notification is delivered
	finished  bool       // no more notifications are delivered

	idle *idleTimer // nil for a call that may be silent

	idRoom  [20]byte          // backs idText
	members [6]jsonrpc.Member // backs the members of Params
}

// touch restarts the idle time: the server has sent a message.
func (p *pendingCall) touch() {
	if p.idle != nil {
		p.idle.touch()
	}
}

// finish ends the delivery of notifications.
func (p *pendingCall) finish() {
	p.notifying.Lock()
	p.finished = true
	p.notifying.Unlock()
}

// notify delivers a notification.
func (p *pendingCall) notify(m *jsonrpc.Message) {
	p.notifying.Lock()
	defer p.notifying.Unlock()
	if p.finished {
		return
	}
	p.touch()
	if p.OnNotification == nil {
		return
	}
	params := m.Params
	if params == nil {
		params = []byte("{}")
	}
	if m.Method == "notifications/progress" && p.token != nil {
		params = jsonrpc.Set(params, "progressToken", p.token)
	}
	p.OnNotification(jsonrpc.Notification{Method: m.Method, Params: params})
}

// outcome returns the result or the error of a response.
func outcome(m *jsonrpc.Message) ([]byte, error) {
	if m.Error == nil {
		return m.Result, nil
	}
	rpcErr, err := jsonrpc.ParseError(m.Error)
	if err != nil {
		return nil, protocolErrorf("read the error of a response: %w", err)
	}
	return nil, rpcErr
}

// Call sends a request and returns the JSON of its result. Its error is
//
//   - a *[jsonrpc.Error] when the server answers with one;
//   - an [*AuthError], [*StatusError], [*UnreachableError], [*SessionError] or
//     [*ProtocolError] when there is no answer;
//   - [ErrIdle] or [ErrClosed], and the cause of ctx when that ends first: then
//     the server is told that the request is cancelled.
//
// A request that the server refuses because it does not speak the version any
// more is sent again in one that it speaks.
func (c *Conn) Call(ctx context.Context, call Call) ([]byte, error) {
	if !call.lasts() && c.config.IdleTimeout > 0 && idleTimerOf(ctx) == nil {
		idle := startIdleTimer(ctx, c.config.IdleTimeout)
		defer idle.stop()
		ctx = idle
	}
	for attempt := 0; ; attempt++ {
		l, err := c.connected(ctx)
		if err != nil {
			return nil, err
		}
		result, err := c.roundTrip(ctx, l, call)
		if err == nil {
			return result, nil
		}
		if !c.again(l, call, err) || attempt > 0 {
			return nil, err
		}
	}
}

// again drops the link if the error says that it is unusable, and reports whether
// the request may be sent over another link.
func (c *Conn) again(l *binding, call Call, err error) bool {
	if l.refused(err) {
		c.forget(l)
		return true
	}
	if session, ok := errors.AsType[*SessionError](err); ok {
		c.drop(l)
		return !session.Sent || call.Replay
	}
	if unreachable, ok := errors.AsType[*UnreachableError](err); ok && isBroken(l.link) {
		c.drop(l)
		return !unreachable.Sent
	}
	return false
}

// roundTrip sends the request once.
func (c *Conn) roundTrip(ctx context.Context, l *binding, call Call) ([]byte, error) {
	return c.observe(ctx, l, call, func(ctx context.Context, p *pendingCall) ([]byte, error) {
		return c.exchange(ctx, l, p)
	})
}

// exchange sends a request and waits for its result, as long as the connection is
// open.
func (c *Conn) exchange(ctx context.Context, l *binding, p *pendingCall) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !c.register(p.id, cancel) {
		return nil, ErrClosed
	}
	defer c.unregister(p.id)
	if p.idle = idleTimerOf(ctx); p.idle != nil {
		p.idle.watch(l.link.quiet)
	}
	result, err := l.link.call(ctx, p)
	if err != nil && ctx.Err() != nil {
		cause := context.Cause(ctx)
		if errors.Is(cause, ErrIdle) && c.config.HTTPClient != nil {
			// The network may be gone, and the idle connections dead with it.
			c.config.HTTPClient.CloseIdleConnections()
		}
		return nil, fmt.Errorf("%s: %w", p.Method, cause)
	}
	return result, err
}

// prepare encodes the request as the version wants it.
func (c *Conn) prepare(l *binding, call Call) (*pendingCall, error) {
	p := &pendingCall{Call: call, id: c.lastID.Add(1)}
	p.idText = strconv.AppendInt(p.idRoom[:0], p.id, 10)
	params := jsonrpc.Object(p.members[:0])
	if call.Params != nil {
		var err error
		if params, err = jsonrpc.AppendObject(params, call.Params); err != nil {
			return nil, fmt.Errorf("read the parameters of %s: %w", call.Method, err)
		}
	}
	if !l.version.Handshake {
		p.name = cmp.Or(call.Name, nameOf(call.Method, params))
	}
	meta, token, err := l.meta(params.Get("_meta"), p.idText, p.OnNotification != nil)
	if err != nil {
		return nil, fmt.Errorf("read the parameters of %s: %w", call.Method, err)
	}
	p.token = token
	p.message = appendRequest(make([]byte, 0, 96+len(call.Method)+len(meta)+len(call.Params)), p.idText, call.Method, params, meta)
	return p, nil
}

// nameOf returns the value of Mcp-Name for the request, and "" if it has none
// (streamable-http, "Standard Request Headers").
func nameOf(method string, params jsonrpc.Object) string {
	if m := protocol.MethodOf(method); m.Mirrored {
		return jsonrpc.Text(params.Get(m.Param))
	}
	return ""
}

// appendRequest appends a request, or a notification when id is nil. A nil meta
// means no "_meta".
func appendRequest(dst, id []byte, method string, params jsonrpc.Object, meta []byte) []byte {
	dst = append(dst, `{"jsonrpc":"2.0",`...)
	if id != nil {
		dst = append(dst, `"id":`...)
		dst = append(dst, id...)
		dst = append(dst, ',')
	}
	dst = append(dst, `"method":`...)
	dst = jsonrpc.AppendString(dst, method)
	if params == nil && meta == nil {
		return append(dst, '}')
	}
	dst = append(dst, `,"params":{`...)
	first := true
	for _, m := range params {
		if string(m.Name) == "_meta" {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = jsonrpc.AppendString(dst, string(m.Name))
		dst = append(dst, ':')
		dst = append(dst, m.Value...)
	}
	if meta != nil {
		if !first {
			dst = append(dst, ',')
		}
		dst = append(dst, `"_meta":`...)
		dst = append(dst, meta...)
	}
	return append(dst, "}}"...)
}
