package mcptest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/mcpengine/mcpengine/mcp"
)

// maxRounds bounds how often a server may ask for input during one call.
const maxRounds = 16

// params are the parameters of a request.
type params map[string]any

// call sends a request, answers what the server asks for on the way, and
// decodes the result. The name is the tool, prompt or URI it is about, if any.
func call[Result any](ctx context.Context, c *Client, method, name string, p params) (*Result, error) {
	return callWith[Result](ctx, c, method, name, p, nil)
}

func callWith[Result any](ctx context.Context, c *Client, method, name string, p params, header http.Header) (*Result, error) {
	for range maxRounds {
		raw, err := c.send(ctx, method, name, p, header)
		if err != nil {
			return nil, err
		}
		var kind mcp.InputRequiredResult
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, fmt.Errorf("decode the result of %s: %w", method, err)
		}
		if kind.ResultType != mcp.ResultTypeInputRequired {
			result := new(Result)
			if err := json.Unmarshal(raw, result); err != nil {
				return nil, fmt.Errorf("decode the result of %s: %w", method, err)
			}
			return result, nil
		}
		if p, err = c.answer(p, kind); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: the server asked for input %d times", method, maxRounds)
}

// answer returns the parameters of the next round.
func (c *Client) answer(p params, asked mcp.InputRequiredResult) (params, error) {
	if c.Answer == nil {
		return nil, &InputRequiredError{Result: asked}
	}
	next := maps.Clone(p)
	delete(next, "requestState")
	if asked.RequestState != nil {
		next["requestState"] = *asked.RequestState
	}
	answers := make(map[string]any, len(asked.InputRequests))
	for key, request := range asked.InputRequests {
		answer, err := c.Answer(key, request)
		if err != nil {
			return nil, fmt.Errorf("answer %q: %w", key, err)
		}
		answers[key] = answer
	}
	next["inputResponses"] = answers
	return next, nil
}

// send sends one request and returns its result.
func (c *Client) send(ctx context.Context, method, name string, p params, header http.Header) (json.RawMessage, error) {
	id := c.lastID.Add(1)
	message, err := c.encode(id, method, p)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://mcptest/mcp", nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, c.Header)
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("MCP-Protocol-Version", mcp.LatestProtocolVersion)
	r.Header.Set("Mcp-Method", method)
	if name != "" {
		r.Header.Set("Mcp-Name", encodeValue(name))
	}
	return c.exchange(r, message)
}

func (c *Client) encode(id int64, method string, p params) ([]byte, error) {
	meta := mcp.Meta{
		mcp.MetaProtocolVersion:    mcp.LatestProtocolVersion,
		mcp.MetaClientInfo:         c.Info,
		mcp.MetaClientCapabilities: c.Capabilities,
	}
	if c.LogLevel != "" {
		meta[mcp.MetaLogLevel] = c.LogLevel
	}
	if c.Notify != nil {
		meta[mcp.MetaProgressToken] = id
	}
	p = maps.Clone(p)
	p["_meta"] = meta
	message, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": p})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", method, err)
	}
	return message, nil
}

// receive handles one message from the server. The response ends the exchange.
func (c *Client) receive(data []byte, status int) (result json.RawMessage, done bool, err error) {
	var message struct {
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
		Result json.RawMessage `json:"result"`
		Error  *Error          `json:"error"`
	}
	if err := json.Unmarshal(data, &message); err != nil {
		return nil, true, fmt.Errorf("decode %.64q: %w", data, err)
	}
	switch {
	case message.Error != nil:
		message.Error.Status = status
		return nil, true, message.Error
	case message.Result != nil:
		return message.Result, true, nil
	case message.Method == "":
		return nil, true, errors.New("the server sent neither a response nor a notification")
	}
	if c.Notify != nil {
		c.Notify(message.Method, message.Params)
	}
	return nil, false, nil
}

func listAll[Result, Item any](ctx context.Context, c *Client, method string, page func(*Result) ([]Item, *mcp.Cursor)) ([]Item, error) {
	var all []Item
	p := params{}
	for {
		result, err := call[Result](ctx, c, method, "", p)
		if err != nil {
			return nil, err
		}
		items, next := page(result)
		all = append(all, items...)
		if next == nil {
			return all, nil
		}
		p = params{"cursor": *next}
	}
}
