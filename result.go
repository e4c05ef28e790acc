package mcpengine

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// An internalError is a mistake of the server: the client learns nothing but
// that there was one.
type internalError struct{ err error }

func (e *internalError) Error() string { return e.err.Error() }
func (e *internalError) Unwrap() error { return e.err }

func internalf(format string, args ...any) error {
	return &internalError{fmt.Errorf(format, args...)}
}

// A result encodes what a tool's handler returns.
type result[Out any] struct {
	structured bool
	append     func(ctx context.Context, req *Request, dst []byte, t *tool, out *Out) ([]byte, error)
}

var contentBlock = reflect.TypeFor[mcp.ContentBlock]()

// resultFor chooses the encoding for Out once, at registration.
func resultFor[Out any]() result[Out] {
	t := reflect.TypeFor[Out]()
	switch {
	case t.Kind() == reflect.String:
		return result[Out]{append: func(_ context.Context, req *Request, dst []byte, _ *tool, out *Out) ([]byte, error) {
			return req.appendText(dst, stringOf(out)), nil
		}}
	case t == reflect.TypeFor[*mcp.CallToolResult](), t == reflect.TypeFor[mcp.CallToolResult]():
		return result[Out]{append: func(ctx context.Context, req *Request, dst []byte, t *tool, out *Out) ([]byte, error) {
			return req.appendCallToolResult(ctx, dst, t, any(*out))
		}}
	case t.Implements(contentBlock), t.Kind() == reflect.Slice && t.Elem() == contentBlock:
		return result[Out]{append: func(_ context.Context, req *Request, dst []byte, _ *tool, out *Out) ([]byte, error) {
			return req.appendContent(dst, any(*out))
		}}
	}
	return result[Out]{structured: true, append: func(ctx context.Context, req *Request, dst []byte, t *tool, out *Out) ([]byte, error) {
		return req.appendStructured(ctx, dst, t, out)
	}}
}

// stringOf returns the string that out points to. The usual case does not
// allocate.
func stringOf[Out any](out *Out) string {
	if s, ok := any(out).(*string); ok {
		return *s
	}
	return reflect.ValueOf(out).Elem().String()
}

func (r *Request) appendText(dst []byte, text string) []byte {
	dst = append(dst, `{"content":[{"type":"text","text":`...)
	dst = jsonrpc.AppendString(dst, text)
	dst = append(dst, `}]`...)
	return append(dst, r.ends.result...)
}

// appendStructured appends structured content, with its JSON as text for
// clients that read nothing else.
func (r *Request) appendStructured(ctx context.Context, dst []byte, t *tool, out any) ([]byte, error) {
	value, err := encode(out)
	if err != nil {
		return dst, internalf("encode the result: %w", err)
	}
	if t.output != nil {
		if value, err = validResult(ctx, t.output, value); err != nil {
			return dst, internalf("the result does not match the output schema: %w", err)
		}
	}
	dst = append(dst, `{"content":[{"type":"text","text":`...)
	dst = jsonrpc.AppendString(dst, value)
	dst = append(dst, `}]`...)
	if value = r.version.StructuredContent(value, t.wraps(r.version)); value != nil {
		dst = append(dst, `,"structuredContent":`...)
		dst = append(dst, value...)
	}
	return append(dst, r.ends.result...), nil
}

// validResult checks a result. A nil slice or map, which encoding/json writes
// as null, is taken for an empty one where the schema needs it to be one.
func validResult(ctx context.Context, s *schema.Schema, value []byte) ([]byte, error) {
	if s.Validate(ctx, value) == nil {
		return value, nil
	}
	value = s.FillNulls(value)
	return value, s.Validate(ctx, value)
}

// appendContent appends one content block or a slice of them.
func (r *Request) appendContent(dst []byte, content any) ([]byte, error) {
	blocks, ok := content.([]mcp.ContentBlock)
	if !ok {
		if v := reflect.ValueOf(content); v.Kind() == reflect.Slice { // a slice type of the user's
			blocks, _ = reflect.TypeAssert[[]mcp.ContentBlock](v.Convert(reflect.TypeFor[[]mcp.ContentBlock]()))
		} else {
			block, _ := content.(mcp.ContentBlock)
			blocks = []mcp.ContentBlock{block}
		}
	}
	if slices.ContainsFunc(blocks, isNil) {
		return dst, internalf("the handler returned nil content")
	}
	result := mcp.CallToolResult{Content: blocks}
	result.ResultType, result.Meta = r.complete(nil)
	return r.appendShaped(dst, result, false)
}

// isNil reports whether a block is nil or a nil pointer, which has no encoding.
func isNil(block mcp.ContentBlock) bool {
	v := reflect.ValueOf(block)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// appendCallToolResult appends a result that the handler has made itself.
func (r *Request) appendCallToolResult(ctx context.Context, dst []byte, t *tool, out any) ([]byte, error) {
	result, ok := out.(mcp.CallToolResult)
	if p, isPointer := out.(*mcp.CallToolResult); isPointer {
		if ok = p != nil; ok {
			result = *p
		}
	}
	if !ok {
		return dst, internalf("the handler returned a nil *mcp.CallToolResult")
	}
	if s := t.output; s != nil && !result.IsError {
		if result.StructuredContent == nil {
			return dst, internalf("the result has an output schema but no structured content")
		}
		if err := t.output.Validate(ctx, result.StructuredContent); err != nil {
			return dst, internalf("the result does not match the output schema: %w", err)
		}
	}
	if slices.ContainsFunc(result.Content, isNil) {
		return dst, internalf("the handler returned nil content")
	}
	result.ResultType, result.Meta = r.complete(result.Meta)
	return r.appendShaped(dst, result, t.wraps(r.version))
}

// complete returns the members that every complete result has in the request's
// version, given the "_meta" that a handler has set.
func (r *Request) complete(meta mcp.Meta) (mcp.ResultType, mcp.Meta) {
	if r.version.Handshake {
		return "", meta
	}
	return mcp.ResultTypeComplete, r.engine.resultMeta(meta)
}

// resultMeta adds who produced the result to the "_meta" a handler has set.
func (e *Engine) resultMeta(meta mcp.Meta) mcp.Meta {
	meta = maps.Clone(meta)
	if meta == nil {
		meta = mcp.Meta{}
	}
	if _, ok := meta[mcp.MetaServerInfo]; !ok {
		meta[mcp.MetaServerInfo] = e.info
	}
	return meta
}

func appendJSON(dst []byte, v any) ([]byte, error) {
	value, err := encode(v)
	if err != nil {
		return dst, internalf("encode the result: %w", err)
	}
	return append(dst, value...), nil
}

// appendShaped appends a result as the request's version allows it. Wrapped is
// what [tool.wraps] says of the tool.
func (r *Request) appendShaped(dst []byte, result any, wrapped bool) ([]byte, error) {
	if !r.version.Handshake {
		return appendJSON(dst, result)
	}
	value, err := encode(result)
	if err != nil {
		return dst, internalf("encode the result: %w", err)
	}
	return append(dst, r.version.Result(r.wire.Method, value, wrapped)...), nil
}
