package bridge

import (
	"context"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A QuestionObserver is told of each question of the server before the host is asked. The
// host is asked with the context that it returns. The function it returns, if any, is
// called once with the answer or the error.
type QuestionObserver func(ctx context.Context, q *Question) (context.Context, func(answer []byte, err error))

// A Question is a question of the server to the host.
type Question struct {
	Method string
	Params []byte

	// ID is the id, as JSON, of the server's request. It is empty for a question that is a
	// part of a result.
	ID string

	// Server and Version are the URL of the server, if it has one, and its protocol version.
	Server, Version string

	// Request is the request of the host in whose course it is asked. It is nil when the
	// server asks without one.
	Request *jsonrpc.Request

	// ByRequest says that the host is asked by request, in HostVersion, and not in a
	// result. HostID is the id of that request, set when the observer is told the end, and
	// Meta is what the observer adds to its "_meta".
	ByRequest   bool
	HostVersion string
	HostID      string
	Meta        map[string]string
}

// question tells the observer of a question, and has ask put it to the host.
func (b *bridge) question(ctx context.Context, q *Question, ask func(context.Context, string, []byte) ([]byte, error)) ([]byte, error) {
	if b.config.Questions == nil {
		return ask(ctx, q.Method, q.Params)
	}
	if c, err := b.server.current(); err == nil && c != nil {
		q.Server, q.Version = c.Address(), c.Version()
	}
	ctx, end := b.config.Questions(ctx, q)
	params := q.Params
	if q.Meta != nil && params == nil {
		params = []byte("{}")
	}
	for key, value := range q.Meta {
		params = jsonrpc.SetMeta(params, key, jsonrpc.AppendString(nil, value))
	}
	answer, err := ask(jsonrpc.WithQuestionID(ctx, func(id string) { q.HostID = id }), q.Method, params)
	if end != nil {
		end(answer, err)
	}
	return answer, err
}
