package sse_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/sse"
)

const limit = 1 << 20

func ExampleReader() {
	stream := "id: 41\ndata:\n\n" + // an MCP server gives the client an id to resume from
		": keep-alive\n\n" +
		"id: 42\ndata: {\"jsonrpc\":\"2.0\"}\n\n" +
		"retry: 3000\n\n" // the server is about to close the stream
	r := sse.NewReader(strings.NewReader(stream), 1<<20)
	for {
		event, err := r.Next()
		if err != nil {
			break
		}
		fmt.Printf("%s: %q\n", event.ID, event.Data)
	}
	wait, _ := r.Retry()
	fmt.Println("resume from", r.LastEventID(), "in", wait)
	// Output:
	// 41: ""
	// 42: "{\"jsonrpc\":\"2.0\"}"
	// resume from 42 in 3s
}

// outcome is everything that a client learns from a stream.
type outcome struct {
	Events      []sse.Event
	LastEventID string
	Retry       time.Duration
	HasRetry    bool
}

// readAll reads r to its end, which must be clean.
func readAll(t *testing.T, src io.Reader, maxEvent int) outcome {
	t.Helper()
	r := sse.NewReader(src, maxEvent)
	var got outcome
	for {
		event, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		got.Events = append(got.Events, event)
	}
	got.LastEventID = r.LastEventID()
	got.Retry, got.HasRetry = r.Retry()
	return got
}

func data(lines ...string) []sse.Event {
	var events []sse.Event
	for _, line := range lines {
		events = append(events, sse.Event{Data: []byte(line)})
	}
	return events
}

func TestReader(t *testing.T) {
	t.Parallel()
	const second = time.Second
	tests := []struct {
		name, stream string
		want         outcome
	}{
		{"an empty stream has no events", "", outcome{}},
		{"LF", "data: a\n\ndata: b\n\n", outcome{Events: data("a", "b")}},
		{"CR", "data: a\r\rdata: b\r\r", outcome{Events: data("a", "b")}},
		{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", outcome{Events: data("a", "b")}},
		{"mixed line ends", "data: a\r\n\ndata: b\n\rdata: c\r\r\n", outcome{Events: data("a", "b", "c")}},
		{"one BOM is skipped", "\uFEFFdata: a\n\n", outcome{Events: data("a")}},
		{"a second BOM is not", "\uFEFF\uFEFFdata: a\n\n", outcome{}},
		{"nor a later one", "\n\uFEFFdata: a\n\n", outcome{}},
		{"data lines are joined by LF", "data: a\ndata: b\r\ndata: c\n\n", outcome{Events: data("a\nb\nc")}},
		{"one space is skipped", "data:a\ndata: b\ndata:  c\n\n", outcome{Events: data("a\nb\n c")}},
		{"a value may hold colons", "data: a: b:\n\n", outcome{Events: data("a: b:")}},
		{"a field may lack a colon", "data\n\ndata\ndata\n\n", outcome{Events: data("", "\n")}},
		{"comments are ignored", ": x\ndata: a\n:\n:data: b\n\n:\n\n", outcome{Events: data("a")}},
		{"unknown fields are ignored", "foo: 1\nDATA: b\n data: c\ndata: a\n\n", outcome{Events: data("a")}},
		{"a name lasts for one event", "event: x\ndata: a\n\ndata: b\n\n", outcome{
			Events: []sse.Event{{Name: "x", Data: []byte("a")}, {Data: []byte("b")}},
		}},
		{"the last name wins", "event: x\nevent: y\ndata: a\n\n", outcome{
			Events: []sse.Event{{Name: "y", Data: []byte("a")}},
		}},
		{"an id outlasts its event", "id: 1\ndata: a\n\ndata: b\n\n", outcome{
			Events:      []sse.Event{{ID: "1", Data: []byte("a")}, {Data: []byte("b")}},
			LastEventID: "1",
		}},
		{"an empty id resets", "id: 1\ndata: a\n\nid\ndata: b\n\n", outcome{
			Events: []sse.Event{{ID: "1", Data: []byte("a")}, {Data: []byte("b")}},
		}},
		{"an id with NUL is ignored", "id: 1\nid: 2\x003\ndata: a\n\n", outcome{
			Events: []sse.Event{{ID: "1", Data: []byte("a")}}, LastEventID: "1",
		}},
		{"a priming event has empty data", "id: 1\ndata:\n\n", outcome{
			Events: []sse.Event{{ID: "1", Data: []byte{}}}, LastEventID: "1",
		}},
		{"a block without data is no event, but sets the id", "id: 1\nevent: x\n\ndata: a\n\n", outcome{
			Events: data("a"), LastEventID: "1",
		}},
		{"and the retry time", "retry: 1000\n\n", outcome{Retry: second, HasRetry: true}},
		{"a retry time of zero is one", "retry: 0\n\n", outcome{HasRetry: true}},
		{"retry takes digits only", "retry: 1s\nretry: -1\nretry: +1\nretry: 1.0\nretry:\nretry:  1\n\n", outcome{}},
		{"a long retry time is the longest", "retry: 99999999999999999999\n\n", outcome{
			Retry: math.MaxInt64 / time.Millisecond * time.Millisecond, HasRetry: true,
		}},
		{"a retry time belongs to its event too", "retry: 1000\ndata: a\n\ndata: b\n\n", outcome{
			Events: []sse.Event{{Retry: second, Data: []byte("a")}, {Data: []byte("b")}},
			Retry:  second, HasRetry: true,
		}},
		{"an unfinished event is dropped with its id", "data: a\n\nid: 1\ndata: b\n", outcome{Events: data("a")}},
		{"an unfinished line too", "data: a\n\ndata: b", outcome{Events: data("a")}},
		{"a retry time counts at once", "retry: 1000\n", outcome{Retry: second, HasRetry: true}},
		{"but not in an unfinished line", "retry: 1000", outcome{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, src := range map[string]io.Reader{
				"at once":      strings.NewReader(tt.stream),
				"byte by byte": iotest.OneByteReader(strings.NewReader(tt.stream)),
				"EOF early":    iotest.DataErrReader(strings.NewReader(tt.stream)),
			} {
				if diff := cmp.Diff(tt.want, readAll(t, src, limit)); diff != "" {
					t.Errorf("reading %q %s (-want +got):\n%s", tt.stream, name, diff)
				}
			}
		})
	}
}

func TestReaderLimit(t *testing.T) {
	t.Parallel()
	const max = 20
	tests := []struct {
		name, stream string
		want         error
	}{
		{"an event of the limit", "data: 78901234567890\n\n", io.EOF},
		{"one byte more", "data: 789012345678901\n\n", sse.ErrTooLarge},
		{"lines add up", "data: 7890\ndata: 67890\n\n", sse.ErrTooLarge},
		{"fields add up", "event: 890\nid: 567890\nx\n\n", sse.ErrTooLarge},
		{"unknown fields add up", "x: 4567890\ny: 45678901\n\n", sse.ErrTooLarge},
		{"events do not", "data: 7890123456\n\ndata: 7890123456\n\n", io.EOF},
		{"comments do not", strings.Repeat(": alive\n", 100), io.EOF},
		{"but each has the limit", ": 3456789012345678901\n", sse.ErrTooLarge},
		{"line ends do not count", strings.Repeat("id\r\n", 10) + "\r\n", io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sse.NewReader(strings.NewReader(tt.stream), max)
			var err error
			for err == nil {
				_, err = r.Next()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("reading %q: %v, want %v", tt.stream, err, tt.want)
			}
			if _, again := r.Next(); !errors.Is(again, tt.want) {
				t.Errorf("the error of %q became %v", tt.stream, again)
			}
		})
	}
}

