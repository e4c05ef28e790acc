package postgres

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/bus"
)

func FuzzJoiner(f *testing.F) {
	f.Add("message", "A 1:x", "B 0:y")
	f.Add(strings.Repeat("x", 20_000), "A -1:x", "?probe")
	f.Fuzz(func(t *testing.T, message, one, two string) {
		var j joiner
		for _, foreign := range []string{one, two, one} {
			if got := j.add(foreign); len(got) > bus.MaxMessage+maxPayload+len(one)+len(two) {
				t.Errorf("a message of %d bytes was put together", len(got))
			}
		}
		payloads := split(message)
		for i, payload := range payloads {
			if len(payload) >= 8000 {
				t.Errorf("a payload has %d bytes", len(payload))
			}
			switch got := j.add(payload); {
			case i < len(payloads)-1 && got != nil:
				t.Errorf("a message came with piece %d of %d", i+1, len(payloads))
			case i == len(payloads)-1 && string(got) != message:
				t.Errorf("the message is %.30q, want %.30q", got, message)
			}
		}
	})
}
