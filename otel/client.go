package otelmcp

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// Client returns the option that records the requests which a client sends, and the
// questions of servers which it answers. The trace context travels in "_meta".
func (t *Telemetry) Client() client.Option {
	return client.Options(client.WithObserver(t.observeClient), client.WithQuestionObserver(t.answering), client.WithSessionObserver(t.clientSessionEnded))
}

// clientSessionEnded records a session of a client.
func (t *Telemetry) clientSessionEnded(s client.Session) {
	attributes := append([]attribute.KeyValue{protocolVersion.String(s.ProtocolVersion)}, reached(s.Server)...)
	t.clientSession.Record(context.Background(), s.Duration.Seconds(), metric.WithAttributes(attributes...))
}

// observeClient is a [client.Observer].
func (t *Telemetry) observeClient(ctx context.Context, sent *client.Sent) (context.Context, func([]byte, error)) {
	tracer, traces := t.tracer()
	if !traces && !t.client.Enabled(ctx) {
		sent.Meta = inject(ctx) // a span of the caller's, if there is one
		return ctx, nil
	}
	began := time.Now()
	target := targetOf(sent)
	attributes := t.sentAttributes(sent, target)
	var span trace.Span
	outer := false // the span is another instrumentation's
	if traces {
		if outer = tracesTool(ctx, target.name); outer {
			span = trace.SpanFromContext(ctx)
			span.SetAttributes(attributes...)
		} else {
			ctx, span = tracer.Start(ctx, t.clientSpanName(sent, target), trace.WithSpanKind(trace.SpanKindClient),
				trace.WithTimestamp(began), trace.WithAttributes(attributes...))
		}
		t.describeSent(span, sent, target)
	}
	sent.Meta = inject(ctx)
	return ctx, func(result []byte, err error) {
		out := clientOutcome(sent.Method, result, err)
		if span != nil {
			if sent.ID != "" {
				span.SetAttributes(requestID.String(sent.ID))
			}
			if t.config.results && sent.Method == mcp.MethodToolsCall && result != nil {
				span.SetAttributes(callResult.String(bounded(string(result), maxValue)))
			}
			if outer {
				span.SetAttributes(out.attributes...)
			} else {
				out.end(span)
			}
		}
		attributes = append(attributes, out.attributes...)
		if out.unknown {
			attributes = withoutNames(attributes)
		}
		t.client.Record(ctx, time.Since(began).Seconds(), metric.WithAttributeSet(attribute.NewSet(attributes...)))
	}
}

// describeSent adds the attributes that only spans have.
func (t *Telemetry) describeSent(span trace.Span, sent *client.Sent, about target) {
	if !span.IsRecording() {
		return
	}
	if t.config.arguments {
		span.SetAttributes(arguments(sent.Method, sent.Params)...)
	}
	if sent.SessionID != "" {
		span.SetAttributes(sessionID.String(bounded(sent.SessionID, maxValue)))
	}
	if about.uri != "" && !t.config.uris {
		span.SetAttributes(resourceURI.String(about.uri))
	}
}

// tracesTool reports whether the span of ctx is an instrumentation's of generative AI
// for the call of the tool. There is then no other: what is known of the call is added
// to it (semantic conventions for MCP, "Client").
func tracesTool(ctx context.Context, name string) bool {
	span, ok := trace.SpanFromContext(ctx).(interface{ Attributes() []attribute.KeyValue }) // the SDK's, while it records
	if !ok || name == "" {
		return false
	}
	executes, same := false, false
	for _, a := range span.Attributes() {
		executes = executes || a == operationName.String(executeTool)
		same = same || a == toolName.String(name)
	}
	return executes && same
}

// withoutNames replaces the names of features that the server may not have: models
// make them up.
func withoutNames(attributes []attribute.KeyValue) []attribute.KeyValue {
	for i, a := range attributes {
		if a.Key == toolName || a.Key == promptName {
			attributes[i] = a.Key.String(other)
		}
	}
	return attributes
}

// A target is what a request is about.
type target struct {
	name string // of a tool or a prompt
	uri  string
}

