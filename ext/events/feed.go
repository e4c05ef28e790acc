package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	defaultNext   = time.Minute
	minNext       = time.Second // between two questions of a stream, unless something has changed
	heartbeat     = 30 * time.Second
	defaultEvents = 100
	maxEvents     = 1000
)

// The notifications of a stream.
const (
	notifyActive     = "notifications/events/active"
	notifyEvent      = "notifications/events/event"
	notifyHeartbeat  = "notifications/events/heartbeat"
	notifyError      = "notifications/events/error"
	notifyTerminated = "notifications/events/terminated"
)

// A Feed holds the types of events of a server.
type Feed struct {
	// Logger gets the errors of sources during streams. The default is the
	// standard logger. Set it before the feed is served.
	Logger *slog.Logger

	types []Type

	mu      sync.Mutex
	streams map[*stream]bool
}

// NewFeed makes a feed. It panics when a type is not valid or two have one name.
func NewFeed(types ...Type) *Feed {
	f := &Feed{types: slices.Clone(types), streams: make(map[*stream]bool)}
	seen := make(map[string]bool)
	for _, t := range f.types {
		switch {
		case t.poll == nil || t.name == "":
			panic("events: NewFeed: a type has no name or no source")
		case t.fault != nil:
			panic(fmt.Sprintf("events: NewFeed: type %q: %v", t.name, t.fault))
		case seen[t.name]:
			panic(fmt.Sprintf("events: NewFeed: type %q is given twice", t.name))
		}
		seen[t.name] = true
	}
	return f
}

// Extension returns the extension that serves the feed, in 2026-07-28 only. The
// options are the policy of its methods; by default a caller must be verified where
// the engine verifies callers.
func (f *Feed) Extension(policy ...mcpengine.PolicyOption) mcpengine.Extension {
	with := func(more ...mcpengine.MethodOption) []mcpengine.MethodOption {
		for _, p := range policy {
			more = append(more, p)
		}
		return more
	}
	return mcpengine.Extension{
		ID: ID,
		Settings: func(version string) any {
			if version != mcp.LatestProtocolVersion {
				return nil
			}
			return map[string]bool{"listChanged": false}
		},
		Features: []mcpengine.Feature{
			mcpengine.NewMethod("events/list", f.list, with()...),
			mcpengine.NewMethod("events/poll", f.poll, with()...),
			mcpengine.NewMethod("events/stream", f.stream, with(mcpengine.Lasting())...),
		},
		Notifications: []string{notifyActive, notifyEvent, notifyHeartbeat, notifyError, notifyTerminated},
	}
}

// Changed says that a type has new events: its streams ask for them at once. Without
// it they ask as often as the source says.
func (f *Feed) Changed(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.streams {
		if s.name == name {
			select {
			case s.changed <- struct{}{}:
			default: // it is about to ask
			}
		}
	}
}

type listOut struct {
	Events []typeEntry `json:"events"`
}

func (f *Feed) list(ctx context.Context, _ struct{}) (listOut, error) {
	out := listOut{Events: []typeEntry{}}
	for _, t := range f.types {
		if t.shown == nil || t.shown(ctx) {
			out.Events = append(out.Events, t.entry)
		}
	}
	return out, nil
}

// find returns a type that the caller may see.
func (f *Feed) find(ctx context.Context, name string) (*Type, error) {
	for i := range f.types {
		if t := &f.types[i]; t.name == name && (t.shown == nil || t.shown(ctx)) {
			return t, nil
		}
	}
	return nil, mcp.Errorf(CodeNotFound, "there is no type of events %.128q", name)
}

// pollIn are the parameters of events/poll and events/stream.
type pollIn struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Cursor    string          `json:"cursor,omitempty"`
	MaxAgeMs  int64           `json:"maxAgeMs,omitempty" minimum:"0" maximum:"31536000000"`
	MaxEvents int             `json:"maxEvents,omitempty" minimum:"1"`
}

func (in *pollIn) query() query {
	q := query{arguments: in.Arguments, cursor: in.Cursor, maxAge: time.Duration(in.MaxAgeMs) * time.Millisecond, max: in.MaxEvents}
	if q.max == 0 {
		q.max = defaultEvents
	}
	q.max = min(q.max, maxEvents)
	return q
}

func (f *Feed) poll(ctx context.Context, in pollIn) (page, error) {
	t, err := f.find(ctx, in.Name)
	if err != nil {
		return page{}, err
	}
	return t.ask(ctx, in.query())
}

// ask asks the source and names its events.
func (t *Type) ask(ctx context.Context, q query) (page, error) {
	p, err := t.poll(ctx, q)
	for i := range p.Events {
		p.Events[i].Name = t.name
	}
	return p, err
}

// A stream is a request of events/stream.
type stream struct {
	name    string
	changed chan struct{}
}

func (f *Feed) stream(ctx context.Context, in pollIn) (struct{}, error) {
	var ended struct{}
	t, err := f.find(ctx, in.Name)
	if err != nil {
		return ended, err
	}
	s := &stream{in.Name, make(chan struct{}, 1)}
	f.mu.Lock()
	f.streams[s] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.streams, s)
	}()
	q := in.query()
	p, err := t.ask(ctx, q) // a mistake of the client is an error of the request
	if err != nil {
		return ended, err
	}
	begin := q.cursor
	if begin == "" && len(p.Events) == 0 {
		begin = p.Cursor
	}
	if err := mcpengine.Notify(ctx, notifyActive, map[string]any{"cursor": begin, "truncated": p.Truncated}); err != nil {
		return ended, err
	}
	return ended, t.follow(ctx, s, q, p, cmp.Or(f.Logger, slog.Default()))
}

// follow delivers a page and all that come after it.
func (t *Type) follow(ctx context.Context, s *stream, q query, p page, log *slog.Logger) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		for _, e := range p.Events {
			if err := mcpengine.Notify(ctx, notifyEvent, e); err != nil {
				return err
			}
		}
		if p.Cursor != "" {
			q.cursor, q.maxAge = p.Cursor, 0
		}
		if !p.HasMore {
			if err := s.wait(ctx, max(time.Duration(p.NextPollMs)*time.Millisecond, minNext), beat.C, q.cursor); err != nil {
				return err
			}
		}
		var err error
		if p, err = t.ask(ctx, q); err == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		refusal, ok := errors.AsType[*mcp.Error](err)
		if ok {
			return mcpengine.Notify(ctx, notifyTerminated, refusal)
		}
		log.ErrorContext(ctx, "read events", "type", t.name, "error", err)
		p = page{NextPollMs: defaultNext.Milliseconds()}
		if err := mcpengine.Notify(ctx, notifyError, mcp.Errorf(mcp.CodeInternalError, "events cannot be read at the moment")); err != nil {
			return err
		}
	}
}

// wait waits for a change or for d, and tells the client in the meantime that the stream
// is alive.
func (s *stream) wait(ctx context.Context, d time.Duration, beat <-chan time.Time, cursor string) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.changed:
			return nil
		case <-timer.C:
			return nil
		case <-beat:
			if err := mcpengine.Notify(ctx, notifyHeartbeat, map[string]any{"cursor": cursor}); err != nil {
				return err
			}
		}
	}
}
