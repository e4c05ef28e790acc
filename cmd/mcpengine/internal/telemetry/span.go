package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// Kinds of spans, and the status of one that failed, by the numbers of OTLP.
const (
	kindServer  = 2
	kindClient  = 3
	statusError = 2
)

// An attribute describes a span. Its value is a string or an int.
type attribute struct {
	key   string
	value any
}

// A spanContext says which span is the parent of another (W3C Trace Context).
type spanContext struct {
	trace   [16]byte
	span    [8]byte
	sampled bool
	state   string
}

// A span is one request. One that is not sampled has only its context.
type span struct {
	spanContext
	parent     [8]byte
	kind       int
	name       string
	start, end time.Time
	attributes []attribute
	failed     bool
	message    string // of the failure
}

// spanKey is the key of the context of the span in a context.
type spanKey struct{}

// begin returns a span below the parent, if there is one, and the context with it.
func (t *Telemetry) begin(ctx context.Context, parent spanContext, kind int) (context.Context, *span) {
	s := &span{spanContext: parent, parent: parent.span, kind: kind, start: time.Now()}
	_, _ = rand.Read(s.span[:]) // it never fails
	orphan := parent.trace == [16]byte{}
	if orphan {
		_, _ = rand.Read(s.trace[:])
	}
	if orphan || !t.sampler.parent {
		s.sampled = t.sampler.bound != 0 && binary.BigEndian.Uint64(s.trace[8:]) <= t.sampler.bound
	}
	return context.WithValue(ctx, spanKey{}, s.spanContext), s
}

// parentOf returns the context of the span that ctx belongs to.
func parentOf(ctx context.Context) spanContext {
	parent, _ := ctx.Value(spanKey{}).(spanContext)
	return parent
}

// maxState bounds a tracestate that is handed on. W3C asks for 512 characters at least.
const maxState = 1024

// parseContext reads a traceparent and a tracestate. What is not valid is nothing.
func parseContext(traceparent, tracestate string) (c spanContext) {
	// version "-" trace-id "-" parent-id "-" trace-flags, and more in versions to come
	parts := strings.Split(traceparent[:min(len(traceparent), maxState)], "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 ||
		len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 || strings.ToLower(traceparent) != traceparent {
		return spanContext{}
	}
	var version, flags [1]byte
	for into, text := range map[*[1]byte]string{&version: parts[0], &flags: parts[3]} {
		if _, err := hex.Decode(into[:], []byte(text)); err != nil {
			return spanContext{}
		}
	}
	_, traceErr := hex.Decode(c.trace[:], []byte(parts[1]))
	_, spanErr := hex.Decode(c.span[:], []byte(parts[2]))
	if traceErr != nil || spanErr != nil || c.trace == [16]byte{} || c.span == [8]byte{} {
		return spanContext{}
	}
	c.sampled = flags[0]&1 != 0
	if len(tracestate) <= maxState {
		c.state = tracestate
	}
	return c
}

// meta returns the members of "_meta" that carry the context.
func (c *spanContext) meta() map[string]string {
	flags := "00"
	if c.sampled {
		flags = "01"
	}
	m := map[string]string{"traceparent": "00-" + hex.EncodeToString(c.trace[:]) + "-" + hex.EncodeToString(c.span[:]) + "-" + flags}
	if c.state != "" {
		m["tracestate"] = c.state
	}
	return m
}
