package awsauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// streamType is what the answer of InvokeWithResponseStream is written in.
const streamType = "application/vnd.amazon.eventstream"

// A payload is the result of a function, read from the events that contain it.
type payload struct {
	body    io.ReadCloser
	decoder *eventstream.Decoder
	buffer  []byte
	rest    []byte // of the last chunk
	err     error  // what it ends with
}

func newPayload(body io.ReadCloser) *payload {
	return &payload{body: body, decoder: eventstream.NewDecoder()}
}

// Read implements [io.Reader].
func (p *payload) Read(b []byte) (int, error) {
	for len(p.rest) == 0 && p.err == nil {
		p.rest, p.err = p.next()
	}
	n := copy(b, p.rest)
	if p.rest = p.rest[n:]; n > 0 || len(b) == 0 {
		return n, nil
	}
	return 0, p.err
}

// Close implements [io.Closer].
func (p *payload) Close() error { return p.body.Close() }

// next returns the next chunk, and [io.EOF] when the function has finished.
func (p *payload) next() ([]byte, error) {
	message, err := p.decoder.Decode(p.body, p.buffer)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read the answer of Lambda: %w", err)
	}
	p.buffer = message.Payload[:0]
	if kind := text(message, ":message-type"); kind != "event" {
		return nil, fmt.Errorf("Lambda has broken off the answer: %s %s", text(message, ":exception-type"), messageOf(message.Payload)) //nolint:staticcheck // a name
	}
	switch text(message, ":event-type") {
	case "PayloadChunk":
		return message.Payload, nil
	case "InvokeComplete":
		return nil, completed(message.Payload)
	}
	return nil, nil // an event type added after this was written
}

// completed returns the error with which the function has ended, or nil.
func completed(detail []byte) error {
	var end struct{ ErrorCode, ErrorDetails string }
	if err := json.Unmarshal(detail, &end); err != nil {
		return errors.New("read the answer of Lambda: its end is not JSON")
	}
	if end.ErrorCode == "" {
		return io.EOF
	}
	return fmt.Errorf("the function has failed: %s: %s", clean(end.ErrorCode), clean(end.ErrorDetails))
}

// text returns the value of a header of an event, or "".
func text(m eventstream.Message, name string) string {
	value := m.Headers.Get(name)
	if value == nil {
		return ""
	}
	return clean(value.String())
}
