package handshake_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/share"
)

// numbers returns the numbers of the events after one.
func numbers(b *handshake.EventBuffer, stream string, after uint64) (all []uint64) {
	for number := range b.After(stream, after) {
		all = append(all, number)
	}
	return all
}

func TestEventBuffer(t *testing.T) {
	t.Parallel()
	b := handshake.NewEventBuffer()
	text := []byte("one")
	b.Append("a", 1, text)
	copy(text, "xxx") // the buffer has its own
	b.Append("b", 1, []byte("other"))
	b.Append("a", 2, []byte("two"))
	for _, test := range []struct {
		stream string
		after  uint64
		want   map[uint64]string
	}{
		{"a", 0, map[uint64]string{1: "one", 2: "two"}},
		{"a", 1, map[uint64]string{2: "two"}},
		{"a", 2, map[uint64]string{}},
		{"b", 0, map[uint64]string{1: "other"}},
		{"c", 0, map[uint64]string{}},
	} {
		got := map[uint64]string{}
		for number, data := range b.After(test.stream, test.after) {
			got[number] = string(data)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("After(%q, %d) (-want +got):\n%s", test.stream, test.after, diff)
		}
	}
}

// A stream keeps its last events: 256, or 1 MiB, or one of any size.
func TestEventBufferBoundsStream(t *testing.T) {
	t.Parallel()
	b := handshake.NewEventBuffer()
	for n := range uint64(300) {
		b.Append("many", n+1, nil)
	}
	if got := numbers(b, "many", 0); len(got) != 256 || got[0] != 45 || got[255] != 300 {
		t.Errorf("of many events %d are kept, from %d on", len(got), got[0])
	}
	for n := range uint64(10) {
		b.Append("large", n+1, make([]byte, 300<<10))
	}
	if got := numbers(b, "large", 0); !cmp.Equal(got, []uint64{8, 9, 10}) {
		t.Errorf("of large events %v are kept", got)
	}
	b.Append("huge", 1, []byte("x"))
	b.Append("huge", 2, make([]byte, 3<<20))
	if got := numbers(b, "huge", 0); !cmp.Equal(got, []uint64{2}) {
		t.Errorf("beside a huge event %v are kept", got)
	}
}

// A stream that has ended is kept for five minutes.
func TestEventBufferExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := handshake.NewEventBuffer()
		b.Append("ended", 1, nil)
		b.Append("goes on", 1, nil)
		b.End("ended")
		b.End("unknown")
		time.Sleep(5*time.Minute - time.Nanosecond)
		b.End("ended") // only the first end counts
		if got := numbers(b, "ended", 0); len(got) != 1 {
			t.Errorf("the stream has expired too early: %v", got)
		}
		time.Sleep(time.Nanosecond)
		if got := numbers(b, "ended", 0); got != nil {
			t.Errorf("the stream has not expired: %v", got)
		}
		if got := numbers(b, "goes on", 0); len(got) != 1 {
			t.Errorf("the other stream has expired: %v", got)
		}
	})
}

// Beyond 1,000 streams or 64 MiB the buffer drops the streams that ended first,
// and then any.
func TestEventBufferBoundsAll(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		streams int // that there is room for
		event   []byte
	}{
		{"streams", 1000, nil},
		{"bytes", 64, bytes.Repeat([]byte("x"), 1<<20)},
	} {
		b := handshake.NewEventBuffer()
		name := func(n int) string { return fmt.Sprintf("%s %d", test.name, n) }
		for n := range test.streams {
			b.Append(name(n), 1, test.event)
		}
		b.End(name(7))
		b.End(name(3))
		b.Append(name(test.streams), 1, test.event)
		b.Append(name(test.streams+1), 1, test.event)
		for n := range test.streams + 2 {
			if kept := numbers(b, name(n), 0) != nil; kept == (n == 3 || n == 7) {
				t.Errorf("%s is kept: %v", name(n), kept)
			}
		}
		b.Append(name(test.streams+2), 1, test.event)
		kept := 0
		for n := range test.streams + 3 {
			if numbers(b, name(n), 0) != nil {
				kept++
			}
		}
		if kept != test.streams {
			t.Errorf("%d are kept, want %d", kept, test.streams)
		}
		if numbers(b, name(test.streams+2), 0) == nil {
			t.Error("the latest is not kept")
		}
	}
}

// A caller who fills the buffer loses its own streams and no others.
func TestEventBufferIsShared(t *testing.T) {
	t.Parallel()
	b := handshake.NewEventBuffer()
	greedy, other := share.CallerOf("greedy", ""), share.CallerOf("other", "")
	b.Own("other/ended", other)
	b.Append("other/ended", 1, []byte("x"))
	b.End("other/ended")
	b.Own("other/open", other)
	b.Append("other/open", 1, []byte("x"))
	for i := range 2000 {
		stream := fmt.Sprintf("greedy/%d", i)
		b.Own(stream, greedy)
		b.Append(stream, 1, []byte("x"))
	}
	for _, stream := range []string{"other/ended", "other/open", "greedy/1999"} {
		if diff := cmp.Diff([]uint64{1}, numbers(b, stream, 0)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", stream, diff)
		}
	}
	for n := range uint64(2) {
		for i := range 100 {
			b.Append(fmt.Sprintf("greedy/%d", 1999-i), n+2, make([]byte, 1<<20-1))
		}
	}
	if got := numbers(b, "other/ended", 0); len(got) != 1 {
		t.Errorf("100 MiB of another caller drop a stream: %v", got)
	}
}
