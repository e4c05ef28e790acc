package telemetry

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A question has a span of the kind server, below the span of the server that asks it or
// else of the call, and below that one of the kind client if the host is asked by request.
func TestQuestionSpans(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	const meta = `{"_meta":{"traceparent":"00-` + trace + `-` + span + `-01"}}`
	for _, tt := range []struct {
		name     string
		question bridge.Question
		err      error
		want     []string
		parent   string
	}{
		{
			"by request",
			bridge.Question{
				Method: "elicitation/create", Params: []byte(meta), ID: `"q"`, Server: "https://far.example/mcp", Version: "2025-11-25",
				ByRequest: true, HostVersion: "2025-06-18", HostID: "9", Request: new(jsonrpc.Request),
			},
			nil,
			[]string{
				"2 elicitation/create 0 map[jsonrpc.request.id:q mcp.method.name:elicitation/create mcp.protocol.version:2025-11-25 network.protocol.name:http network.transport:tcp]",
				"3 elicitation/create 0 map[jsonrpc.request.id:9 mcp.method.name:elicitation/create mcp.protocol.version:2025-06-18 network.transport:pipe]",
			},
			span,
		},
		{
			"in a result",
			bridge.Question{Method: "roots/list", ID: "7", Version: "2025-11-25"},
			errors.New("unplugged"),
			[]string{"2 roots/list 2 map[error.type:_OTHER jsonrpc.request.id:7 mcp.method.name:roots/list mcp.protocol.version:2025-11-25 network.transport:pipe]"},
			"of the call",
		},
		{
			"made up",
			bridge.Question{Method: "made/up", Version: "2026-07-28", Params: []byte(`{"_meta":{"traceparent":"` + strings.Repeat("0", 10_000) + `"}}`)},
			jsonrpc.Errorf(-32601, "unknown"),
			[]string{"2 _OTHER 0 map[mcp.method.name:_OTHER mcp.protocol.version:2026-07-28 network.transport:pipe rpc.response.status_code:-32601]"},
			"of the call",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got receiver
			s := httptest.NewServer(&got)
			defer s.Close()
			telemetry, _ := start(t, map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": s.URL})
			var config bridge.Config
			telemetry.Observe(&config)
			ctx, call := telemetry.begin(t.Context(), spanContext{}, kindClient)
			_, end := config.Questions(ctx, &tt.question)
			end(nil, tt.err)
			telemetry.Stop()
			spans, _ := decode(t, got.bodies[0])
			var told []string
			for _, s := range spans {
				told = append(told, fmt.Sprintln(s.Kind, s.Name, s.Status.Code, s.attributesOf()))
			}
			for i := range told {
				told[i] = strings.TrimSpace(told[i])
			}
			if diff := cmp.Diff(tt.want, told); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			want := tt.parent
			if want == "of the call" {
				want = fmt.Sprintf("%x", call.span)
			}
			if spans[0].Parent != want || len(spans) == 2 && spans[1].Parent != spans[0].Span {
				t.Errorf("the parents are %v", spans)
			}
			if sent := tt.question.Meta["traceparent"]; len(spans) == 2 && !strings.Contains(sent, spans[1].Span) {
				t.Errorf("the host is sent the context %q, want the span %s", sent, spans[1].Span)
			}
		})
	}
}
