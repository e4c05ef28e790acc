package peer

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// An answer is the response to one request, which may be a stream.
type answer struct {
	*pendingCall
	limit int

	// requests answers the requests of the server that arrive on the stream. It
	// is nil on versions without such requests.
	requests *serverRequests
}

// errNotAnswer says that a response with a status of success does not come from
// an MCP endpoint.
var errNotAnswer = errors.New("the response is not an answer")

// errCut says that a stream ended before the response.
var errCut = errors.New("the stream ended before the answer")

// read reads the response with status 200. When a stream ends before the
// response, the error is errCut and resume is where the stream can be
// continued.
func (a *answer) read(resp *http.Response) (result []byte, resume position, err error) {
	switch mediaType(resp.Header) {
	case "application/json":
		data, err := readBody(resp, a.limit)
		if err != nil {
			return nil, position{}, err
		}
		result, done, err := a.message(data)
		if err == nil && !done {
			err = protocolErrorf("the answer to %s is not a response", a.Method)
		}
		return result, position{}, err
	case "text/event-stream":
		return a.readEvents(resp.Body)
	}
	return nil, position{}, protocolErrorf("%w to %s: its content type is %.64q, not JSON or an event stream", errNotAnswer, a.Method, resp.Header.Get("Content-Type"))
}

func mediaType(h http.Header) string {
	switch value := h.Get("Content-Type"); value {
	case "application/json", "text/event-stream":
		return value // the usual values need no parsing
	default:
		kind, _, _ := mime.ParseMediaType(value)
		return kind
	}
}

// A position is where a stream can be resumed.
type position struct {
	lastID string
	retry  time.Duration
	moved  bool // an event has arrived
}

func (a *answer) readEvents(body io.ReadCloser) (result []byte, at position, err error) {
	events := sse.NewReader(body, a.limit)
	for {
		event, err := events.Next()
		if err != nil {
			at.lastID = events.LastEventID()
			at.retry, _ = events.Retry()
			switch {
			case errors.Is(err, sse.ErrTooLarge):
				return nil, at, protocolErrorf("read the answer to %s: %w", a.Method, err)
			case errors.Is(err, io.EOF):
				err = nil
			}
			return nil, at, &UnreachableError{Sent: true, Err: errors.Join(errCut, err)}
		}
		at.moved = true
		if len(event.Data) == 0 || event.Name != "" && event.Name != "message" {
			continue // not a message
		}
		result, done, err := a.message(event.Data)
		if err != nil || done {
			drain(body)
			return result, at, err
		}
	}
}

// drainTime is how long to wait for the end of a stream after the response. A
// connection whose stream has ended can be used again.
const drainTime = 50 * time.Millisecond

func drain(body io.ReadCloser) {
	late := time.AfterFunc(drainTime, func() { body.Close() })
	defer late.Stop()
	_, _ = io.CopyN(io.Discard, body, 4<<10) // an error closes the connection, which is all that it means
}

// message handles one message, or a batch, which 2025-03-26 has. Done reports
// whether it was the response.
func (a *answer) message(data []byte) (result []byte, done bool, err error) {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' && a.requests != nil {
		batch, err := jsonrpc.SplitBatch(trimmed)
		if err != nil {
			return nil, true, broken(err)
		}
		for _, one := range batch {
			if result, done, err := a.message(one); err != nil || done {
				return result, true, err
			}
		}
		return nil, false, nil
	}
	var m jsonrpc.Message
	if err := readMessage(&m, data); err != nil {
		return nil, true, broken(err)
	}
	switch {
	case m.IsResponse() && (m.ID == nil || isID(m.ID, a.idText)):
		result, err := outcome(&m)
		return result, true, err
	case m.IsResponse():
		return nil, true, protocolErrorf("the answer to %s has the id %.64s, not %s", a.Method, m.ID, a.idText)
	case m.ID == nil && a.requests != nil && a.requests.cancelled(&m):
	case m.ID == nil:
		a.notify(&m)
	case a.requests != nil:
		a.touch()
		a.requests.serve(&m, a.OnRequest)
	default:
		return nil, true, protocolErrorf("the server sent the request %.64q, which the version does not have", m.Method)
	}
	return nil, false, nil
}

// post sends a message that the server only has to accept.
func (e *endpoint) post(request func() (*http.Response, error)) error {
	resp, err := request()
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return refusal(resp, nil)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	return nil
}
