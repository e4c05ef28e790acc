package handshake

import (
	"bytes"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/share"
)

// An EventStore keeps the events of streams, so that a client that has lost its
// connection gets the events it has missed. The name of a stream is unique and
// cannot be guessed. The methods may be called from any goroutine.
type EventStore interface {
	// Append keeps an event of a stream. Numbers begin at 1 and increase. It
	// must not use the data after it has returned.
	Append(stream string, number uint64, data []byte)

	// After returns the events of a stream with greater numbers that are still
	// there, in their order.
	After(stream string, number uint64) iter.Seq2[uint64, []byte]

	// End says that there will be no more events of a stream. The events stay
	// as long as a client may come back for them.
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

	// streamCost is added to the size of each stream, so that many short
	// streams count as much as a long one.
	streamCost = maxBufferBytes / maxBufferStreams
)

// An EventBuffer keeps events in memory: the last 256 of each stream, or the
// last 1 MiB, but always the last one. It drops them 5 minutes after the end of
// the stream. It keeps 1,000 streams, or 64 MiB. Beyond that it drops streams
// of the caller with most, and among them those that have ended first.
type EventBuffer struct {
	mu      sync.Mutex
	streams map[string]*bufferedStream
	owners  map[string]share.Caller // of streams that have no event yet
	sizes   map[share.Caller]int    // bytes, and a little for each stream
	ended   []*bufferedStream       // in that order
	size    int
}

type bufferedStream struct {
	name   string
	owner  share.Caller
	events []storedEvent
	size   int
	until  time.Time // zero until the stream has ended
	gone   bool
}

// NewEventBuffer returns an empty buffer.
func NewEventBuffer() *EventBuffer {
	return &EventBuffer{
		streams: make(map[string]*bufferedStream),
		owners:  make(map[string]share.Caller), sizes: make(map[share.Caller]int),
	}
}

// isLocal reports whether a store is in the memory of this instance.
func isLocal(s EventStore) bool {
	_, ok := s.(*EventBuffer)
	return ok
}

// Own says to whose share a new stream counts, until End.
func (b *EventBuffer) Own(stream string, owner share.Caller) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owners[stream] = owner
}

// Append keeps an event and drops others when there is no room for them.
func (b *EventBuffer) Append(stream string, number uint64, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(time.Now())
	s := b.streams[stream]
	if s == nil {
		if len(b.streams) >= maxBufferStreams {
			b.makeRoom(nil)
		}
		s = &bufferedStream{name: stream, owner: b.owners[stream]}
		b.streams[stream] = s
		b.sizes[s.owner] += streamCost
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

// After returns the events of a stream that follow an event.
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
	delete(b.owners, stream)
	if s := b.streams[stream]; s != nil && s.until.IsZero() {
		s.until = time.Now().Add(bufferTime)
		b.ended = append(b.ended, s)
	}
}

func (b *EventBuffer) grow(s *bufferedStream, n int) {
	s.size += n
	b.size += n
	b.sizes[s.owner] += n
}

// expire drops the streams whose time is over. There is no timer for that: they
// stay, within the bounds of the buffer, until it is used again.
func (b *EventBuffer) expire(now time.Time) {
	for len(b.ended) > 0 && (b.ended[0].gone || !now.Before(b.ended[0].until)) {
		b.drop(b.ended[0])
		b.ended = b.ended[1:]
	}
}

// makeRoom drops a stream other than keep. It takes one of the caller who has
// most, and one that has ended if there is one.
func (b *EventBuffer) makeRoom(keep *bufferedStream) {
	var victim *bufferedStream
	better := func(s *bufferedStream) bool {
		return !s.gone && s != keep && (victim == nil || b.sizes[s.owner] > b.sizes[victim.owner])
	}
	for _, s := range b.ended {
		if better(s) {
			victim = s
		}
	}
	for _, s := range b.streams {
		if better(s) {
			victim = s
		}
	}
	if victim == nil {
		return
	}
	b.drop(victim)
	b.ended = slices.DeleteFunc(b.ended, func(s *bufferedStream) bool { return s == victim })
}

func (b *EventBuffer) drop(s *bufferedStream) {
	if !s.gone {
		s.gone = true
		delete(b.streams, s.name)
		b.size -= s.size
		if b.sizes[s.owner] -= s.size + streamCost; b.sizes[s.owner] <= 0 {
			delete(b.sizes, s.owner)
		}
	}
}
