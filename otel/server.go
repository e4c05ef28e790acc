package otelmcp

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// Server returns the option that records the requests which a server answers, and the
// questions which it asks its clients by request. On AWS Lambda it has the providers export after each answer, before the process is frozen.
func (t *Telemetry) Server() mcpengine.Option {
	return mcpengine.Options(mcpengine.WithObserver(t.observe), mcpengine.WithQuestionObserver(t.asked), mcpengine.WithSessionObserver(t.sessionEnded), mcpengine.WithFlush(t.flushSpans, t.flushMetrics))
}

// sessionEnded records a session of the server.
func (t *Telemetry) sessionEnded(s mcpengine.Session) {
	attributes := []attribute.KeyValue{protocolVersion.String(s.ProtocolVersion), networkTransport.String(pipe)}
	if s.HTTP {
		attributes = append(attributes[:1], networkTransport.String("tcp"), networkName.String("http"))
	}
	t.serverSession.Record(context.Background(), s.Duration.Seconds(), metric.WithAttributes(attributes...))
}

// observe is a [mcpengine.Observer].
func (t *Telemetry) observe(ctx context.Context, req *mcpengine.Request) (context.Context, func(mcpengine.Outcome)) {
	tracer, traces := t.tracer()
	if !traces && !t.server.Enabled(ctx) {
		return ctx, nil
	}
	k := t.kindOf(req)
	var span trace.Span
	if traces {
		ctx, span = t.start(ctx, tracer, req, k)
	}
	return ctx, func(o mcpengine.Outcome) {
		end := outcomeOf(ctx, &o)
		if span != nil {
			end.end(span)
		}
		attributes := end.attributes
		if t.config.uris {
			attributes = append(attributes, resource(req)...)
		}
		if len(attributes) == 0 {
			t.server.Record(ctx, o.Duration.Seconds(), k.record...)
			return
		}
		t.server.Record(ctx, o.Duration.Seconds(), metric.WithAttributeSet(attribute.NewSet(slices.Concat(k.attributes, attributes)...)))
	}
}

// start starts the span of a request. A sampler gets the method and the feature, by which
// it may decide; the conventions for MCP demand no attribute at that time. All others are
// made for the spans that are sampled.
func (t *Telemetry) start(ctx context.Context, tracer trace.Tracer, req *mcpengine.Request, k *kind) (context.Context, trace.Span) {
	options := k.start
	if meta := req.Meta(mcp.MetaTraceParent); meta != nil {
		var links []trace.Link
		if ctx, links = extract(ctx, req.Meta); links != nil {
			options = append(slices.Clip(options), trace.WithLinks(links...))
		}
	}
	ctx, span := tracer.Start(ctx, t.serverSpanName(req, k), options...)
	if span.IsRecording() {
		span.SetAttributes(append(t.detail(req), k.attributes[k.named:]...)...)
	}
	return ctx, span
}

func methodOf(req *mcpengine.Request) string {
	if req.HasMethod() {
		return req.Method()
	}
	return other
}

// registered returns the name of the feature that the request is about, and other
// for a name that the caller has made up.
func registered(req *mcpengine.Request) string {
	if name := req.FeatureName(); name != "" {
		return name
	}
	return other
}

// network returns the attributes of the transport, for a version of HTTP or for
// stdio, whose major version is 0.
func network(major, minor int) []attribute.KeyValue {
	if major == 0 {
		return []attribute.KeyValue{networkTransport.String(pipe)}
	}
	transport := "tcp"
	if major == 3 {
		transport = "quic"
	}
	return []attribute.KeyValue{networkTransport.String(transport), networkName.String("http"), networkVersion.String(httpVersion(major, minor))}
}

func httpVersion(major, minor int) string {
	if major >= 2 {
		return strconv.Itoa(major)
	}
	return strconv.Itoa(major) + "." + strconv.Itoa(minor)
}

// detail returns the attributes that only spans have.
func (t *Telemetry) detail(req *mcpengine.Request) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 12)
	attributes = append(attributes, requestID.String(bounded(strings.Trim(string(req.ID()), `"`), maxValue)))
	attributes = append(attributes, resource(req)...)
	if r := req.HTTP(); r != nil {
		if host, port, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			attributes = append(attributes, clientAddress.String(host))
			if n, err := strconv.Atoi(port); err == nil {
				attributes = append(attributes, clientPort.Int(n))
			}
		}
	}
	if id := req.SessionID(); id != "" {
		attributes = append(attributes, sessionID.String(id))
	}
	if t.config.arguments {
		attributes = append(attributes, arguments(req.Method(), req.Params())...)
	}
	return attributes
}

// resource returns the URI of the resource that the request is about.
func resource(req *mcpengine.Request) []attribute.KeyValue {
	switch req.Method() {
	case mcp.MethodResourcesRead, methodSubscribe, methodUnsubscribe:
		return []attribute.KeyValue{resourceURI.String(bounded(req.Name(), maxValue))}
	}
	return nil
}

// arguments returns the attributes that hold the arguments of a tool or a prompt.
func arguments(method string, params []byte) (attributes []attribute.KeyValue) {
	var p struct {
		Arguments json.RawMessage `json:"arguments"`
	}
	if json.Unmarshal(params, &p) != nil || p.Arguments == nil {
		return nil
	}
	switch method {
	case mcp.MethodToolsCall:
		return []attribute.KeyValue{callArguments.String(bounded(string(p.Arguments), maxValue))}
	case mcp.MethodPromptsGet:
		var variables map[string]string
		if json.Unmarshal(p.Arguments, &variables) != nil {
			return nil
		}
		for name, value := range variables {
			attributes = append(attributes, attribute.String(promptVariable+bounded(name, maxValue), bounded(value, maxValue)))
		}
	}
	return attributes
}

// serverSpanName returns the method, and the tool or prompt if the server has it.
func (t *Telemetry) serverSpanName(req *mcpengine.Request, k *kind) string {
	if t.config.uris {
		if uri := resource(req); uri != nil {
			return spanName(k.method, uri[0].Value.AsString())
		}
	}
	return k.spanName
}

// spanName returns the name of a span.
func spanName(method, target string) string {
	if target == "" {
		return method
	}
	return method + " " + target
}

// An outcome is how a request ended, as telemetry puts it.
type outcome struct {
	attributes []attribute.KeyValue // of spans and metrics
	failed     bool                 // the status of the span is Error
	message    string
	unknown    bool // the feature may not exist
}

// outcomeOf says how a request ended on the server, where an error that the client
// has caused is not an error (semantic conventions for MCP, "Server").
func outcomeOf(ctx context.Context, o *mcpengine.Outcome) (out outcome) {
	switch {
	case o.Error != nil && ctx.Err() != nil:
		out.attributes = []attribute.KeyValue{errorType.String(cancelled)}
	case o.Error != nil:
		code := strconv.Itoa(o.Error.Code)
		out.attributes = []attribute.KeyValue{statusCode.String(code)}
		if isServerError(o.Error.Code) {
			out.attributes = append(out.attributes, errorType.String(code))
			out.failed, out.message = true, o.Error.Message
		}
	case o.IsError:
		out.attributes = []attribute.KeyValue{errorType.String(toolError)}
		out.failed = true
	}
	return out
}

// isServerError reports whether a server's error is not the client's mistake.
func isServerError(code int) bool {
	switch code {
	case mcp.CodeParseError, mcp.CodeInvalidRequest, mcp.CodeMethodNotFound, mcp.CodeInvalidParams, mcp.CodeResourceNotFound:
		return false
	}
	return true
}
