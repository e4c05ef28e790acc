package middleware

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxText bounds what a caller can put into one attribute, in bytes.
const maxText = 256

// Log logs each request with one record, "request", when it has its answer: method,
// name, caller, outcome, duration and size, but neither arguments nor results. The
// level is Info, and Warn for a request that failed. Requests that are refused are
// logged too.
func Log(logger *slog.Logger) mcpengine.Option {
	return mcpengine.WithObserver(func(ctx context.Context, req *mcpengine.Request) (context.Context, func(mcpengine.Outcome)) {
		began := time.Now()
		return ctx, func(o mcpengine.Outcome) {
			level, outcome := outcomeOf(&o)
			if !logger.Enabled(ctx, level) {
				return
			}
			attrs := append(attrsOf(req), slog.String("outcome", outcome))
			if o.Error != nil {
				attrs = append(attrs, slog.Int("code", o.Error.Code))
			}
			attrs = append(attrs, slog.Duration("duration", time.Since(began)), slog.Int("size", o.Size))
			logger.LogAttrs(ctx, level, "request", attrs...)
		}
	})
}

// outcomeOf names an outcome, with the words of package audit.
func outcomeOf(o *mcpengine.Outcome) (slog.Level, string) {
	switch {
	case !o.Allowed:
		return slog.LevelInfo, "denied"
	case o.Error != nil && o.Error.Code == mcp.CodeRateLimited:
		return slog.LevelInfo, "limited"
	case o.Error != nil:
		return slog.LevelWarn, "error"
	case o.IsError:
		return slog.LevelWarn, "tool_error"
	case o.ResultType == mcp.ResultTypeComplete:
		return slog.LevelInfo, "ok"
	}
	return slog.LevelInfo, string(o.ResultType)
}

// attrsOf returns what is known of a request before it is answered.
func attrsOf(req *mcpengine.Request) []slog.Attr {
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("method", bounded(req.Method())))
	if name := req.Name(); name != "" {
		attrs = append(attrs, slog.String("name", bounded(name)))
	}
	if u := req.User(); u != nil {
		attrs = append(attrs, slog.String("subject", u.Subject))
		if u.ClientID != "" {
			attrs = append(attrs, slog.String("client", u.ClientID))
		}
	}
	if r := req.HTTP(); r != nil {
		address := r.RemoteAddr
		if host, _, err := net.SplitHostPort(address); err == nil {
			address = host
		}
		attrs = append(attrs, slog.String("address", address))
	}
	return append(attrs, slog.String("version", req.ProtocolVersion()))
}

func bounded(s string) string {
	if len(s) > maxText {
		return s[:maxText] + "…"
	}
	return s
}
