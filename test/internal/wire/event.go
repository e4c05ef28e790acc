package wire

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Message is a JSON-RPC message a server sent.
type Message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// An Error is the error object of a JSON-RPC response.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Messages returns the messages in the body of an answer: the one of a JSON
// body, or one for each event of an event stream.
func Messages(contentType string, body []byte) ([]Message, error) {
	if !strings.HasPrefix(contentType, "text/event-stream") {
		message, err := decode(string(body))
		return []Message{message}, err
	}
	var messages []Message
	for event := range strings.SplitSeq(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n\n") {
		data := eventData(event)
		if data == "" {
			continue // a comment, or the empty event that opens some streams
		}
		message, err := decode(data)
		if err != nil {
			return nil, err
		}
		messages = append(messages, message)
	}
	return messages, nil
}

// eventData joins the data fields of an event.
func eventData(event string) string {
	var data []string
	for line := range strings.SplitSeq(event, "\n") {
		if value, ok := strings.CutPrefix(line, "data:"); ok {
			data = append(data, strings.TrimPrefix(value, " "))
		}
	}
	return strings.Join(data, "\n")
}

func decode(data string) (Message, error) {
	var message Message
	if err := json.Unmarshal([]byte(data), &message); err != nil {
		return Message{}, fmt.Errorf("decode message %.80q: %w", data, err)
	}
	return message, nil
}