// endless is a stream of one byte value that counts the bytes read from it.
type endless struct {
	char byte
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.char
	}
	e.read += len(p)
	return len(p), nil
}

func TestReaderStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, char := range []byte("x:\x00") {
		src := &endless{char: char}
		if _, err := sse.NewReader(src, 10_000).Next(); !errors.Is(err, sse.ErrTooLarge) {
			t.Errorf("endless %q: %v, want %v", char, err, sse.ErrTooLarge)
		}
		if src.read > 20_000 {
			t.Errorf("endless %q: read %d bytes to refuse 10,000", char, src.read)
		}
	}
}

func TestReaderDoesNotWaitForMoreThanTheEvent(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, stream := range []string{"data: a\n\n", "data: a\r\r", "data: a\r\n\r"} {
		src := io.MultiReader(strings.NewReader("id: 1\n"+stream), iotest.ErrReader(broken))
		r := sse.NewReader(src, limit)
		if event, err := r.Next(); err != nil || string(event.Data) != "a" {
			t.Errorf("Next of %q = %q, %v, want the event", stream, event.Data, err)
		}
		if _, err := r.Next(); !errors.Is(err, broken) {
			t.Errorf("then Next = %v, want %v", err, broken)
		}
		if id := r.LastEventID(); id != "1" {
			t.Errorf("LastEventID after a broken connection = %q, want 1", id)
		}
	}
}

func TestReaderKeepsNoEvent(t *testing.T) {
	t.Parallel()
	r := sse.NewReader(strings.NewReader("data: a\n\ndata: b\n\n"), limit)
	first, _ := r.Next()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if string(first.Data) != "a" {
		t.Errorf("the first event's data became %q", first.Data)
	}
}

// loop is a stream that repeats one text without end.
type loop struct {
	text string
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.text[l.at:])
	l.at = (l.at + n) % len(l.text)
	return n, nil
}

func TestReaderAllocatesPerEventOnly(t *testing.T) {
	text := strings.Repeat(": comment\nunknown: x\nid: 1\ndata: line\n", 100) + "\n"
	r := sse.NewReader(&loop{text: text}, limit)
	got := testing.AllocsPerRun(100, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	})
	if got > 2 { // the data and the id
		t.Errorf("Next of an event of 400 lines allocates %v times, want 2 at most", got)
	}
}
