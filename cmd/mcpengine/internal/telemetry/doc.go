// Package telemetry exports the spans of a relay, by the semantic conventions for MCP,
// when the environment asks for them.
//
// It does not use OpenTelemetry's own packages, of which module otel makes the spans
// of servers and clients: a host runs many bridges, and each would hold a megabyte
// more. telemetry.go reads the environment, convention.go describes a request, span.go
// has spans and the trace context, batch.go collects what otlp.go sends.
package telemetry
