package sse_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/sse"
)

// reference interprets a whole stream at once, step by step as the standard
// does, to compare the incremental reader with.
func reference(stream string) outcome {
	stream = strings.TrimPrefix(stream, "\uFEFF")
	stream = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(stream)
	lines := strings.Split(stream, "\n")
	var out outcome
	var event sse.Event
	lastID := ""
	for _, line := range lines[:len(lines)-1] { // the last one is unfinished
		if line == "" {
			out.LastEventID = lastID
			if event.Data != nil {
				event.Data = event.Data[:len(event.Data)-1]
				out.Events = append(out.Events, event)
			}
			event = sse.Event{}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "data":
			event.Data = append(event.Data, value+"\n"...)
		case name == "event":
			event.Name = value
		case name == "id" && !strings.Contains(value, "\x00"):
			event.ID, lastID = value, value
		case name == "retry" && value != "" && strings.Trim(value, "0123456789") == "":
			const longest = int64(1<<63-1) / 1e6
			ms, err := strconv.ParseInt(value, 10, 64)
			if err != nil || ms > longest {
				ms = longest
			}
			event.Retry = time.Duration(ms) * time.Millisecond
			out.Retry, out.HasRetry = event.Retry, true
		}
	}
	return out
}

func FuzzReader(f *testing.F) {
	f.Add("data: a\n\n", 8)
	f.Add("\uFEFF: c\r\n\r\nid: 1\r\ndata\rdata:\r\r\nretry: 10\n\nevent: x\ndata: a\nid: \x00\n\n", 3)
	f.Add("retry: 99999999999999999999\nid\n\ndata: unfinished", 100)
	f.Fuzz(func(t *testing.T, stream string, maxEvent int) {
		want := reference(stream)
		got := readAll(t, strings.NewReader(stream), len(stream))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reading at once (-reference +got):\n%s", diff)
		}
		got = readAll(t, iotest.OneByteReader(strings.NewReader(stream)), len(stream))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reading byte by byte (-reference +got):\n%s", diff)
		}

		r := sse.NewReader(strings.NewReader(stream), maxEvent)
		for {
			event, err := r.Next()
			if err != nil {
				break
			}
			if size := len(event.ID) + len(event.Name) + len(event.Data); size > maxEvent {
				t.Errorf("an event of %d bytes passed the limit of %d", size, maxEvent)
			}
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("1", "message", []byte(`{"jsonrpc":"2.0"}`), int64(3000))
	f.Add("a\nb", "\x00", []byte("x\r\ny\rz\n"), int64(-1))
	f.Add("", " x", []byte{}, int64(0))
	f.Fuzz(func(t *testing.T, id, name string, data []byte, ms int64) {
		if data == nil {
			data = []byte{}
		}
		in := sse.Event{ID: id, Name: name, Data: data, Retry: time.Duration(ms % 1e12 * 1e6)}

		drop := strings.NewReplacer("\r", "", "\n", "", "\x00", "")
		lines := strings.NewReplacer("\r\n", "\n", "\r", "\n")
		want := sse.Event{
			ID: drop.Replace(id), Name: drop.Replace(name), Data: []byte(lines.Replace(string(data))),
			Retry: max(in.Retry, 0),
		}

		stream := sse.AppendComment(sse.Append(sse.AppendComment(nil, name), in), id)
		stream = sse.Append(stream, in)
		got := readAll(t, bytes.NewReader(stream), len(stream))
		if diff := cmp.Diff([]sse.Event{want, want}, got.Events); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
	})
}
