package events

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// ID is the ID of the extension.
const ID = "io.modelcontextprotocol/events"

// The error codes of the extension. They are provisional: another draft claims the
// first one.
const (
	CodeNotFound          = -32023
	CodeForbidden         = -32024
	CodeResourceExhausted = -32025
	CodeUnsupported       = -32026
)

// A Query asks for events.
type Query[Args any] struct {
	// Args are the client's arguments, which match their schema.
	Args Args

	// Cursor is where the client is. It is empty for a client that begins: such a
	// client gets the events from now on, and before that the events of the time
	// MaxAge.
	Cursor string

	// MaxAge bounds how old events may be, and 0 does not.
	MaxAge time.Duration

	// MaxEvents is how many events are wanted at most. It is positive.
	MaxEvents int
}

// A Page is the answer to a [Query].
type Page[Data any] struct {
	// Events are in the order in which they happened.
	Events []Event[Data]

	// Cursor is where the client is behind these events. Required.
	Cursor string

	// Truncated says that events after the query's cursor are missing, for example
	// because they are not kept as long.
	Truncated bool

	// HasMore says that there are more events already.
	HasMore bool

	// Next is when the client should ask again. The default is a minute.
	Next time.Duration
}

// An Event is something that has happened.
type Event[Data any] struct {
	// ID is the same whenever the event is delivered. Required.
	ID   string
	Time time.Time
	Data Data

	// Cursor is where the client is behind this event. Optional.
	Cursor string
}

// A Source returns the events of a type. An [*mcp.Error], such as one of
// [CodeForbidden], reaches the client and ends a stream. Any other error is logged;
// a stream goes on after it.
type Source[Args, Data any] func(ctx context.Context, q Query[Args]) (Page[Data], error)

// A Type is a type of events.
type Type struct {
	name  string
	fault error
	entry typeEntry
	shown func(ctx context.Context) bool
	poll  func(ctx context.Context, q query) (page, error)
}

// A typeEntry is an entry of events/list.
type typeEntry struct {
	Name          string          `json:"name"`
	Description   string          `json:"description"`
	Delivery      []string        `json:"delivery"`
	InputSchema   json.RawMessage `json:"inputSchema"`
	PayloadSchema json.RawMessage `json:"payloadSchema"`
	Meta          mcp.Meta        `json:"_meta,omitzero"`
}

// An Option adjusts a type of events.
type Option func(*Type)

// VisibleTo shows the type only to callers for whom the function returns true. For
// others it does not exist.
func VisibleTo(visible func(ctx context.Context) bool) Option {
	return func(t *Type) { t.shown = visible }
}

// WithMeta sets the "_meta" of the type in the list.
func WithMeta(meta mcp.Meta) Option {
	return func(t *Type) { t.entry.Meta = meta }
}

// New makes a type of events. Its arguments and its data are described by the
// schemas of Args, a struct whose tags [mcpengine.Handler] lists, and Data.
// [NewFeed] panics when a schema cannot be inferred.
func New[Args, Data any](name, description string, source Source[Args, Data], opts ...Option) Type {
	t := Type{name: name, entry: typeEntry{Name: name, Description: description, Delivery: []string{"poll", "push"}}}
	if t.entry.InputSchema, t.fault = mcpengine.InputSchema[Args](); t.fault == nil {
		t.entry.PayloadSchema, t.fault = mcpengine.OutputSchema[Data]()
	}
	t.poll = func(ctx context.Context, q query) (page, error) { return poll(ctx, source, q) }
	for _, o := range opts {
		o(&t)
	}
	return t
}

// A query is a [Query] whose arguments are not decoded.
type query struct {
	arguments json.RawMessage
	cursor    string
	maxAge    time.Duration
	max       int
}

// A page is the result of events/poll.
type page struct {
	Events     []occurrence `json:"events"`
	Cursor     string       `json:"cursor"`
	Truncated  bool         `json:"truncated"`
	HasMore    bool         `json:"hasMore"`
	NextPollMs int64        `json:"nextPollMs"`
}

// An occurrence is an event on the wire (EventOccurrence).
type occurrence struct {
	EventID   string    `json:"eventId"`
	Name      string    `json:"name"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
	Cursor    string    `json:"cursor,omitzero"`
}

// poll asks a source.
func poll[Args, Data any](ctx context.Context, source Source[Args, Data], q query) (p page, err error) {
	args, err := mcpengine.DecodeInput[Args](ctx, q.arguments)
	if err != nil {
		return p, mcp.Errorf(mcp.CodeInvalidParams, "%v", err)
	}
	got, err := source(ctx, Query[Args]{Args: args, Cursor: q.cursor, MaxAge: q.maxAge, MaxEvents: q.max})
	if err != nil {
		return p, err
	}
	if got.Cursor == "" {
		return p, fmt.Errorf("the source returned no cursor")
	}
	if len(got.Events) > q.max {
		return p, fmt.Errorf("the source returned %d events where %d were asked for", len(got.Events), q.max)
	}
	next := got.Next
	if next <= 0 {
		next = defaultNext
	}
	p = page{Events: make([]occurrence, len(got.Events)), Cursor: got.Cursor, Truncated: got.Truncated, HasMore: got.HasMore, NextPollMs: next.Milliseconds()}
	for i, e := range got.Events {
		if e.ID == "" {
			return p, fmt.Errorf("the source returned an event without an ID")
		}
		p.Events[i] = occurrence{EventID: e.ID, Timestamp: e.Time.UTC(), Data: e.Data, Cursor: e.Cursor}
	}
	return p, nil
}
