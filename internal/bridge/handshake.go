package bridge

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// initialize answers the handshake of the host, from the cache if there is an
// entry, which is then refreshed in the background.
func (b *bridge) initialize(ctx context.Context, req *jsonrpc.Request) ([]byte, error) {
	version := b.versionOf(req)
	if known, ok := b.config.known(); ok && len(known.Result) > 0 {
		b.background.Run(b.refresh)
		return initializeResult(known.Result, version, b.config.Name), nil
	}
	result, err := b.describe(ctx, b.introduction(req))
	if err != nil {
		return nil, err
	}
	b.server.succeeded()
	return initializeResult(result, version, b.config.Name), nil
}

// describe returns the result of initialize or server/discover.
func (b *bridge) describe(ctx context.Context, config peer.Config) ([]byte, error) {
	c, err := b.server.connect(ctx, config)
	if err != nil {
		return nil, err
	}
	if result := c.Server().Result; len(result) > 0 || c.Handshake() {
		return result, nil
	}
	return b.server.call(ctx, config, peer.Call{Method: mcp.MethodServerDiscover, Replay: true})
}

// refresh connects before the first request does, and finds out whether the
// entry of the cache still holds.
func (b *bridge) refresh() {
	c, err := b.server.connected(b.context, b.introduction(nil))
	if err != nil || c.Handshake() {
		return // the first request will tell; a handshake has just been made
	}
	result, err := c.Call(b.context, peer.Call{Method: mcp.MethodServerDiscover})
	if err != nil || c.Handshake() {
		return
	}
	known, _ := b.config.known()
	if !bytes.Equal(known.Result, result) {
		known = peer.Known{Version: c.Version(), Transport: peer.TransportStreamable, Result: result}
		b.config.Peer.Cache.Store(serverKey(b.config.URL), known)
	}
}

// Bounds of the input that a server may ask for in the course of one request.
const (
	maxRounds = 32
	maxInputs = 32
)

// toStateless sends a request of a handshake version to a server without a
// handshake.
func (x *exchange) toStateless(ctx context.Context) ([]byte, error) {
	switch x.req.Method {
	case protocol.MethodLoggingSetLevel:
		return []byte("{}"), nil // every request names it from now on
	case protocol.MethodResourcesSubscribe:
		return x.subscribe(ctx)
	case protocol.MethodResourcesUnsubscribe:
		return x.unsubscribe()
	}
	call := x.call()
	if call.Params == nil {
		call.Params = []byte("{}")
	}
	for _, m := range x.introduced() {
		call.Params = jsonrpc.SetMeta(call.Params, string(m.Name), m.Value)
	}
	base := call.Params
	for range maxRounds {
		result, err := x.forward(ctx, call)
		if err != nil {
			return nil, err
		}
		asked := inputRequired(result)
		if asked == nil {
			return result, nil
		}
		answers, err := x.askAll(ctx, asked.Get("inputRequests"))
		if err != nil {
			return nil, err
		}
		call.Params = nextRound(base, answers, asked.Get("requestState"))
	}
	return nil, &peer.ProtocolError{Err: fmt.Errorf("the server has asked for input %d times", maxRounds)}
}

// introduced returns the members of "_meta" that a server of 2026-07-28
// wants with every request. The connection itself adds the client where it has
// only one.
func (x *exchange) introduced() (members []jsonrpc.Member) {
	level := x.logLevel()
	if x.host.Load() == nil {
		level = jsonrpc.Text(x.req.Meta.Get(mcp.MetaLogLevel))
		for _, name := range []string{mcp.MetaClientInfo, mcp.MetaClientCapabilities} {
			if value := x.req.Meta.Get(name); value != nil {
				members = append(members, jsonrpc.Member{Name: []byte(name), Value: value})
			}
		}
	}
	if level != "" && x.logs() {
		members = append(members, jsonrpc.Member{Name: []byte(mcp.MetaLogLevel), Value: jsonrpc.AppendString(nil, level)})
	}
	return members
}

// logs reports whether the server has log messages. While its capabilities are
// unknown, it is asked for them: a server without them has nothing to send.
func (x *exchange) logs() bool {
	c, err := x.server.current()
	if err != nil || c == nil {
		return false
	}
	capabilities, err := jsonrpc.ParseObject(c.Server().Capabilities)
	return err != nil || capabilities.Get("logging") != nil
}

// inputRequired returns the members of a result that says that the server needs
// input first, and nil for any other result.
func inputRequired(result []byte) jsonrpc.Object {
	if !bytes.Contains(result, []byte("input_required")) { // nearly all
		return nil
	}
	members, err := jsonrpc.ParseObject(result)
	if err != nil || jsonrpc.Text(members.Get("resultType")) != string(mcp.ResultTypeInputRequired) {
		return nil
	}
	return members
}

// nextRound adds to the parameters of the first round the answers, and the state
// as the server wrote it (multi round-trip requests, "Client Requirements").
func nextRound(params, answers, state []byte) []byte {
	params = jsonrpc.Set(params, "inputResponses", answers)
	return jsonrpc.Set(params, "requestState", state)
}

// askAll asks the host the server's questions, one after the other as a person
// would be asked, and returns the object of the answers. The first error of the
// host ends the request.
func (x *exchange) askAll(ctx context.Context, questions []byte) ([]byte, error) {
	if questions == nil {
		return nil, nil
	}
	members, err := jsonrpc.ParseObject(questions)
	switch {
	case err != nil:
		return nil, &peer.ProtocolError{Err: fmt.Errorf("read inputRequests: %w", err)}
	case len(members) > maxInputs:
		return nil, &peer.ProtocolError{Err: fmt.Errorf("the server asks for more than %d inputs at once", maxInputs)}
	}
	if x.req.Asker == nil {
		return nil, errors.New("the server asks for input, and the client cannot be asked over this connection")
	}
	answers := []byte{'{'}
	for _, m := range members {
		method, params, err := handshakeQuestion(m.Value)
		if err != nil {
			return nil, err
		}
		answer, err := x.ask(ctx, method, params)
		if err != nil {
			return nil, err
		}
		if len(answers) > 1 {
			answers = append(answers, ',')
		}
		answers = append(append(jsonrpc.AppendString(answers, string(m.Name)), ':'), answer...)
	}
	return append(answers, '}'), nil
}

// handshakeQuestion returns an input request as a request of the handshake
// versions. They give the elicitation of a URL an id, which is not used again.
func handshakeQuestion(raw []byte) (method string, params []byte, err error) {
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return "", nil, &peer.ProtocolError{Err: fmt.Errorf("read an input request: %w", err)}
	}
	method, params = jsonrpc.Text(members.Get("method")), members.Get("params")
	if protocol.QuestionCapability(method) == "" {
		return "", nil, &peer.ProtocolError{Err: fmt.Errorf("the server requires %.64q as input", method)}
	}
	p, err := jsonrpc.ParseObject(params)
	if params != nil && err != nil {
		return "", nil, &peer.ProtocolError{Err: errors.New("the parameters of an input request are no object")}
	}
	if method == mcp.MethodElicitationCreate && jsonrpc.Text(p.Get("mode")) == "url" && p.Get("elicitationId") == nil {
		params = jsonrpc.Set(params, "elicitationId", jsonrpc.AppendString(nil, rand.Text()))
	}
	return method, params, nil
}
