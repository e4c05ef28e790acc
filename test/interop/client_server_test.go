package interop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// sdkServer returns a server of the Go SDK that greets, asks and reports.
func sdkServer() *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "sdk", Version: "1"}, nil)
	sdk.AddTool(s, &sdk.Tool{Name: "greet"}, func(_ context.Context, _ *sdk.CallToolRequest, in struct {
		Name string `json:"name"`
	},
	) (*sdk.CallToolResult, any, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "hello " + in.Name}}}, nil, nil
	})
	sdk.AddTool(s, &sdk.Tool{Name: "climb"}, func(ctx context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
		for step := 1.0; step <= 3; step++ {
			p := &sdk.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: step, Total: 3}
			if err := r.Session.NotifyProgress(ctx, p); err != nil {
				return nil, nil, err
			}
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "top"}}}, nil, nil
	})
	return s
}

// Our client works with servers of the Go SDK, over each transport and in each
// version that the SDK supports on it.
func TestClientWithSDKServers(t *testing.T) {
	t.Parallel()
	server := func(*http.Request) *sdk.Server { return sdkServer() }
	stateful := sdk.NewStreamableHTTPHandler(server, nil)
	stateless := sdk.NewStreamableHTTPHandler(server, &sdk.StreamableHTTPOptions{Stateless: true})
	for _, test := range []struct {
		name    string
		handler http.Handler
		version string // asked for; empty for any
	}{
		{"stateful", stateful, ""},
		{"stateful 2025-11-25", stateful, "2025-11-25"},
		{"stateful 2025-06-18", stateful, "2025-06-18"},
		{"stateless", stateless, ""},
		{"stateless 2025-11-25", stateless, "2025-11-25"},
		{"sse", sdk.NewSSEHandler(server, nil), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(test.handler)
			t.Cleanup(s.Close)
			var opts []client.Option
			if test.version != "" {
				opts = append(opts, client.WithProtocolVersion(test.version))
			}
			c, err := client.Connect(t.Context(), s.URL, opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			t.Logf("they speak %s", c.Version())
			if got, err := client.Call[string](t.Context(), c, "greet", map[string]any{"name": "Ada"}); err != nil || got != "hello Ada" {
				t.Errorf("greet = %q, %v", got, err)
			}
			tools, err := client.Collect(c.Tools(t.Context()))
			if err != nil || len(tools) != 2 {
				t.Errorf("%d tools, %v", len(tools), err)
			}
			checkLock(t.Context(), t, c)
			var steps []float64
			progress := client.WithProgress(func(p mcp.ProgressNotificationParams) { steps = append(steps, p.Progress) })
			if _, err := c.CallTool(t.Context(), "climb", nil, progress); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]float64{1, 2, 3}, steps); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}
