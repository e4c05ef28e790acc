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

// An internalError is a mistake of the server. The client learns only that there
// was one.
type internalError struct{ err error }

func (e *internalError) Error() string { return e.err.Error() }
func (e *internalError) Unwrap() error { return e.err }

func internalf(format string, args ...any) error {
	return &internalError{fmt.Errorf(format, args...)}
}

// A resultKind is how a tool's output becomes a result.
type resultKind int

const (
	structuredResult resultKind = iota
	textResult
	contentResult // one block or a slice of them
	wholeResult   // a CallToolResult
)

var contentBlock = reflect.TypeFor[mcp.ContentBlock]()

// resultKindOf decides by the type of a handler's output, once.
func resultKindOf(t reflect.Type) resultKind {
	switch {
	case t.Kind() == reflect.String:
		return textResult
	case t == reflect.TypeFor[*mcp.CallToolResult](), t == reflect.TypeFor[mcp.CallToolResult]():
		return wholeResult
	case t.Implements(contentBlock), t.Kind() == reflect.Slice && t.Elem() == contentBlock:
		return contentResult
	}
	return structuredResult
}

// appendOutput appends the result that out, a pointer to a handler's output,
// becomes.
func (r *Request) appendOutput(ctx context.Context, dst []byte, t *tool, out any) ([]byte, error) {
	switch t.becomes {
	case textResult:
		return r.appendText(dst, stringOf(out)), nil
	case structuredResult:
		return r.appendStructured(ctx, dst, t, out)
	}
	result, err := t.result(ctx, out)
	if err != nil {
		return dst, err
	}
	return r.appendCallToolResult(ctx, dst, t, result)
}

// result returns the result that out, a pointer to a handler's output, becomes
// before it is shaped for a protocol version.
func (t *tool) result(ctx context.Context, out any) (*mcp.CallToolResult, error) {
	switch t.becomes {
	case textResult:
		return &mcp.CallToolResult{Content: mcp.ContentBlocks{mcp.TextContent{Text: stringOf(out)}}}, nil
	case contentResult:
		return &mcp.CallToolResult{Content: contentOf(out)}, nil
	case wholeResult:
		if result, ok := out.(*mcp.CallToolResult); ok {
			return result, nil
		}
		return *out.(**mcp.CallToolResult), nil
	}
	value, err := t.structured(ctx, out)
	if err != nil {
		return nil, err
	}
	text := string(value)
	if t.text != nil {
		text = t.text(ctx, out)
	}
	return &mcp.CallToolResult{Content: mcp.ContentBlocks{mcp.TextContent{Text: text}}, StructuredContent: value}, nil
}

// stringOf returns the string that out points to, without an allocation if the
// type is string.
func stringOf(out any) string {
	if s, ok := out.(*string); ok {
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

// appendStructured appends structured content, and its text for clients that read
// only text: its JSON, or the text of [WithText].
func (r *Request) appendStructured(ctx context.Context, dst []byte, t *tool, out any) ([]byte, error) {
	value, err := t.structured(ctx, out)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `{"content":[{"type":"text","text":`...)
	if t.text != nil {
		dst = jsonrpc.AppendString(dst, t.text(ctx, out))
	} else {
		dst = jsonrpc.AppendString(dst, value)
	}
	dst = append(dst, `}]`...)
	if value = r.version.StructuredContent(value, t.wraps(r.version)); value != nil {
		dst = append(dst, `,"structuredContent":`...)
		dst = append(dst, value...)
	}
	return append(dst, r.ends.result...), nil
}

// structured returns the structured content that out points to.
func (t *tool) structured(ctx context.Context, out any) ([]byte, error) {
	value, err := encode(out)
	if err != nil {
		return nil, internalf("encode the result: %w", err)
	}
	if t.output != nil {
		if value, err = validResult(ctx, t.output, value); err != nil {
			return nil, internalf("the result does not match the output schema: %w", err)
		}
	}
	return value, nil
}

// validResult validates a result. A nil slice or map, which encoding/json writes
// as null, becomes an empty one where the schema wants a list or an object.
func validResult(ctx context.Context, s *schema.Schema, value []byte) ([]byte, error) {
	if s.Validate(ctx, value) == nil {
		return value, nil
	}
	value = s.FillNulls(value)
	return value, s.Validate(ctx, value)
}

// contentOf returns the content block or the slice of them that out points to.
func contentOf(out any) []mcp.ContentBlock {
	if blocks, ok := out.(*[]mcp.ContentBlock); ok {
		return *blocks
	}
	v := reflect.ValueOf(out).Elem()
	if v.Kind() == reflect.Slice { // a slice type of the user's
		blocks, _ := reflect.TypeAssert[[]mcp.ContentBlock](v.Convert(reflect.TypeFor[[]mcp.ContentBlock]()))
		return blocks
	}
	block, _ := reflect.TypeAssert[mcp.ContentBlock](v)
	return []mcp.ContentBlock{block}
}

// isNil reports whether a block is nil or a nil pointer, which has no encoding.
func isNil(block mcp.ContentBlock) bool {
	v := reflect.ValueOf(block)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// appendCallToolResult appends a result, with the members that every result has.
func (r *Request) appendCallToolResult(ctx context.Context, dst []byte, t *tool, made *mcp.CallToolResult) ([]byte, error) {
	if made == nil {
		return dst, internalf("the handler returned a nil *mcp.CallToolResult")
	}
	result := *made
	if s := t.output; s != nil && !result.IsError {
		if result.StructuredContent == nil {
			return dst, internalf("the result has an output schema but no structured content")
		}
		if err := t.output.Validate(ctx, result.StructuredContent); err != nil {
			return dst, internalf("the result does not match the output schema: %w", err)
		}
	}
	if result.IsError {
		r.noteToolError(nil)
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

// resultMeta adds the server's info to the "_meta" that a handler has set.
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
