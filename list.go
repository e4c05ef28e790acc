package mcpengine

import (
	"context"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

func (e *Engine) listTools(_ context.Context, req *Request, dst []byte) ([]byte, error) {
	return appendPage(e, req, dst, "tools", &req.catalog.tools)
}

func (e *Engine) listResources(_ context.Context, req *Request, dst []byte) ([]byte, error) {
	return appendPage(e, req, dst, "resources", &req.catalog.resources)
}

func (e *Engine) listTemplates(_ context.Context, req *Request, dst []byte) ([]byte, error) {
	return appendPage(e, req, dst, "resourceTemplates", &req.catalog.templates)
}

func (e *Engine) listPrompts(_ context.Context, req *Request, dst []byte) ([]byte, error) {
	return appendPage(e, req, dst, "prompts", &req.catalog.prompts)
}

// cursorPurpose separates cursors from everything else that is sealed.
const cursorPurpose = "cursor"

// minTail is the length from which the end of a list is sent as it is kept. A
// shorter one is copied in less time.
const minTail = 4 << 10

// appendPage appends the result of a list request: the page after the cursor.
//
// A cursor names the last feature of the page before, sealed for the method and
// the caller, so that it neither depends on which replica reads it nor can be
// made up. When that feature has been removed in the meantime the client
// starts again (caching, "Interaction with Pagination").
func appendPage[T listed](e *Engine, req *Request, dst []byte, member string, all *table[T]) ([]byte, error) {
	start := 0
	if raw := req.param("cursor"); raw != nil && string(raw) != `""` {
		after, err := e.openCursor(req, raw)
		if err != nil {
			return dst, err
		}
		last, ok := all.names.get(after)
		if !ok {
			return dst, errCursor
		}
		start = all.after(last)
	}
	p := visible(&req.ctx, req, all.list[start:], e.pageSize)
	dst = append(dst, '{')
	if p.more {
		dst = append(dst, `"nextCursor":"`...)
		dst = append(dst, e.ring.Seal(cursorPurpose, []byte(p.list[len(p.list)-1].key()), cursorOwner(req))...)
		dst = append(dst, `",`...)
	}
	dst = append(dst, '"')
	dst = append(dst, member...)
	dst = append(dst, `":[`...)
	if !p.whole || start%e.pageSize != 0 { // otherwise pages would be kept from everywhere on
		return append(append(joinDefinitions(dst, p.list, req.version), ']'), req.ends.list...), nil
	}
	tail := all.page(req.version, start, start+len(p.list), req.ends.list)
	if req.response != nil && len(tail) >= minTail {
		req.response.Tail = tail
		return dst, nil
	}
	return append(dst, tail[:len(tail)-1]...), nil // the last brace is not the result's
}

var errCursor = jsonrpc.Errorf(mcp.CodeInvalidParams, "cursor is not valid (any more): list again from the start")

func (e *Engine) openCursor(req *Request, raw []byte) (string, error) {
	if !jsonrpc.IsString(raw) {
		return "", errCursor
	}
	name, err := e.ring.Open(cursorPurpose, jsonrpc.UnquoteString(raw), cursorOwner(req))
	if err != nil {
		return "", errCursor
	}
	return string(name), nil
}

// cursorOwner is what a cursor is bound to.
func cursorOwner(req *Request) []byte {
	return []byte(req.wire.Method + "\x00" + callerID(req.user))
}
