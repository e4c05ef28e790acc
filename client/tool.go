package client

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxTools bounds the tools whose mirrored arguments are remembered.
const maxTools = 10_000

// A toolTable remembers which arguments tools mirror into header fields.
type toolTable struct {
	mu      sync.Mutex
	listed  bool                   // every tool was
	mirrors map[string]peer.Mirror // of the tools that were listed; most are empty

	listing chan struct{} // holds a token while a page is read
	pages   *pager        // of the tools that are listed for calls; nil before the first
}

// learn remembers the mirrored arguments of the tools of a page, and returns the
// tools that may be shown.
func (t *toolTable) learn(tools []mcp.Tool, mirrored bool) []mcp.Tool {
	if !mirrored {
		return tools
	}
	shown := tools[:0:0]
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tool := range tools {
		mirror, err := peer.ParseMirror(tool.InputSchema)
		if err != nil {
			continue
		}
		shown = append(shown, tool)
		if t.mirrors == nil {
			t.mirrors = make(map[string]peer.Mirror)
		}
		if _, known := t.mirrors[tool.Name]; known || len(t.mirrors) < maxTools {
			t.mirrors[tool.Name] = mirror
		}
	}
	return shown
}

// forget makes the next call of a tool ask for the list.
func (t *toolTable) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed, t.mirrors, t.pages = false, nil, nil
}

// mirror returns the mirrored arguments of a tool, and whether they are known.
func (t *toolTable) mirror(name string) (mirror peer.Mirror, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mirror, known = t.mirrors[name]
	return mirror, known || t.listed
}

// pager returns where listing goes on.
func (t *toolTable) pager() *pager {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pages == nil {
		t.pages = newPager(mcp.MethodToolsList, nil)
	}
	return t.pages
}

// end notes that p has read its last page, unless the tools have changed since it
// read its first.
func (t *toolTable) end(p *pager) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pages == p {
		t.listed, t.pages = true, nil
	}
}

// restart makes listing begin anew.
func (t *toolTable) restart(p *pager) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pages == p {
		t.pages = nil
	}
}

