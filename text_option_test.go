package mcpengine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

type tide struct {
	Heights []float64 `json:"heights"`
}

func getTide(context.Context, none) (tide, error) { return tide{[]float64{1, 3}}, nil }

func tideText(_ context.Context, out tide) string {
	return fmt.Sprintf("%d heights\xff", len(out.Heights))
}

// The text replaces the JSON, with and without middleware, in every version. It
// is repaired like every text.
func TestWithText(t *testing.T) {
	t.Parallel()
	passOn := mcpengine.WithToolMiddleware(func(next mcpengine.ToolHandler) mcpengine.ToolHandler { return next })
	for name, opts := range map[string][]mcpengine.Option{"plain": {quiet()}, "middleware": {quiet(), passOn}} {
		e := mcpengine.New("test", opts...)
		mcpengine.AddTool(e, "get_tide", "", getTide, mcpengine.WithText(tideText))
		for version, structured := range handshakeContent() {
			c := mcptest.New(e, client.WithProtocolVersion(version))
			result, err := c.CallTool(t.Context(), "get_tide", nil)
			if err != nil || result.Text() != "2 heights\uFFFD" || string(result.StructuredContent) != structured {
				t.Errorf("%s, %s: CallTool = %+v, %v", name, version, result, err)
			}
			c.Close()
		}
		tools, err := client.Collect(mcptest.New(e).Tools(t.Context()))
		if err != nil || !json.Valid(tools[0].OutputSchema) {
			t.Errorf("the tool is %+v, %v, want an output schema", tools, err)
		}
	}
}

// handshakeContent is the structured content by version, as far as versions are
// served.
func handshakeContent() map[string]string {
	content := map[string]string{"2026-07-28": `{"heights":[1,3]}`}
	if servesHandshake {
		content["2025-11-25"], content["2024-11-05"] = `{"heights":[1,3]}`, ""
	}
	return content
}

// A text of another type, or of a result that has its own text, is refused.
func TestWithTextRefused(t *testing.T) {
	t.Parallel()
	text := func(context.Context, string) string { return "" }
	whole := func(context.Context, *mcp.CallToolResult) string { return "" }
	for want, tool := range map[string]mcpengine.Feature{
		"WithText is for structured content of type string, and the output is mcpengine_test.tide": mcpengine.NewTool("a", "", getTide, mcpengine.WithText(text)),
		"WithText is for structured content of type string, and the output is string":              greet("a", mcpengine.WithText(text)),
		"the output is *mcp.CallToolResult":                                                        mcpengine.NewTool("a", "", func(context.Context, none) (*mcp.CallToolResult, error) { return nil, nil }, mcpengine.WithText(whole)),
	} {
		if err := mcpengine.New("test", quiet()).Add(tool); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Add = %v, want %s", err, want)
		}
	}
}

// The model gets a sentence, and a program all the numbers.
func ExampleWithText() {
	type forecast struct {
		Degrees []float64 `json:"degrees"`
	}
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "get_forecast", "Tomorrow's weather.",
		func(context.Context, none) (forecast, error) { return forecast{[]float64{21, 25, 23}}, nil },
		mcpengine.WithText(func(_ context.Context, f forecast) string {
			return fmt.Sprintf("%d temperatures, the first %.0f degrees.", len(f.Degrees), f.Degrees[0])
		}))
	result, err := mcptest.New(e).CallTool(context.Background(), "get_forecast", nil)
	fmt.Println(result.Text(), string(result.StructuredContent), err)
	// Output:
	// 3 temperatures, the first 21 degrees. {"degrees":[21,25,23]} <nil>
}
