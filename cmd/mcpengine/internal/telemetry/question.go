package telemetry

import (
	"context"
	"errors"
	"strings"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
)

// question makes the spans of a question of the server: one as the server's client, which
// receives it, and below it one as the host's server, which sends it, if it is sent by
// request. The parent is the context in the "_meta" of the question, or else the request
// to the server in whose course it is asked.
func (t *Telemetry) question(ctx context.Context, q *bridge.Question) (context.Context, func([]byte, error)) {
	params, _ := jsonrpc.ParseObject(q.Params)
	meta, _ := jsonrpc.ParseObject(params.Get("_meta"))
	parent := parseContext(jsonrpc.Text(meta.Get("traceparent")), jsonrpc.Text(meta.Get("tracestate")))
	if parent.trace == [16]byte{} {
		parent = parentOf(ctx)
	}
	ctx, received := t.begin(ctx, parent, kindServer)
	spans := []*span{received}
	if q.ByRequest {
		var sent *span
		ctx, sent = t.begin(ctx, received.spanContext, kindClient)
		q.Meta = sent.meta()
		spans = append(spans, sent)
	}
	if !received.sampled {
		return ctx, nil
	}
	received.describeQuestion(q.Method, q.Version)
	received.describeTransport(strings.Contains(q.Server, "://"))
	if q.ID != "" {
		received.add("jsonrpc.request.id", bounded(strings.Trim(q.ID, `"`)))
	}
	if q.ByRequest {
		spans[1].describeQuestion(q.Method, q.HostVersion)
		if q.Request != nil {
			spans[1].describeTransport(q.Request.HTTP != nil)
		}
	}
	return ctx, func(_ []byte, err error) {
		if q.HostID != "" {
			spans[1].add("jsonrpc.request.id", q.HostID)
		}
		for _, s := range spans {
			s.asked(ctx, err)
			t.finish(s)
		}
	}
}

// describeQuestion names the span and adds what both sides know of a question. A server
// may make up its method.
func (s *span) describeQuestion(method, version string) {
	if s.name = method; protocol.QuestionCapability(method) == "" {
		s.name = other
	}
	s.add("mcp.method.name", s.name)
	if version != "" {
		s.add("mcp.protocol.version", version)
	}
}

// describeTransport adds how a question travels. The address is the sender's own.
func (s *span) describeTransport(http bool) {
	if !http {
		s.add(networkTransport, "pipe")
		return
	}
	s.add(networkTransport, "tcp")
	s.add("network.protocol.name", "http")
}

// asked adds how a question was answered.
func (s *span) asked(ctx context.Context, err error) {
	rpcErr, answered := errors.AsType[*jsonrpc.Error](err)
	if refused, ok := errors.AsType[*duplex.AnswerError](err); ok && !answered {
		parsed, parseErr := jsonrpc.ParseError(refused.Raw)
		rpcErr, answered = parsed, parseErr == nil
	}
	switch {
	case err == nil:
	case answered:
		s.answered(rpcErr, s.kind == kindClient || isServerError(rpcErr.Code))
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		s.add(errorType, "cancelled")
	default:
		s.add(errorType, kindOf(err))
		s.failed = true
	}
}
