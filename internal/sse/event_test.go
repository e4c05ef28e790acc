package sse_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/sse"
)

func ExampleAppend() {
	buf := sse.Append(nil, sse.Event{Name: "message", ID: "7", Data: []byte(`{"jsonrpc":"2.0"}`)})
	fmt.Printf("%s", buf)
	// Output:
	// event: message
	// id: 7
	// data: {"jsonrpc":"2.0"}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		event sse.Event
		want  string
	}{
		{"data alone", sse.Event{Data: []byte("x")}, "data: x\n\n"},
		{
			"every field",
			sse.Event{ID: "1", Name: "ping", Data: []byte("x"), Retry: 1500 * time.Millisecond},
			"event: ping\nid: 1\nretry: 1500\ndata: x\n\n",
		},
		{"an LF starts a field", sse.Event{Data: []byte("a\nb")}, "data: a\ndata: b\n\n"},
		{"so does a CR", sse.Event{Data: []byte("a\rb")}, "data: a\ndata: b\n\n"},
		{"and a CRLF, once", sse.Event{Data: []byte("a\r\nb")}, "data: a\ndata: b\n\n"},
		{"LF then CR are two", sse.Event{Data: []byte("a\n\rb")}, "data: a\ndata: \ndata: b\n\n"},
		{"a last line end is kept", sse.Event{Data: []byte("a\n")}, "data: a\ndata: \n\n"},
		{"leading space survives", sse.Event{Data: []byte(" a")}, "data:  a\n\n"},
		{"empty data is a field", sse.Event{ID: "1", Data: []byte{}}, "id: 1\ndata: \n\n"},
		{"nil data is not", sse.Event{ID: "1", Retry: time.Second}, "id: 1\nretry: 1000\n\n"},
		{"a retry under 1 ms is absent", sse.Event{Retry: time.Microsecond}, "\n"},
		{"a negative retry is absent", sse.Event{Retry: -time.Second}, "\n"},
		{
			"an id cannot add a field",
			sse.Event{ID: "1\ndata: evil\r\n\r\n", Data: []byte("x")},
			"id: 1data: evil\ndata: x\n\n",
		},
		{
			"nor can a name",
			sse.Event{Name: "a\rdata: evil\n\n", Data: []byte("x")},
			"event: adata: evil\ndata: x\n\n",
		},
		{"NUL is dropped from an id", sse.Event{ID: "a\x00b"}, "id: ab\n\n"},
		{"an id of nothing else is absent", sse.Event{ID: "\n\x00", Data: []byte("x")}, "data: x\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := string(sse.Append([]byte("before "), tt.event))
			if want := "before " + tt.want; got != want {
				t.Errorf("Append(%+v) = %q, want %q", tt.event, got, want)
			}
		})
	}
}

func TestAppendComment(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"", ":\n\n"},
		{"alive", ": alive\n\n"},
		{"a\r\nb\rdata: c", ": a\n: b\n: data: c\n\n"},
	}
	for _, tt := range tests {
		if got := string(sse.AppendComment(nil, tt.text)); got != tt.want {
			t.Errorf("AppendComment(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	event := sse.Event{ID: "1\n", Name: "message", Data: make([]byte, 1000), Retry: time.Second}
	buf := make([]byte, 0, 4096)
	got := testing.AllocsPerRun(100, func() {
		buf = sse.Append(buf[:0], event)
		buf = sse.AppendComment(buf, "alive")
	})
	if got != 0 {
		t.Errorf("Append and AppendComment allocate %v times, want 0", got)
	}
}
