package mcpengine

import (
	"context"
	"slices"

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
	list, whole := visible(&req.ctx, req, all)
	page := list
	if raw := req.param("cursor"); raw != nil && string(raw) != `""` {
		after, err := e.openCursor(req, raw)
		if err != nil {
			return dst, err
		}
		i := slices.IndexFunc(list, func(f T) bool { return f.key() == after })
		if i < 0 {
			return dst, errCursor
		}
		page, whole = list[i+1:], false
	}
	more := len(page) > e.pageSize
	if more {
		page = page[:e.pageSize]
	}
	dst = append(dst, `{"`...)
	dst = append(dst, member...)
	dst = append(dst, `":[`...)
	if whole && !more {
		tail := all.wire(req.version, req.ends.list)
		if req.response != nil && len(tail) >= minTail {
			req.response.Tail = tail
			return dst, nil
		}
		return append(dst, tail[:len(tail)-1]...), nil // the last brace is not the result's
	}
	dst = append(joinDefinitions(dst, page, req.version), ']')
	if more {
		dst = append(dst, `,"nextCursor":"`...)
		dst = append(dst, e.ring.Seal(cursorPurpose, []byte(page[len(page)-1].key()), cursorOwner(req))...)
		dst = append(dst, '"')
	}
	return append(dst, req.ends.list...), nil
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
