package client

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxInputs bounds the inputs that a server may require in one round.
const maxInputs = 32

// A request is sent in every round, with the additions of that round.
type request struct {
	method string
	params []byte // a JSON object
	mirror peer.Mirror
	callConfig
}

func newRequest(method string, params []byte, opts []CallOption) *request {
	r := &request{method: method, params: params}
	for _, o := range opts {
		o(&r.callConfig)
	}
	return r
}

// object encodes an object of one string.
func object(name, value string) []byte {
	return jsonrpc.NewObject(name, jsonrpc.AppendString(nil, value))
}

// send sends the request, supplies the inputs that the server requires, and
// returns the result and the number of rounds (multi round-trip requests,
// "Client Requirements").
func (c *Client) send(ctx context.Context, r *request) (result []byte, rounds int, err error) {
	call, err := c.call(r)
	if err != nil {
		return nil, 0, err
	}
	base := call.Params
	for rounds = 1; rounds <= c.config.limits.MaxRounds; rounds++ {
		raw, err := c.conn.Call(ctx, call)
		if err != nil {
			return nil, rounds, public(err)
		}
		kind, members := c.resultType(r.method, raw)
		switch {
		case kind == string(mcp.ResultTypeInputRequired):
			if call.Params, err = c.nextRound(ctx, base, members); err != nil {
				return nil, rounds, fmt.Errorf("%s: %w", r.method, err)
			}
		case r.method == mcp.MethodToolsCall && c.config.follows[kind] != nil:
			result, err := c.follow(ctx, r, kind, raw)
			return result, rounds + 1, err
		default:
			return raw, rounds, nil
		}
	}
	return nil, rounds, fmt.Errorf("%s: the server asked for input %d times", r.method, c.config.limits.MaxRounds)
}

// call returns the first round.
func (c *Client) call(r *request) (peer.Call, error) {
	call := peer.Call{
		Method: r.method, Params: r.params, Mirror: r.mirror,
		Replay: r.idempotent || protocol.MethodOf(r.method).Idempotent, Name: r.mirrored, Lasts: r.lasting,
	}
	if r.notifications != nil || c.config.notifications != nil || r.progress != nil || c.config.handlers.Log != nil || c.conn.Handshake() {
		call.OnNotification = func(n jsonrpc.Notification) { c.callNotification(r, n) }
	}
	if err := c.addMeta(&call, &r.callConfig); err != nil {
		return call, err
	}
	if r.progress != nil {
		call.Params = jsonrpc.SetMeta(call.Params, mcp.MetaProgressToken, []byte("0"))
	}
	if c.config.handlers.Log != nil {
		call.Params = jsonrpc.SetMeta(call.Params, mcp.MetaLogLevel, jsonrpc.AppendString(nil, c.config.handlers.logLevel()))
	}
	return call, nil
}

// addMeta puts into a request what its options say of "_meta".
func (c *Client) addMeta(call *peer.Call, r *callConfig) error {
	if len(r.meta) > 0 {
		meta, err := json.Marshal(r.meta)
		if err != nil {
			return fmt.Errorf("encode _meta: %w", err)
		}
		call.Params = jsonrpc.Set(call.Params, "_meta", meta)
	}
	if r.extensions.settings == nil {
		return r.extensions.err
	}
	capabilities, err := c.declared(r.extensions)
	if err != nil {
		return err
	}
	call.Params = jsonrpc.SetMeta(call.Params, mcp.MetaClientCapabilities, capabilities)
	return nil
}

// callNotification handles a notification on the stream of a call. Some servers
// of handshake versions send unrelated ones there.
func (c *Client) callNotification(r *request, n jsonrpc.Notification) {
	if r.notifications != nil && !protocol.IsNotification(n.Method) {
		r.notifications(n.Method, slices.Clone(n.Params))
		return
	}
	if n.Method != mcp.MethodNotificationsProgress {
		c.notified(n)
		return
	}
	var p mcp.ProgressNotificationParams
	if r.progress != nil && json.Unmarshal(n.Params, &p) == nil {
		r.progress(p)
	}
}

// nextRound returns the parameters of the next round: the original ones, the
// answers, and the server's state, byte for byte.
func (c *Client) nextRound(ctx context.Context, params []byte, asked jsonrpc.Object) ([]byte, error) {
	answers, err := c.answerAll(ctx, asked.Get("inputRequests"))
	if err != nil {
		return nil, err
	}
	next := bytes.TrimRight(params, " \t\r\n")
	next = append(make([]byte, 0, len(next)+len(answers)+64), next[:len(next)-1]...)
	if len(bytes.TrimSpace(next)) > 1 {
		next = append(next, ',')
	}
	next = append(next, `"inputResponses":`...)
	next = append(next, answers...)
	if state := asked.Get("requestState"); state != nil {
		if state[0] != '"' {
			return nil, protocolErrorf("requestState must be a string")
		}
		next = append(next, `,"requestState":`...)
		next = append(next, state...)
	}
	return append(next, '}'), nil
}

// answerAll answers the input requests in their order and returns the object of
// the answers.
func (c *Client) answerAll(ctx context.Context, requests []byte) ([]byte, error) {
	answers := []byte{'{'}
	if requests == nil {
		return append(answers, '}'), nil
	}
	members, err := jsonrpc.ParseObject(requests)
	if err != nil {
		return nil, protocolErrorf("read inputRequests: %w", err)
	}
	if len(members) > maxInputs {
		return nil, protocolErrorf("more than %d inputs are required at once", maxInputs)
	}
	for _, m := range members {
		request, err := jsonrpc.ParseObject(m.Value)
		if err != nil {
			return nil, protocolErrorf("read the input request %.64q: %w", m.Name, err)
		}
		method := request.Get("method")
		if len(method) < 2 || method[0] != '"' {
			return nil, protocolErrorf("the input request %.64q has no method", m.Name)
		}
		answer, err := c.answer(ctx, jsonrpc.UnquoteString(method), request.Get("params"), "")
		if err != nil {
			return nil, fmt.Errorf("answer %.64q: %w", m.Name, err)
		}
		if len(answers) > 1 {
			answers = append(answers, ',')
		}
		answers = append(jsonrpc.AppendString(answers, string(m.Name)), ':')
		answers = append(answers, answer...)
	}
	return append(answers, '}'), nil
}

// get sends a request and decodes its result. It caches the result if the
// server allows it.
func get[Result any](ctx context.Context, c *Client, r *request) (*Result, error) {
	raw, err := c.getRaw(ctx, r)
	if err != nil {
		return nil, err
	}
	result := new(Result)
	if err := json.Unmarshal(raw, result); err != nil {
		return nil, protocolErrorf("decode the result of %s: %w", r.method, err)
	}
	return result, nil
}

func (c *Client) getRaw(ctx context.Context, r *request) ([]byte, error) {
	cacheable := protocol.MethodOf(r.method).Cacheable && len(r.meta) == 0 && c.config.limits.CacheBytes > 0
	if cacheable && !r.fresh {
		if raw := c.cache.load(r.method, r.params); raw != nil {
			return raw, nil
		}
	}
	generation := c.cache.generation()
	raw, rounds, err := c.do(ctx, r)
	if err == nil && cacheable && rounds == 1 {
		c.cache.store(r.method, r.params, raw, generation, c.config.limits.CacheBytes)
	}
	return raw, err
}
