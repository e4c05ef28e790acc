package telemetry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An exporter sends spans to an OTLP receiver: over HTTP, as JSON (OTLP 1.11,
// "JSON Protobuf Encoding").
type exporter struct {
	url      string
	header   http.Header
	client   *http.Client
	resource []object // the attributes of the program
}

// maxRefusal is how much of a receiver's refusal is read.
const maxRefusal = 512

// newExporter returns the exporter that the environment describes.
func newExporter(getenv func(string) string) (*exporter, error) {
	of := func(name string) string {
		return cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), getenv("OTEL_EXPORTER_OTLP_"+name))
	}
	if p := of("PROTOCOL"); p != "" && !strings.HasPrefix(p, "http/") {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: use http/json", p)
	}
	timeout := 10_000
	if text := of("TIMEOUT"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT is %q: use milliseconds", text)
		}
		timeout = n
	}
	endpoint := getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if endpoint == "" {
		endpoint = strings.TrimSuffix(cmp.Or(getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), "http://localhost:4318"), "/") + "/v1/traces"
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT is %q: use an http:// or https:// URL", endpoint)
	}
	header, err := parseHeaders(of("HEADERS"))
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: time.Duration(timeout) * time.Millisecond}
	return &exporter{endpoint, header, client, encodeAttributes(resourceOf(getenv))}, nil
}

// parseHeaders reads OTEL_EXPORTER_OTLP_HEADERS: NAME=VALUE,… with values in percent
// encoding. An error does not quote a value, which may be a secret.
func parseHeaders(text string) (http.Header, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); err != nil || name == "" {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS has no NAME=VALUE in percent encoding: %q", name)
		}
		header.Set(name, value)
	}
	return header, nil
}

// export sends spans. An error says why they were lost: they are not sent again.
func (e *exporter) export(ctx context.Context, spans []*span) error {
	body, err := json.Marshal(e.encode(spans))
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	req.Header = e.header.Clone()
	resp, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // the status says whether it went well
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("export spans: %s answers %s: %q", e.url, resp.Status, text)
	}
	return nil
}

// An object is a JSON object.
type object map[string]any

// scope is the name of the instrumentation scope.
const scope = "github.com/mcpengine/mcpengine/cmd/mcpengine"

// encode returns an ExportTraceServiceRequest.
func (e *exporter) encode(spans []*span) object {
	encoded := make([]object, 0, len(spans))
	for _, s := range spans {
		encoded = append(encoded, s.encode())
	}
	return object{"resourceSpans": []object{{
		"resource":   object{"attributes": e.resource},
		"scopeSpans": []object{{"scope": object{"name": scope}, "spans": encoded}},
	}}}
}

func (s *span) encode() object {
	o := object{
		"traceId": hex.EncodeToString(s.trace[:]), "spanId": hex.EncodeToString(s.span[:]), "flags": 1, // sampled
		"name": s.name, "kind": s.kind,
		"startTimeUnixNano": strconv.FormatInt(s.start.UnixNano(), 10),
		"endTimeUnixNano":   strconv.FormatInt(s.start.Add(s.end.Sub(s.start)).UnixNano(), 10), // whatever the clock did
		"attributes":        encodeAttributes(s.attributes),
	}
	if s.state != "" {
		o["traceState"] = s.state
	}
	if s.parent != [8]byte{} {
		o["parentSpanId"] = hex.EncodeToString(s.parent[:])
	}
	if s.failed {
		o["status"] = object{"code": statusError, "message": s.message}
	}
	return o
}

// encodeAttributes returns attributes: 64-bit numbers are strings in this encoding.
func encodeAttributes(attributes []attribute) []object {
	all := make([]object, 0, len(attributes))
	for _, a := range attributes {
		value := object{"stringValue": a.value}
		if n, ok := a.value.(int); ok {
			value = object{"intValue": strconv.Itoa(n)}
		}
		all = append(all, object{"key": a.key, "value": value})
	}
	return all
}
