package otelmcp

import (
	"context"
	"encoding/json"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// format is the form of the trace context in "_meta", the same as in the header fields of
// W3C Trace Context.
var format propagation.TraceContext

// maxContext bounds a member of "_meta" that is read as trace context. A
// traceparent has 55 characters; W3C asks for 512 of a tracestate at least.
const maxContext = 1024

// extract returns the parent and the links of a span. The context in "_meta" wins
// over the ambient one, to which the span is then linked (semantic conventions for
// MCP, "Context Propagation").
func extract(ctx context.Context, meta func(key string) []byte) (context.Context, []trace.Link) {
	carrier := metaCarrier(meta)
	ambient := trace.SpanContextFromContext(ctx)
	// Without this, what is not valid in "_meta" would still find the ambient span.
	remote := trace.SpanContextFromContext(format.Extract(context.Background(), carrier))
	if !remote.IsValid() {
		return ctx, nil
	}
	ctx = trace.ContextWithRemoteSpanContext(ctx, remote)
	if !ambient.IsValid() || ambient.TraceID() == remote.TraceID() && ambient.SpanID() == remote.SpanID() {
		return ctx, nil
	}
	return ctx, []trace.Link{{SpanContext: ambient}}
}

// metaCarrier reads from the "_meta" of a request.
type metaCarrier func(key string) []byte

// Get implements [propagation.TextMapCarrier].
func (c metaCarrier) Get(key string) string {
	raw := c(key)
	var value string
	if len(raw) == 0 || len(raw) > maxContext || json.Unmarshal(raw, &value) != nil {
		return ""
	}
	return value
}

// Set implements [propagation.TextMapCarrier].
func (metaCarrier) Set(string, string) {}

// Keys implements [propagation.TextMapCarrier].
func (metaCarrier) Keys() []string { return format.Fields() }

// inject returns the members of "_meta" that carry the span of ctx.
func inject(ctx context.Context) map[string]string {
	carrier := propagation.MapCarrier{}
	format.Inject(ctx, carrier)
	return carrier
}