// CallTool calls a tool. The arguments are anything that [encoding/json]
// encodes as an object, or nil for no arguments; nil slices and maps in them
// are sent as empty ones. A tool that fails returns a result whose IsError is
// set; see [Call] for a way that makes it an error.
func (c *Client) CallTool(ctx context.Context, name string, arguments any, opts ...CallOption) (*mcp.CallToolResult, error) {
	params, err := toolParams(name, arguments)
	if err != nil {
		return nil, err
	}
	r := newRequest(mcp.MethodToolsCall, params, opts)
	if r.mirror, err = c.mirror(ctx, name, arguments); err != nil {
		return nil, err
	}
	raw, _, err := c.do(ctx, r)
	if rpcErr, ok := errors.AsType[*mcp.Error](err); ok && rpcErr.Code == mcp.CodeHeaderMismatch && c.conn.Mirrors() {
		// The tool may have changed (streamable-http, "Client Behavior").
		c.tools.forget()
		c.cache.drop(mcp.MethodToolsList)
		if r.mirror, err = c.mirror(ctx, name, arguments); err != nil {
			return nil, err
		}
		raw, _, err = c.do(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	result, err := decodeToolResult(raw)
	if err != nil {
		return nil, protocolErrorf("decode the result of %s: %w", name, err)
	}
	if kind := result.ResultType; kind != "" && kind != mcp.ResultTypeComplete {
		return nil, protocolErrorf("the result of %s has the type %.64q, which WithResultType does not register", name, kind)
	}
	return result, nil
}

// asEncodingJSON encodes as encoding/json does, but for nil slices and maps: few
// schemas admit null for a list.
var asEncodingJSON = json.JoinOptions(jsonv1.DefaultOptionsV1(), json.FormatNilSliceAsNull(false), json.FormatNilMapAsNull(false))

func toolParams(name string, arguments any) ([]byte, error) {
	if arguments == nil {
		return object("name", name), nil
	}
	encoded, err := json.Marshal(arguments, asEncodingJSON)
	if err != nil {
		return nil, fmt.Errorf("encode the arguments of %s: %w", name, err)
	}
	if string(encoded) == "null" {
		return object("name", name), nil
	}
	if encoded[0] != '{' {
		return nil, fmt.Errorf("encode the arguments of %s: they must be a JSON object", name)
	}
	params := append(make([]byte, 0, 2*len(name)+len(encoded)+32), `{"name":`...)
	params = jsonrpc.AppendString(params, name)
	params = append(params, `,"arguments":`...)
	params = append(params, encoded...)
	return append(params, '}'), nil
}

// mirror returns which arguments of the tool are mirrored, where any are: then
// the tool must have been listed once. The tools are listed as far as that
// takes, and the next tool goes on from there, so that no page is read twice.
func (c *Client) mirror(ctx context.Context, name string, arguments any) (peer.Mirror, error) {
	if arguments == nil || !c.conn.Mirrors() {
		return nil, nil
	}
	if mirror, known := c.tools.mirror(name); known {
		return mirror, nil
	}
	select {
	case c.tools.listing <- struct{}{}:
		defer func() { <-c.tools.listing }()
	case <-ctx.Done():
		return nil, fmt.Errorf("list the tools before the first call: %w", context.Cause(ctx))
	}
	for restarted := false; ; {
		if mirror, known := c.tools.mirror(name); known {
			return mirror, nil
		}
		p := c.tools.pager()
		_, err := next(ctx, c, p, c.toolPage)
		switch rpcErr, refused := errors.AsType[*mcp.Error](err); {
		case err == nil && p.params == nil:
			c.tools.end(p)
		case err == nil:
		case refused && rpcErr.Code == mcp.CodeInvalidParams && p.pages > 0 && !restarted:
			restarted = true // the cursor is not good any more
			c.tools.restart(p)
		default:
			c.tools.restart(p)
			return nil, fmt.Errorf("list the tools before the first call: %w", err)
		}
	}
}

// mirrorOf is [Client.mirror] for the parameters of tools/call.
func (c *Client) mirrorOf(ctx context.Context, params []byte) (peer.Mirror, error) {
	members, err := jsonrpc.ParseObject(params)
	if err != nil || members.Get("arguments") == nil {
		return nil, nil //nolint:nilerr // the request is refused where it is encoded
	}
	return c.mirror(ctx, jsonrpc.Text(members.Get("name")), members.Get("arguments"))
}

// Call calls a tool and decodes its result: a string gets the text of the
// result, [*mcp.CallToolResult] the whole of it, and any other type the
// structured content, or else the text as JSON, as [encoding/json] decodes it.
// A tool that fails is a [*ToolError].
func Call[Out any](ctx context.Context, c *Client, name string, arguments any, opts ...CallOption) (Out, error) {
	var out Out
	result, err := c.CallTool(ctx, name, arguments, opts...)
	if err != nil {
		return out, err
	}
	if result.IsError {
		return out, &ToolError{Result: result}
	}
	switch p := any(&out).(type) {
	case *string:
		*p = result.Text()
		return out, nil
	case **mcp.CallToolResult:
		*p = result
		return out, nil
	}
	content := []byte(result.StructuredContent)
	if content == nil {
		content = []byte(result.Text())
	}
	if c.conn.Handshake() {
		content = unwrap(content, new(Out))
	}
	if err := stdjson.Unmarshal(content, &out); err != nil {
		return out, fmt.Errorf("decode what %s returns: %w", name, err)
	}
	return out, nil
}

// unwrap returns the member "result" of content that has no other, if v has no
// place for it: that is how servers send values that are not objects where
// structured content has to be one.
func unwrap(content []byte, v any) []byte {
	members, err := jsonrpc.ParseObject(content)
	if err != nil || len(members) != 1 || members.Get("result") == nil {
		return content
	}
	decoder := stdjson.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if decoder.Decode(v) == nil {
		return content
	}
	return members.Get("result")
}
