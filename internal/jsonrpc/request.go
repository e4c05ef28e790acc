package jsonrpc

import (
	"context"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/share"
)

// A Request is a parsed request, or a notification when its ID is nil. Its
// byte slices alias the message it was parsed from.
type Request struct {
	// ID is the request's id as it stood in the message, a JSON string or
	// integer, to be echoed byte for byte.
	ID []byte

	Method string

	// Params holds the members of "params", and Meta the members of its "_meta".
	// RawParams is nil when there are none, and HasMeta tells an empty "_meta"
	// from an absent one.
	Params    Object
	RawParams []byte
	Meta      Object
	HasMeta   bool

	// ClientInfo holds the members of the implementation in Meta.
	ClientInfo Object

	// HTTP is the HTTP request that carried the message and nil on other
	// transports. The engine checks the parameters mirrored into its header
	// (streamable-http, "Custom Headers from Tool Parameters").
	HTTP *http.Request

	// Began is when that HTTP request arrived. It is zero on other transports.
	Began time.Time

	// Received is when the engine got the request. It is zero when nothing observes
	// requests.
	Received time.Time

	// Caller is to whose share of what callers have in common the request
	// counts.
	Caller share.Caller

	// Handshake says that the request comes from a connection of a version with
	// a handshake, and that Meta holds what the connection knows.
	Handshake bool

	// Session is the id of the session over HTTP that the request belongs to, and
	// empty without one.
	Session string

	// Own says that the transport makes the request for the client, which has sent no
	// such message: it listens on a stream of its session.
	Own bool

	// Row is what has been looked up of the method: nil, or a
	// *protocol.Method, which package protocol reads and writes.
	Row any

	// Tails says that the transport sends the Tail of a response.
	Tails bool

	// OnRun is called when the request is about to run, and so after all that
	// refuses it because of its caller. Nil does nothing.
	OnRun func()

	// Asker reaches the client where the connection can carry requests to it,
	// and is nil elsewhere.
	Asker Asker

	// StreamCloser ends the HTTP response that carries the answer where the
	// client can come back for the rest, and is nil elsewhere.
	StreamCloser StreamCloser

	envelope Object
	room     *room
}

// A room is the memory for what [Request.Parse] keeps. It is used again without
// being cleared, which would take longer than all that is done with a small
// message but reading it.
type room struct {
	envelope [6]Member
	params   [6]Member
	meta     [6]Member
	client   [3]Member
	levels   [4]level
}

// Reset makes r a request that can be parsed again. It lets go of everything but
// the text of the last message.
func (r *Request) Reset() { *r = Request{room: r.room} }

// An Asker sends requests to the client.
type Asker interface {
	// Ask sends a request and waits for its result, which is raw JSON.
	Ask(ctx context.Context, method string, params []byte) (result []byte, err error)
}

// questionID is the key of the function that is told the id of a question.
type questionID struct{}

// WithQuestionID returns a context for [Asker.Ask], which tells note the id of the
// request that it sends.
func WithQuestionID(ctx context.Context, note func(id string)) context.Context {
	return context.WithValue(ctx, questionID{}, note)
}

// NoteQuestionID tells the function of [WithQuestionID], if there is one, the id.
func NoteQuestionID(ctx context.Context, id string) {
	if note, ok := ctx.Value(questionID{}).(func(string)); ok {
		note(id)
	}
}

// A StreamCloser ends HTTP responses that are event streams.
type StreamCloser interface {
	// CloseStream ends the response. The client comes back for what follows
	// after the retry time (2025-11-25, transports, "Sending Messages to the
	// Server").
	CloseStream(retry time.Duration)
}

// IsNotification reports whether the message expects no response.
func (r *Request) IsNotification() bool { return r.ID == nil }
