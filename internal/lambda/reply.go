package lambda

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// reply encodes the complete answer for a front end that buffers.
func (x *exchange) reply(ctx context.Context) []byte {
	w := &x.writer
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	encoded := w.encode()
	if len(encoded) <= x.frontEnd.limit {
		return encoded
	}
	x.log(ctx, slog.LevelWarn, "the answer does not fit", slog.String("through", x.frontEnd.name), slog.Int("bytes", len(encoded)), slog.Int("limit", x.frontEnd.limit))
	x.refuseSize(fmt.Sprintf("the answer is larger than the %d MB that can be returned at once: ask for less, for example for a part of it or with a narrower filter", x.frontEnd.limit>>20))
	return w.encode()
}

// encode returns the answer as one JSON object.
func (w *writer) encode() []byte {
	// About a sixth of an MCP message are quotation marks, and each becomes two
	// bytes.
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

// refuseSize replaces an answer that is too large.
func (x *exchange) refuseSize(reason string) {
	refuse := x.adapter.config.TooLarge
	if refuse == nil {
		x.writer.reject(http.StatusInternalServerError, mcp.CodeInternalError, reason)
		return
	}
	status, body := refuse(x.body, reason)
	x.writer.replace(status, body)
}

// Buffered reports whether the client gets the whole answer at once. An event
// stream is of no use then: its events would all arrive together.
func (w *writer) Buffered() bool { return w.pipe == nil }

// Dropped is called when a notification is dropped because the answer is
// buffered.
func (w *writer) Dropped() {
	x := w.exchange
	x.adapter.dropped.Do(func() {
		x.log(context.Background(), slog.LevelWarn, "notifications are dropped, now and from here on: a buffered answer cannot carry them; let the front end stream and set "+modeVariable+"=stream")
	})
}
