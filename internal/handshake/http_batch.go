package handshake

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// postBatch answers a batch, which only 2025-03-26 has: it runs the requests
// one after the other and sends all responses together (2025-03-26, basic,
// "Batching").
func (h *HTTP) postBatch(w http.ResponseWriter, r *http.Request, s *session, body []byte, began time.Time) (kept bool) {
	if !s.peer.traits().Batches {
		sendError(w, nil, jsonrpc.ErrIsBatch)
		return false
	}
	messages, err := jsonrpc.SplitBatch(body)
	if err != nil {
		sendError(w, nil, err)
		return false
	}
	// Everything is read before anything is run.
	var batch []batched
	for _, message := range messages {
		if b := s.readBatched(r.Context(), message); b.req != nil || b.resp != nil {
			batch = append(batch, b)
		}
	}
	if len(batch) == 0 {
		w.WriteHeader(http.StatusAccepted)
		return false
	}
	for _, b := range batch {
		if b.req != nil && h.turnAway(w, r, b.req) {
			return false // no request of the batch is run
		}
	}
	x := newExchange(h, s, w, r, began)
	return x.serve(func() {
		if body := x.runBatch(batch); body != nil {
			x.finish(&jsonrpc.Response{Body: body})
		} else {
			x.stream.finishEmpty()
		}
	})
}

// A batched message is a request, or the response to one that is refused.
type batched struct {
	req  *jsonrpc.Request
	resp *jsonrpc.Response
}

// readBatched reads one message of a batch. It returns the zero value for a
// message that gets no response.
func (s *session) readBatched(ctx context.Context, message []byte) (b batched) {
	req := new(jsonrpc.Request)
	err := req.Parse(message)
	if errors.Is(err, jsonrpc.ErrIsResponse) {
		reply, malformed := jsonrpc.ParseReply(message)
		if malformed == nil {
			if malformed = s.take(ctx, reply, message); malformed == nil {
				return b
			}
		}
		err, req.ID = malformed, nil // no request has this id
	}
	switch {
	case err != nil:
		b.resp = jsonrpc.ErrorResponse(req.ID, err)
	case req.IsNotification():
		s.notice(ctx, req)
	case req.Method == protocol.MethodInitialize:
		// "The initialize request MUST NOT be part of a JSON-RPC batch"
		// (2025-03-26, lifecycle, "Initialization").
		b.resp = jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeInvalidRequest, "initialize must not be part of a batch"))
	default:
		b.req = req
	}
	return b
}

// runBatch returns the array of responses, or nil when the client wants no
// response.
func (x *exchange) runBatch(batch []batched) []byte {
	body := []byte{'['}
	for _, b := range batch {
		resp := b.resp
		if resp == nil {
			resp = x.http.answer(x.r.Context(), x.session, b.req)
		}
		if resp == nil {
			resp = jsonrpc.Isolate(b.req, func() *jsonrpc.Response { return x.run(b.req) })
		}
		if resp == nil {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, resp.Body...)
		resp.Release()
	}
	if len(body) == 1 {
		return nil
	}
	return append(body, ']')
}
