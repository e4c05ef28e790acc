package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// Bounds of the tools that are remembered, and of the pages that are read for one.
const (
	maxTools = 10_000
	maxPages = 100
)

// A tool is what the bridge remembers of a tool.
type tool struct {
	mirror     peer.Mirror
	readOnly   bool
	idempotent bool
	wrapped    bool // see protocol.WrapsOutput
	refused    bool // it differs from the pin
}

// tools remembers the tools of the lists that have passed.
type tools struct {
	mu      sync.Mutex
	known   map[string]tool
	learned bool // the server has been asked
}

// firstTime reports whether the server has not been asked before.
func (t *tools) firstTime() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.learned
	t.learned = true
	return first
}

func (t *tools) get(name string) (tool, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.known[name]
	return found, ok
}

func (t *tools) put(name string, found tool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) == maxTools {
		t.known = make(map[string]tool)
	}
	t.known[name] = found
}

// admit refuses a call of a tool, and a prompt, that is hidden from the host.
func (t *tools) admit(ctx context.Context, x *exchange) error {
	if x.req.Method == mcp.MethodPromptsGet {
		return x.pinned.prompt(jsonrpc.Text(x.req.Params.Get("name")))
	}
	if x.req.Method != mcp.MethodToolsCall {
		return nil
	}
	filter, name := x.bridge.config.Tools, x.tool()
	refusal := jsonrpc.Errorf(mcp.CodeInvalidParams, "Unknown tool: %.128s", name)
	if !allows(filter, name) {
		return refusal
	}
	_, ok := t.get(name)
	switch {
	case ok:
	case filter.ReadOnly || x.pinned.refuses() || x.hasFields(): // an unknown tool cannot be checked
		if err := t.learn(ctx, x); err != nil {
			return err
		}
	case x.mirrors() && t.firstTime():
		// A proxy that routes by a header field does not refuse a call without it,
		// but routes it wrong. A list that fails says nothing about the call.
		_ = t.learn(ctx, x)
	}
	found, ok := t.get(name)
	switch {
	case filter.ReadOnly && !found.readOnly, !ok && x.pinned.refuses():
		return refusal
	case found.refused:
		return jsonrpc.Errorf(mcp.CodeInvalidParams, "The tool %.128q differs from the lock file: compare it with mcpengine inspect --diff, and approve it by writing the file again", name)
	}
	return x.checkFields(found.mirror)
}

// hasFields reports whether header fields came with the request, which an
// intermediary may have gone by.
func (x *exchange) hasFields() bool {
	return x.req.HTTP != nil && (!x.req.Handshake || streamable.HasParamFields(x.req.HTTP.Header))
}

// checkFields compares the header fields of a request that came over HTTP with
// the arguments that the tool mirrors (streamable-http, "Server Behavior for
// Custom Headers"). The program that answers it sees the arguments only.
func (x *exchange) checkFields(mirror peer.Mirror) error {
	if x.req.HTTP == nil {
		return nil
	}
	for _, m := range mirror {
		argument := m.Of(x.req.Params.Get("arguments"))
		if err := streamable.CheckParam(x.req.HTTP.Header[m.Field], m.Field, m.Type, argument, !x.req.Handshake); err != nil {
			return err
		}
	}
	return nil
}

func allows(filter Filter, name string) bool {
	return (len(filter.Allow) == 0 || slices.Contains(filter.Allow, name)) && !slices.Contains(filter.Deny, name)
}

// learn asks the server for its tools.
func (t *tools) learn(ctx context.Context, x *exchange) error {
	var cursor []byte
	for range maxPages {
		call := peer.Call{Method: mcp.MethodToolsList, Replay: true}
		if cursor != nil {
			call.Params = append(append([]byte(`{"cursor":`), cursor...), '}')
		}
		result, err := x.bridge.server.call(ctx, x.introduction(), call)
		if err != nil {
			return fmt.Errorf("list the tools: %w", err)
		}
		_ = t.filter(x, result)
		members, err := jsonrpc.ParseObject(result)
		if err != nil {
			return &peer.ProtocolError{Err: fmt.Errorf("read a list of tools: %w", err)}
		}
		if cursor = members.Get("nextCursor"); len(cursor) == 0 || cursor[0] != '"' {
			return nil
		}
	}
	return &peer.ProtocolError{Err: errors.New("the list of tools does not end")}
}

// filter records the tools in a result of tools/list, and returns the result
// without the tools that are hidden from the host. Where header fields are
// used, a tool with wrong annotations for them is hidden too (streamable-http,
// "Schema Extension").
func (t *tools) filter(x *exchange, result []byte) []byte {
	return withoutItems(result, "tools", func(definition []byte) bool { return t.note(x, definition) })
}

// withoutItems returns a result without the items of a list that are not kept.
func withoutItems(result []byte, member string, keep func(item []byte) bool) []byte {
	return jsonrpc.EditMember(result, member, func(list []byte) []byte {
		return jsonrpc.EditElements(list, func(item []byte) []byte {
			if keep(item) {
				return item
			}
			return nil
		})
	})
}

// note records one tool and reports whether the host may see it.
func (t *tools) note(x *exchange, raw []byte) bool {
	members, err := jsonrpc.ParseObject(raw)
	quoted := members.Get("name")
	if err != nil || len(quoted) < 2 || quoted[0] != '"' {
		return !x.pinned.refuses() // not a tool: passed unchanged
	}
	name := jsonrpc.UnquoteString(quoted)
	annotations, _ := jsonrpc.ParseObject(members.Get("annotations"))
	found := tool{
		readOnly:   bytes.Equal(annotations.Get("readOnlyHint"), []byte("true")),
		idempotent: bytes.Equal(annotations.Get("idempotentHint"), []byte("true")),
		wrapped:    protocol.WrapsOutput(members.Get("outputSchema")),
	}
	filter := x.bridge.config.Tools
	seen := allows(filter, name) && (!filter.ReadOnly || found.readOnly)
	if seen && !x.pinned.tool(name, raw) {
		seen, found.refused = false, true
	}
	if found.mirror, err = peer.ParseMirror(members.Get("inputSchema")); err != nil && x.mirrors() {
		x.bridge.config.Logger.Warn("leave out a tool", "name", fmt.Sprintf("%.128s", name), "error", err)
		seen = false
	}
	t.put(name, found)
	return seen
}
