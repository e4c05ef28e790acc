package peer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// A Call is a request to the server.
type Call struct {
	Method string

	// Params is a JSON object, or nil. It is sent as it is, but for its "_meta":
	// on a version without a handshake the members that such a version requires
	// are added, and on one with a handshake they are taken out.
	Params []byte

	// Mirror are the arguments of the tool that are sent as header fields too,
	// where the transport and the version have them. See [ParseMirror].
	Mirror Mirror

	// Header is added to the HTTP request.
	Header http.Header

	// Replay says that the request may be sent again when the session it
	// belonged to is lost, though the server may have begun to act on it.
	Replay bool

	// OnNotification gets the notifications that belong to the call, one at a
	// time and before Call returns. On a shared connection, such as that of a
	// command, the next messages wait until it returns. Progress is reported with
	// the token of Params. When it is nil, notifications are dropped.
	OnNotification func(jsonrpc.Notification)

	// OnRequest answers the requests that the server sends because of the call,
	// which versions with a handshake allow. The default is that of [Config]. On
	// a shared connection, where a request does not say what it is about, it gets
	// those that arrive while no other call is under way.
	OnRequest RequestFunc
}

// A flight is a call under way.
type flight struct {
	Call
	id      int64
	idText  []byte
	message []byte
	name    string // for Mcp-Name

	token []byte // the caller's progress token, as JSON

	notifying sync.Mutex // held while a notification is delivered
	landed    bool       // none is any more

	link    link
	cancel  context.CancelCauseFunc
	idle    *time.Timer // nil for a call that may be silent
	idleFor time.Duration

	idRoom  [20]byte          // what idText is a part of
	members [6]jsonrpc.Member // room for those of Params
}

// watch ends the call with [ErrIdle] when the server is silent for d and does
// not wait for the client.
func (f *flight) watch(d time.Duration) {
	f.idleFor = d
	f.idle = time.AfterFunc(math.MaxInt64, f.expire)
	f.idle.Reset(d)
}

func (f *flight) expire() {
	if q := f.link.quiet(); q < f.idleFor {
		f.idle.Reset(f.idleFor - q)
		return
	}
	f.cancel(ErrIdle)
}

// touch says that the server is alive.
func (f *flight) touch() {
	if f.idle != nil {
		f.idle.Reset(f.idleFor)
	}
}

// land ends the delivery of notifications.
func (f *flight) land() {
	f.notifying.Lock()
	f.landed = true
	f.notifying.Unlock()
}

// notify delivers a notification.
func (f *flight) notify(m *jsonrpc.Message) {
	f.notifying.Lock()
	defer f.notifying.Unlock()
	if f.landed {
		return
	}
	f.touch()
	if f.OnNotification == nil {
		return
	}
	params := m.Params
	if params == nil {
		params = []byte("{}")
	}
	if m.Method == "notifications/progress" && f.token != nil {
		params = jsonrpc.Set(params, "progressToken", f.token)
	}
	f.OnNotification(jsonrpc.Notification{Method: m.Method, Params: params})
}

// outcome returns what a response says.
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
	for attempt := 0; ; attempt++ {
		l, err := c.connected(ctx)
		if err != nil {
			return nil, err
		}
		result, err := c.fly(ctx, l, call)
		if err == nil {
			return result, nil
		}
		if !c.again(l, call, err) || attempt > 0 {
			return nil, err
		}
	}
}

// again acts on an error that says that the link is of no use any more, and
// reports whether the request may be sent over another one.
func (c *Conn) again(l *live, call Call, err error) bool {
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

// fly sends the request once.
func (c *Conn) fly(ctx context.Context, l *live, call Call) ([]byte, error) {
	f, err := c.prepare(l, call)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !c.register(f.id, cancel) {
		return nil, ErrClosed
	}
	defer c.unregister(f.id)
	f.link, f.cancel = l.link, cancel
	if c.config.IdleTimeout > 0 && !protocol.MethodOf(f.Method).Lasts {
		f.watch(c.config.IdleTimeout)
		defer f.idle.Stop()
	}
	result, err := l.link.call(ctx, f)
	if err != nil && ctx.Err() != nil {
		cause := context.Cause(ctx)
		if errors.Is(cause, ErrIdle) && c.config.HTTPClient != nil {
			// The network may have gone without a word, and with it the connections
			// that wait for the next call.
			c.config.HTTPClient.CloseIdleConnections()
		}
		return nil, fmt.Errorf("%s: %w", f.Method, cause)
	}
	return result, err
}

// prepare encodes the request as the version wants it.
func (c *Conn) prepare(l *live, call Call) (*flight, error) {
	f := &flight{Call: call, id: c.lastID.Add(1)}
	f.idText = strconv.AppendInt(f.idRoom[:0], f.id, 10)
	params := jsonrpc.Object(f.members[:0])
	if call.Params != nil {
		var err error
		if params, err = jsonrpc.AppendObject(params, call.Params); err != nil {
			return nil, fmt.Errorf("read the parameters of %s: %w", call.Method, err)
		}
	}
	if !l.version.Handshake {
		f.name = nameOf(call.Method, params)
	}
	meta, token, err := l.meta(params.Get("_meta"), f.idText, f.OnNotification != nil)
	if err != nil {
		return nil, fmt.Errorf("read the parameters of %s: %w", call.Method, err)
	}
	f.token = token
	f.message = appendRequest(make([]byte, 0, 96+len(call.Method)+len(meta)+len(call.Params)), f.idText, call.Method, params, meta)
	return f, nil
}

// nameOf returns what Mcp-Name says of the request, and "" for nothing
// (streamable-http, "Standard Request Headers").
func nameOf(method string, params jsonrpc.Object) string {
	if m := protocol.MethodOf(method); m.Mirrored {
		return jsonrpc.Text(params.Get(m.Param))
	}
	return ""
}

// appendRequest appends a request, or a notification when id is nil. A nil meta
// means that there is none.
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
