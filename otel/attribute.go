package otelmcp

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// The attributes, by the names of the semantic conventions.
const (
	methodName      = attribute.Key("mcp.method.name")
	protocolVersion = attribute.Key("mcp.protocol.version")
	sessionID       = attribute.Key("mcp.session.id")
	resourceURI     = attribute.Key("mcp.resource.uri")

	toolName       = attribute.Key("gen_ai.tool.name")
	promptName     = attribute.Key("gen_ai.prompt.name")
	operationName  = attribute.Key("gen_ai.operation.name")
	callArguments  = attribute.Key("gen_ai.tool.call.arguments")
	callResult     = attribute.Key("gen_ai.tool.call.result")
	promptVariable = "gen_ai.prompt.variable."

	requestID  = attribute.Key("jsonrpc.request.id")
	statusCode = attribute.Key("rpc.response.status_code")
	errorType  = attribute.Key("error.type")

	networkTransport = attribute.Key("network.transport")
	networkName      = attribute.Key("network.protocol.name")
	networkVersion   = attribute.Key("network.protocol.version")
	clientAddress    = attribute.Key("client.address")
	clientPort       = attribute.Key("client.port")
	serverAddress    = attribute.Key("server.address")
	serverPort       = attribute.Key("server.port")
)

// Values of attributes.
const (
	executeTool = "execute_tool" // the operation of a tool call
	toolError   = "tool_error"   // the error of a result with isError
	cancelled   = "cancelled"    // the error of a request whose client has gone
	other       = "_OTHER"       // a name that is not known
	pipe        = "pipe"         // the transport of stdio
)

// Methods of handshake versions that are about a resource.
const (
	methodSubscribe   = "resources/subscribe"
	methodUnsubscribe = "resources/unsubscribe"
)

// maxValue bounds values that callers choose, in bytes.
const maxValue = 4096

// bounded returns s, cut when it is long, without what is not UTF-8: OTLP encodes no
// other text.
func bounded(s string, limit int) string {
	return strings.ToValidUTF8(s[:min(len(s), limit)], "")
}
