package otelmcp

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// asked records a question of the server, which is the sender here: its span is of the
// kind client (semantic conventions for MCP, "Client").
func (t *Telemetry) asked(ctx context.Context, q *mcpengine.Question) (context.Context, func([]byte, error)) {
	tracer, traces := t.tracer()
	if !traces && !t.client.Enabled(ctx) {
		return ctx, nil
	}
	began := time.Now()
	major, minor := 0, 0
	if r := q.Request.HTTP(); r != nil {
		major, minor = r.ProtoMajor, r.ProtoMinor
	}
	attributes := append(questionAttributes(q.Method, q.Request.ProtocolVersion()), network(major, minor)...)
	var span trace.Span
	if traces {
		ctx, span = tracer.Start(ctx, questionMethod(q.Method), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
		if id := q.Request.SessionID(); id != "" {
			span.SetAttributes(sessionID.String(id))
		}
		q.Meta = inject(ctx)
	}
	return ctx, func(_ []byte, err error) {
		out := clientOutcome(q.Method, nil, err)
		if span != nil {
			if q.ID != "" {
				span.SetAttributes(requestID.String(q.ID))
			}
			out.end(span)
		}
		t.client.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(append(attributes, out.attributes...)...))
	}
}

// answering records a question that a client answers, which is the receiver here: its
// span is of the kind server (semantic conventions for MCP, "Server"). The parent is the
// server's span for a question by request, and the caller's for one in a result.
func (t *Telemetry) answering(ctx context.Context, q *client.Question) (context.Context, func([]byte, error)) {
	tracer, traces := t.tracer()
	if !traces && !t.server.Enabled(ctx) {
		return ctx, nil
	}
	began := time.Now()
	attributes := questionAttributes(q.Method, q.ProtocolVersion)
	for _, a := range reached(q.Server) {
		if a.Key != serverAddress && a.Key != serverPort { // the server is the sender
			attributes = append(attributes, a)
		}
	}
	var span trace.Span
	if traces {
		var links []trace.Link
		ctx, links = extract(ctx, metaOf(q.Params))
		ctx, span = tracer.Start(ctx, questionMethod(q.Method), trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attributes...), trace.WithLinks(links...))
		if q.ID != "" {
			span.SetAttributes(requestID.String(bounded(strings.Trim(q.ID, `"`), maxValue)))
		}
		if q.SessionID != "" {
			span.SetAttributes(sessionID.String(bounded(q.SessionID, maxValue)))
		}
	}
	return ctx, func(_ []byte, err error) {
		out := answerOutcome(ctx, q, err)
		if span != nil {
			out.end(span)
		}
		t.server.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(append(attributes, out.attributes...)...))
	}
}

// questionMethod returns the method of a question, and other for one that a server has
// made up.
func questionMethod(method string) string {
	switch method {
	case mcp.MethodElicitationCreate, mcp.MethodSamplingCreateMessage, mcp.MethodRootsList:
		return method
	}
	return other
}

// questionAttributes returns the attributes that spans and metrics of questions have in
// common.
func questionAttributes(method, version string) []attribute.KeyValue {
	attributes := []attribute.KeyValue{methodName.String(questionMethod(method))}
	if version != "" {
		attributes = append(attributes, protocolVersion.String(version))
	}
	return attributes
}

// answerOutcome says how a client has answered. Only a question by request can be
// answered with an error.
func answerOutcome(ctx context.Context, q *client.Question, err error) (out outcome) {
	var sent *mcp.Error
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled):
		out.attributes = []attribute.KeyValue{errorType.String(cancelled)}
	case q.ID != "" && errors.As(err, &sent):
		return outcomeOf(ctx, &mcpengine.Outcome{Error: sent})
	default:
		out.attributes = []attribute.KeyValue{errorType.String(kindOf(err))}
		out.failed = true
	}
	return out
}

// metaOf returns a function that reads from the "_meta" of parameters.
func metaOf(params []byte) func(key string) []byte {
	var p struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	_ = json.Unmarshal(params, &p) // what is not there is not read
	return func(key string) []byte { return p.Meta[key] }
}
