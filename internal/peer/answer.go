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
	*flight
	limit int

	// asked answers the requests of the server that arrive on the stream; nil
	// where the version has none.
	asked *asked
}

// errCut says that a stream ended before the response.
var errCut = errors.New("the stream ended before the answer")

// read reads the response with status 200. A stream that ends early is errCut,
// and tells where to go on.
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
	return nil, position{}, protocolErrorf("the answer to %s has content type %.64q, not JSON or an event stream", a.Method, resp.Header.Get("Content-Type"))
}

func mediaType(h http.Header) string {
	switch value := h.Get("Content-Type"); value {
	case "application/json", "text/event-stream":
		return value // without work for what is usual
	default:
		kind, _, _ := mime.ParseMediaType(value)
		return kind
	}
}

// A position is where a stream can be resumed.
type position struct {
	lastID string
	retry  time.Duration
	moved  bool // something arrived
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
			continue // an event that is no message
		}
		result, done, err := a.message(event.Data)
		if err != nil || done {
			drain(body)
			return result, at, err
		}
	}
}

// drainTime is how long the end of a stream is waited for after the response, so
// that the connection can be used again.
const drainTime = 50 * time.Millisecond

func drain(body io.ReadCloser) {
	late := time.AfterFunc(drainTime, func() { body.Close() })
	defer late.Stop()
	_, _ = io.CopyN(io.Discard, body, 4<<10) // an error ends the connection, and no more
}

// message handles one message, or a batch, which 2025-03-26 has. Done says that
// it was the response.
func (a *answer) message(data []byte) (result []byte, done bool, err error) {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' && a.asked != nil {
		batch, err := jsonrpc.SplitBatch(trimmed)
		if err != nil {
			return nil, true, protocolErrorf("%w", err)
		}
		for _, one := range batch {
			if result, done, err := a.message(one); err != nil || done {
				return result, true, err
			}
		}
		return nil, false, nil
	}
	var m jsonrpc.Message
	if err := m.Parse(data); err != nil {
		return nil, true, protocolErrorf("%w", err)
	}
	switch {
	case m.IsResponse() && (bytes.Equal(m.ID, a.idText) || m.ID == nil):
		result, err := outcome(&m)
		return result, true, err
	case m.IsResponse():
		return nil, true, protocolErrorf("the answer to %s has the id %.64s, not %s", a.Method, m.ID, a.idText)
	case m.ID == nil && a.asked != nil && a.asked.cancelled(&m):
	case m.ID == nil:
		a.notify(&m)
	case a.asked != nil:
		a.touch()
		a.asked.serve(&m, a.OnRequest)
	default:
		return nil, true, protocolErrorf("the server sent the request %.64q, which the version does not have", m.Method)
	}
	return nil, false, nil
}

// post sends a message to an endpoint and wants no answer but its acceptance.
func (e *endpoint) post(request func() (*http.Response, error)) error {
	resp, err := request()
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return refusal(resp, nil)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // for the connection's sake
	return nil
}
