package handshake

import (
	"bytes"
	"iter"
	"slices"
	"sync"
	"time"
)

// An EventStore keeps the events of streams, so that a client that has lost its
// connection gets what it has missed. The name of a stream is unique and not to
// be guessed. Its methods may be called from any goroutine.
type EventStore interface {
	// Append keeps an event of a stream. Numbers begin at 1 and increase. The
	// data is not to be used any more once Append has returned.
	Append(stream string, number uint64, data []byte)

	// After returns the events of a stream with greater numbers that are still
	// there, in their order.
	After(stream string, number uint64) iter.Seq2[uint64, []byte]

	// End says that there will be no more events of a stream. They stay as long
	// as a client may come back for them.
	End(stream string)
}

// A storedEvent is one event of a stream.
type storedEvent struct {
	number uint64
	data   []byte
}

// Bounds of an [EventBuffer].
const (
	maxBufferStreams      = 1000
	maxBufferBytes        = 64 << 20
	maxBufferStreamEvents = 256
	maxBufferStreamBytes  = 1 << 20
	bufferTime            = 5 * time.Minute
)

// An EventBuffer keeps events in memory: of each stream the last 256, or 1 MiB
// of them, but the very last in any case, for as long as the stream lasts and 5
// minutes more. It keeps 1,000 streams, or 64 MiB; beyond that the streams go
// that have ended first, and then any.
type EventBuffer struct {
	mu      sync.Mutex
	streams map[string]*bufferedStream
	ended   []*bufferedStream // in that order
	size    int
}

type bufferedStream struct {
	name   string
	events []storedEvent
	size   int
	until  time.Time // zero until the stream has ended
	gone   bool
}

// NewEventBuffer returns an empty buffer.
func NewEventBuffer() *EventBuffer {
	return &EventBuffer{streams: make(map[string]*bufferedStream)}
}

// Append keeps an event and drops what there is no more room for.
func (b *EventBuffer) Append(stream string, number uint64, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(time.Now())
	s := b.streams[stream]
	if s == nil {
		if len(b.streams) >= maxBufferStreams {
			b.makeRoom(nil)
		}
		s = &bufferedStream{name: stream}
		b.streams[stream] = s
	}
	s.events = append(s.events, storedEvent{number, bytes.Clone(data)})
	b.grow(s, len(data))
	for len(s.events) > 1 && (len(s.events) > maxBufferStreamEvents || s.size > maxBufferStreamBytes) {
		b.grow(s, -len(s.events[0].data))
		s.events = s.events[1:]
	}
	for b.size > maxBufferBytes && len(b.streams) > 1 {
		b.makeRoom(s)
	}
}

// After returns what is left of a stream after an event.
func (b *EventBuffer) After(stream string, number uint64) iter.Seq2[uint64, []byte] {
	events := b.after(stream, number)
	return func(yield func(uint64, []byte) bool) {
		for _, e := range events {
			if !yield(e.number, e.data) {
				return
			}
		}
	}
}

func (b *EventBuffer) after(stream string, number uint64) []storedEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(time.Now())
	s := b.streams[stream]
	if s == nil {
		return nil
	}
	for i, e := range s.events {
		if e.number > number {
			return slices.Clone(s.events[i:])
		}
	}
	return nil
}

// End starts the time after which a stream is dropped.
func (b *EventBuffer) End(stream string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.streams[stream]; s != nil && s.until.IsZero() {
		s.until = time.Now().Add(bufferTime)
		b.ended = append(b.ended, s)
	}
}

func (b *EventBuffer) grow(s *bufferedStream, n int) {
	s.size += n
	b.size += n
}

// expire drops the streams whose time is over. There is no timer for that: what
// is over stays until the buffer is used again, within its bounds.
func (b *EventBuffer) expire(now time.Time) {
	for len(b.ended) > 0 && (b.ended[0].gone || !now.Before(b.ended[0].until)) {
		b.drop(b.ended[0])
		b.ended = b.ended[1:]
	}
}

// makeRoom drops a stream other than keep.
func (b *EventBuffer) makeRoom(keep *bufferedStream) {
	for i, s := range b.ended {
		if !s.gone && s != keep {
			b.drop(s)
			b.ended = append(b.ended[:i], b.ended[i+1:]...)
			return
		}
	}
	for _, s := range b.streams {
		if s != keep {
			b.drop(s)
			return
		}
	}
}

func (b *EventBuffer) drop(s *bufferedStream) {
	if !s.gone {
		s.gone = true
		delete(b.streams, s.name)
		b.size -= s.size
	}
}
