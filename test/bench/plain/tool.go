package plain

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// A ToolFunc runs a tool. It decodes its own arguments; its error is shown to
// the model. It may call progress before it returns.
type ToolFunc func(ctx context.Context, arguments json.RawMessage, progress Progress) (CallToolResult, error)

// Progress tells the client how far a call has come.
type Progress func(progress, total float64, message string) error

// Text returns a result of one text.
func Text(text string) CallToolResult {
	return CallToolResult{Content: []TextContent{{Type: "text", Text: text}}}
}

// Structured returns a result of structured content with its JSON as text.
func Structured(value any) (CallToolResult, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return CallToolResult{}, fmt.Errorf("encode structured content: %w", err)
	}
	result := Text(string(text))
	result.StructuredContent = value
	return result, nil
}

func (s *Server) callTool(w http.ResponseWriter, r *http.Request, req *request) {
	params := &req.Params
	if !s.handshake && r.Header.Get("Mcp-Name") != params.Name {
		fail(w, http.StatusBadRequest, req.ID, mismatch("Mcp-Name"))
		return
	}
	call, ok := s.handlers[params.Name]
	if !ok {
		fail(w, s.refusal(), req.ID, &rpcError{Code: codeInvalidParams, Message: "unknown tool " + params.Name})
		return
	}
	events := &stream{w: w, token: params.Meta.ProgressToken}
	result, err := call(r.Context(), params.Arguments, events.progress)
	if err != nil {
		result = Text(err.Error())
		result.IsError = true
	}
	message := response{JSONRPC: "2.0", ID: req.ID, Result: s.complete(result)}
	if events.started {
		events.send(message) //nolint:errcheck // the client has gone
		return
	}
	answer(w, http.StatusOK, message)
}

// complete returns the result as the server's version has it.
func (s *Server) complete(result CallToolResult) any {
	if s.handshake {
		return handshakeCallToolResult{result.Content, result.StructuredContent, result.IsError}
	}
	result.Meta.ServerInfo = s.info
	result.ResultType = "complete"
	return result
}

// refusal is the status of a request that the method refuses.
func (s *Server) refusal() int {
	if s.handshake {
		return http.StatusOK // the error is in the body
	}
	return http.StatusBadRequest
}

// A stream turns the response into server-sent events on the first of them.
type stream struct {
	w       http.ResponseWriter
	token   json.RawMessage
	started bool
}

func (s *stream) progress(progress, total float64, message string) error {
	if s.token == nil {
		return nil
	}
	return s.send(notification{JSONRPC: "2.0", Method: "notifications/progress", Params: progressParams{
		ProgressToken: s.token, Progress: progress, Total: total, Message: message,
	}})
}

func (s *stream) send(message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if !s.started {
		s.started = true
		s.w.Header().Set("Content-Type", "text/event-stream")
		s.w.Header().Set("Cache-Control", "no-cache")
		s.w.Header().Set("X-Accel-Buffering", "no")
		s.w.WriteHeader(http.StatusOK)
	}
	if _, err := fmt.Fprintf(s.w, "event: message\ndata: %s\n\n", data); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := http.NewResponseController(s.w).Flush(); err != nil {
		return fmt.Errorf("flush event: %w", err)
	}
	return nil
}
