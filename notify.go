package mcpengine

import (
	"context"
	"math"
	"strconv"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// Progress tells the client how far the request has come, if it wants to know.
// The total is 0 when it is not known, and the message may be empty. Progress
// that does not increase is not sent (progress, "Progress Flow").
func Progress(ctx context.Context, progress, total float64, message string) {
	req := RequestFrom(ctx)
	if req == nil {
		return
	}
	if req.journal != nil {
		req.journal.journal.Progress(ctx, progress, total, message)
		return
	}
	token := req.Meta(mcp.MetaProgressToken)
	if token == nil || !req.advance(progress) {
		return
	}
	if !req.version.HasProgressMessage() {
		message = ""
	}
	params := append(make([]byte, 0, 128), `{"progressToken":`...)
	params = append(params, token...)
	params = append(params, `,"progress":`...)
	params = appendNumber(params, progress)
	if total != 0 && !math.IsNaN(total) && !math.IsInf(total, 0) {
		params = appendNumber(append(params, `,"total":`...), total)
	}
	if message != "" {
		params = jsonrpc.AppendString(append(params, `,"message":`...), message)
	}
	req.send(jsonrpc.Notification{Method: mcp.MethodNotificationsProgress, Params: append(params, '}')})
}

// appendNumber appends f, which is finite, as JSON.
func appendNumber(dst []byte, f float64) []byte {
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// advance reports whether the progress is new, and a number.
func (r *Request) advance(progress float64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !(progress > r.progress) || math.IsInf(progress, 1) {
		return false
	}
	r.progress = progress
	return true
}

// Log sends a log message to the client, if the request asks for messages of
// that level. Data is anything that encodes as JSON, and must not contain
// secrets; logger names the part of the server and may be empty. The protocol
// deprecates this since 2026-07-28: prefer the server's own log.
func Log(ctx context.Context, level mcp.LoggingLevel, logger string, data any) {
	req := RequestFrom(ctx)
	if req == nil {
		return
	}
	if req.journal != nil {
		req.journal.journal.Log(ctx, level, logger, data)
		return
	}
	raw := req.Meta(mcp.MetaLogLevel)
	if raw == nil {
		return
	}
	if protocol.Severity(string(level)) < protocol.Severity(jsonrpc.Text(raw)) {
		return
	}
	params := struct {
		Level  mcp.LoggingLevel `json:"level"`
		Logger string           `json:"logger,omitzero"`
		Data   any              `json:"data"`
	}{level, logger, data}
	req.sendParams(mcp.MethodNotificationsMessage, params)
}

// sendParams sends a notification. Parameters that cannot be encoded are the
// server's mistake and go to its log.
func (r *Request) sendParams(method string, params any) {
	encoded, err := encode(params)
	if err != nil {
		r.engine.logger.ErrorContext(r.ctx.Context, "encode a notification", requestAttrs(r, "notification", method, "error", err)...)
		return
	}
	r.send(jsonrpc.Notification{Method: method, Params: encoded})
}
