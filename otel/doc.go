// Package otelmcp gives MCPEngine servers and clients the spans and metrics of
// OpenTelemetry, by the names of the semantic conventions for MCP
// (open-telemetry/semantic-conventions-genai, model/mcp, "development").
//
//	telemetry := otelmcp.New()
//	e := mcpengine.New("weather", telemetry.Server())
//	c, err := client.Connect(ctx, url, telemetry.Client())
//
// It uses the global providers, which a program sets up as usual; package
// [github.com/mcpengine/mcpengine/otel/auto] does so by the OTEL_ environment
// variables. Without an SDK a request costs no allocation.
//
// The trace context travels in the "_meta" of requests: a server's span is the
// child of the client's span and links to the span of the HTTP request, if
// there is one. Baggage is neither read nor sent.
//
// Callers choose the names in their requests. Spans are named after tools and
// prompts that the server has, and so are the attributes of metrics; other
// names become "_OTHER".
package otelmcp
