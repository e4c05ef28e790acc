package mcp

// Meta is the _meta member of a request, notification, result or object: data
// about the message rather than part of it. The schema calls it MetaObject.
type Meta map[string]any

// Keys of [Meta] that the protocol reserves for itself (basic, "_meta").
const (
	// MetaProgressToken asks for progress notifications; its value is a
	// [ProgressToken].
	MetaProgressToken = "progressToken"
	// MetaProtocolVersion is the protocol version of a request. Required on
	// every request.
	MetaProtocolVersion = "io.modelcontextprotocol/protocolVersion"
	// MetaClientInfo is the [Implementation] that sends a request. It is
	// self-reported: show it or log it, but decide nothing by it.
	MetaClientInfo = "io.modelcontextprotocol/clientInfo"
	// MetaClientCapabilities is the [ClientCapabilities] that hold for a
	// request. Required on every request.
	MetaClientCapabilities = "io.modelcontextprotocol/clientCapabilities"
	// MetaLogLevel is the least severe [LoggingLevel] the client wants to receive
	// of during a request. Without it a server sends no log messages.
	MetaLogLevel = "io.modelcontextprotocol/logLevel"
	// MetaServerInfo is the [Implementation] that sends a result, as little
	// verified as MetaClientInfo.
	MetaServerInfo = "io.modelcontextprotocol/serverInfo"
	// MetaSubscriptionID is the [RequestID] of the subscriptions/listen request
	// whose stream delivers a notification or is closed by a result.
	MetaSubscriptionID = "io.modelcontextprotocol/subscriptionId"
)

// Keys of [Meta] that carry OpenTelemetry trace context. Their values are in
// the formats of W3C Trace Context and W3C Baggage.
const (
	MetaTraceParent = "traceparent"
	MetaTraceState  = "tracestate"
	MetaBaggage     = "baggage"
)

// RequestMetaObject is the typed view of a request's _meta: the members the
// protocol defines, without any others the sender added.
type RequestMetaObject struct {
	// ProtocolVersion is empty when the request, wrongly, names none.
	ProtocolVersion string `json:"io.modelcontextprotocol/protocolVersion"`
	// ClientCapabilities is nil when the request, wrongly, declares none, which
	// is not the same as declaring that the client has none.
	ClientCapabilities *ClientCapabilities `json:"io.modelcontextprotocol/clientCapabilities,omitzero"`

	ClientInfo    *Implementation `json:"io.modelcontextprotocol/clientInfo,omitzero"`
	LogLevel      LoggingLevel    `json:"io.modelcontextprotocol/logLevel,omitzero"`
	ProgressToken ProgressToken   `json:"progressToken,omitzero"`
}
