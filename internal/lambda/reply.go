package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/mcp"
)

// reply encodes the finished answer for a front door that buffers.
func (x *exchange) reply(ctx context.Context) []byte {
	w := &x.writer
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if strings.HasPrefix(w.contentType, "text/event-stream") {
		x.condense(ctx)
	}
	encoded := w.encode()
	if len(encoded) <= x.door.limit {
		return encoded
	}
	x.log(ctx, slog.LevelWarn, "the answer does not fit", slog.String("through", x.door.name), slog.Int("bytes", len(encoded)), slog.Int("limit", x.door.limit))
	x.apologise()
	return w.encode()
}

// encode returns the answer as one JSON object.
func (w *writer) encode() []byte {
	// Quotation marks are about a sixth of an MCP message, and each grows.
	b := w.appendHead(make([]byte, 0, len(w.headers)+len(w.body)+len(w.body)/4+160))
	b = append(b, `,"body":`...)
	if utf8.Valid(w.body) {
		b = jsonrpc.AppendString(b, w.body)
		return append(b, `,"isBase64Encoded":false}`...)
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, w.body)
	return append(b, `","isBase64Encoded":true}`...)
}

// condense makes an event stream that ends with a response that response alone.
// The notifications before it would all arrive with it, when they are of no use
// any more. Other streams stay as they are.
func (x *exchange) condense(ctx context.Context) {
	w := &x.writer
	var last []byte
	events := 0
	for r := sse.NewReader(bytes.NewReader(w.body), len(w.body)+1); ; {
		event, err := r.Next()
		if err != nil {
			break
		}
		if len(event.Data) > 0 {
			last = event.Data
			events++
		}
	}
	if _, err := jsonrpc.ParseReply(last); last == nil || err != nil {
		return
	}
	w.contentType, w.body = "application/json", last
	if events == 1 {
		return
	}
	x.adapter.dropped.Do(func() {
		x.log(ctx, slog.LevelWarn, "notifications are dropped, now and from here on: a buffered answer cannot carry them; let the front door stream and set "+modeVariable+"=stream")
	})
}

// apologise replaces an answer that is too large. For a tool it is a result
// that the model can act on; for every other method, an error.
func (x *exchange) apologise() {
	message := fmt.Sprintf("the answer is larger than the %d MB that can be returned at once: ask for less, for example for a part of it or with a narrower filter", x.door.limit>>20)
	var req jsonrpc.Request
	if err := req.Parse(x.body); err != nil || req.IsNotification() {
		x.writer.reject(http.StatusInternalServerError, mcp.CodeInternalError, message)
		return
	}
	if req.Method != "tools/call" {
		resp := jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInternalError, "%s", message))
		defer resp.Release()
		x.writer.replace(resp.Status, resp.Body)
		return
	}
	resp := jsonrpc.NewResponse()
	defer resp.Release()
	resp.BeginResult(req.ID)
	resp.Body = append(resp.Body, `{"content":[{"type":"text","text":`...)
	resp.Body = jsonrpc.AppendString(resp.Body, message)
	resp.Body = append(resp.Body, `}],"isError":true`...)
	if req.HasMeta {
		// Versions without a handshake have a type of result (basic,
		// "Per-response protocol fields").
		resp.Body = append(resp.Body, `,"resultType":"complete"`...)
	}
	resp.Body = append(resp.Body, '}')
	resp.EndResult()
	x.writer.replace(http.StatusOK, resp.Body)
}
