package middleware

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// MaskErrors keeps the texts of errors from callers. What a handler returns becomes
// "this failed: …" with a reference, and the log has the error under that reference.
// Some errors are for the caller and reach it as they are: an [*mcp.Error], one
// marked by [Safe], the ends of contexts, and the errors of mcpengine. Observers see
// the cause of every error.
func MaskErrors(logger *slog.Logger) mcpengine.Option {
	m := masker{logger}
	return mcpengine.Options(
		mcpengine.WithToolMiddleware(m.tool),
		mcpengine.WithMiddleware(m.method))
}

// Safe marks an error whose text may reach the caller, such as one that tells a
// model how to call the tool instead.
func Safe(err error) error {
	if err == nil {
		return nil
	}
	return &safeError{err}
}

type safeError struct{ error }

func (e *safeError) Unwrap() error { return e.error }

// A maskedError has a text for the caller, and the cause for observers.
type maskedError struct {
	text  string
	cause error
}

func (e *maskedError) Error() string { return e.text }
func (e *maskedError) Unwrap() error { return e.cause }

type masker struct{ logger *slog.Logger }

func (m masker) tool(next mcpengine.ToolHandler) mcpengine.ToolHandler {
	return func(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) {
		result, err := next(ctx, params)
		if !isPublic(err) {
			err = &maskedError{fmt.Sprintf("this failed: tell the operator of the server the reference %s", m.log(ctx, err)), err}
		}
		return result, err
	}
}

// method masks what is no tool: the engine hides such errors already, and the
// reference tells which one it was.
func (m masker) method(next mcpengine.MethodHandler) mcpengine.MethodHandler {
	return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
		result, err := next(ctx, req)
		if req.Method() != mcp.MethodToolsCall && !isPublic(err) {
			err = errors.Join(mcp.Errorf(mcp.CodeInternalError, "internal error: tell the operator of the server the reference %s", m.log(ctx, err)), err)
		}
		return result, err
	}
}

// isPublic reports whether the text of an error may reach the caller, or belongs to
// the engine, which hides what the caller may not see.
func isPublic(err error) bool {
	if err == nil {
		return true
	}
	for _, public := range []error{
		mcpengine.ErrInputRequired, mcpengine.ErrSuspended, mcpengine.ErrDeclined, mcpengine.ErrCancelled,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, public) {
			return true
		}
	}
	if _, ok := errors.AsType[*safeError](err); ok {
		return true
	}
	_, ok := errors.AsType[*mcp.Error](err)
	return ok
}

// log logs an error and returns its reference.
func (m masker) log(ctx context.Context, err error) string {
	reference := rand.Text()[:12]
	attrs := []slog.Attr{slog.String("reference", reference), slog.Any("error", err)}
	if req := mcpengine.RequestFrom(ctx); req != nil {
		attrs = append(attrsOf(req), attrs...)
	}
	m.logger.LogAttrs(ctx, slog.LevelError, "request failed", attrs...)
	return reference
}
