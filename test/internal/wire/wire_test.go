package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, contentType, body string
		methods                 []string
	}{
		{"json", "application/json", `{"id":1,"result":{}}`, []string{""}},
		{"events", "text/event-stream", "event: message\ndata: {\"method\":\"a\"}\n\ndata:{\"id\":1}\n\n", []string{"a", ""}},
		{"comments and empty events", "text/event-stream", ": hi\n\nid: 1\ndata:\n\ndata: {\"method\":\"a\"}\r\n\r\n", []string{"a"}},
		{"data in several lines", "text/event-stream", "data: {\ndata: \"method\":\"a\"}\n\n", []string{"a"}},
	}
	for _, test := range tests {
		got, err := wire.Messages(test.contentType, []byte(test.body))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		var methods []string
		for _, message := range got {
			methods = append(methods, message.Method)
		}
		if diff := cmp.Diff(test.methods, methods); diff != "" {
			t.Errorf("%s: methods (-want +got):\n%s", test.name, diff)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add("application/json", []byte(`{"id":1,"result":{}}`))
	f.Add("text/event-stream", []byte("data: {\"method\":\"a\"}\r\n\r\ndata:{}\n\n"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		messages, err := wire.Messages(contentType, body)
		if err == nil && len(messages) > len(body) {
			t.Errorf("%d messages in %d bytes", len(messages), len(body))
		}
	})
}