func targetOf(sent *client.Sent) (t target) {
	var params struct {
		Name string `json:"name"`
		URI  string `json:"uri"`
	}
	switch sent.Method {
	case mcp.MethodToolsCall, mcp.MethodPromptsGet:
		_ = json.Unmarshal(sent.Params, &params) // the server refuses malformed parameters
		t.name = bounded(params.Name, maxValue)
	case mcp.MethodResourcesRead, methodSubscribe, methodUnsubscribe:
		_ = json.Unmarshal(sent.Params, &params)
		t.uri = bounded(params.URI, maxValue)
	}
	return t
}

// sentAttributes returns the attributes that spans and metrics of clients have in
// common.
func (t *Telemetry) sentAttributes(sent *client.Sent, about target) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 12)
	attributes = append(attributes, methodName.String(sent.Method), protocolVersion.String(sent.ProtocolVersion))
	switch sent.Method {
	case mcp.MethodToolsCall:
		attributes = append(attributes, toolName.String(about.name), operationName.String(executeTool))
	case mcp.MethodPromptsGet:
		attributes = append(attributes, promptName.String(about.name))
	}
	if t.config.uris && about.uri != "" {
		attributes = append(attributes, resourceURI.String(about.uri))
	}
	return append(attributes, reached(sent.Server)...)
}

// reached returns the attributes of a server, given its URL.
func reached(server string) []attribute.KeyValue {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return []attribute.KeyValue{networkTransport.String(pipe)}
	}
	attributes := []attribute.KeyValue{networkTransport.String("tcp"), networkName.String("http"), serverAddress.String(u.Hostname())}
	if port := portOf(u); port != 0 {
		attributes = append(attributes, serverPort.Int(port))
	}
	return attributes
}

func portOf(u *url.URL) int {
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return port
	}
	return map[string]int{"http": 80, "https": 443}[u.Scheme]
}

func (t *Telemetry) clientSpanName(sent *client.Sent, about target) string {
	if t.config.uris && about.uri != "" {
		return spanName(sent.Method, about.uri)
	}
	return spanName(sent.Method, about.name)
}

// clientOutcome says how a request ended on the client, where every JSON-RPC error
// is an error.
func clientOutcome(method string, result []byte, err error) (out outcome) {
	var rpcErr *mcp.Error
	switch {
	case errors.As(err, &rpcErr):
		code := strconv.Itoa(rpcErr.Code)
		out.attributes = []attribute.KeyValue{statusCode.String(code), errorType.String(code)}
		out.failed, out.message = true, rpcErr.Message
		out.unknown = rpcErr.Code == mcp.CodeInvalidParams
	case errors.Is(err, context.Canceled):
		out.attributes = []attribute.KeyValue{errorType.String(cancelled)}
	case err != nil:
		out.attributes = []attribute.KeyValue{errorType.String(kindOf(err))}
		out.failed = true
	case method == mcp.MethodToolsCall && isToolError(result):
		out.attributes = []attribute.KeyValue{errorType.String(toolError)}
		out.failed = true
	}
	return out
}

// kindOf names an error that is not the server's answer, in few words.
func kindOf(err error) string {
	var (
		refused     *client.AuthError
		session     *client.SessionError
		status      *client.StatusError
		unreachable *client.UnreachableError
		malformed   *client.ProtocolError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, client.ErrIdle):
		return "timeout"
	case errors.As(err, &refused):
		return "unauthorized"
	case errors.As(err, &status):
		return strconv.Itoa(status.Status)
	case errors.As(err, &session):
		return "session_lost"
	case errors.As(err, &unreachable):
		return "unreachable"
	case errors.As(err, &malformed):
		return "protocol_error"
	}
	return other
}

func isToolError(result []byte) bool {
	var r struct {
		IsError bool `json:"isError"`
	}
	return json.Unmarshal(result, &r) == nil && r.IsError
}

// end ends the span.
func (o *outcome) end(span trace.Span) {
	if len(o.attributes) > 0 {
		span.SetAttributes(o.attributes...)
	}
	if o.failed {
		span.SetStatus(codes.Error, o.message)
	}
	span.End()
}
