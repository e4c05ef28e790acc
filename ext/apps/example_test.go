package apps_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/apps"
	"github.com/mcpengine/mcpengine/mcptest"
)

// files stands for an embed.FS with the files of a view.
var files = fstest.MapFS{
	"view/chart.html": {Data: []byte("<!doctype html>\n<link rel=stylesheet href=chart.css>\n<p>25°</p>")},
	"view/chart.css":  {Data: []byte("p { color: teal }")},
}

type place struct {
	City string `json:"city"`
}

type forecast struct {
	Degrees []float64 `json:"degrees" jsonschema:"for each hour"`
}

func getForecast(context.Context, place) (forecast, error) { return forecast{[]float64{25, 26}}, nil }

// A tool shows its result in a view, and the view asks for more with a tool of
// its own.
func Example() {
	chart, err := apps.NewView("chart", files, "view/chart.html", apps.ViewConfig{Description: "The forecast as a chart."})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := mcpengine.New("weather", mcpengine.WithExtension(apps.Extension(chart)))
	mcpengine.AddTool(e, "get_forecast", "Tomorrow's weather.", getForecast, apps.Show(chart))
	mcpengine.AddTool(e, "zoom", "The weather of one hour.", getForecast, apps.VisibleTo(apps.App))

	for tool, err := range mcptest.New(e).Tools(context.Background()) {
		fmt.Println(tool.Name, tool.Meta["ui"], err)
	}
	fmt.Println(chart.HTML())
	// Output:
	// get_forecast map[resourceUri:ui://chart/873aef46ff4da83f visibility:[model app]] <nil>
	// zoom map[visibility:[app]] <nil>
	// <!doctype html>
	// <style>p { color: teal }</style>
	// <p>25°</p>
}

// What cannot be inlined is an error with a file and a line.
func ExampleNewView() {
	page := fstest.MapFS{"chart.html": {Data: []byte("<!doctype html>\n<script src=chart.js></script>\n<script src=https://cdn.example/d3.js></script>")}}
	_, err := apps.NewView("chart", page, "chart.html", apps.ViewConfig{})
	fmt.Println(err)
	// Output:
	// view "chart": chart.html:2: open chart.js: file does not exist
	// chart.html:3: https://cdn.example/d3.js is not covered by the CSP: add its origin to ResourceDomains, or serve the file from here
}

// A program whose view is embedded in it cannot do without.
func ExampleMust() {
	chart := apps.Must(apps.NewView("chart", files, "view/chart.html", apps.ViewConfig{}))
	fmt.Println(chart.URI())
	// Output: ui://chart/873aef46ff4da83f
}

// One engine serves several views, and a tool is for the model, for views, or
// for both.
func ExampleShow() {
	chart := apps.Must(apps.NewView("chart", files, "view/chart.html", apps.ViewConfig{}))
	table := apps.Must(apps.NewView("table", files, "view/chart.html", apps.ViewConfig{PrefersBorder: new(true)}))
	e := mcpengine.New("weather", mcpengine.WithExtension(apps.Extension(chart, table)))
	mcpengine.AddTool(e, "chart_forecast", "Tomorrow's weather as a chart.", getForecast, apps.Show(chart))
	mcpengine.AddTool(e, "list_forecast", "Tomorrow's weather as a table.", getForecast, apps.Show(table, apps.Model))
	mcpengine.AddTool(e, "zoom", "The weather of one hour.", getForecast, apps.Show(chart, apps.App))

	for tool, err := range mcptest.New(e).Tools(context.Background()) {
		fmt.Println(tool.Name, tool.Meta["ui"], err)
	}
	// Output:
	// chart_forecast map[resourceUri:ui://chart/873aef46ff4da83f visibility:[model app]] <nil>
	// list_forecast map[resourceUri:ui://table/3f4baaec0dadb8ca visibility:[model]] <nil>
	// zoom map[resourceUri:ui://chart/873aef46ff4da83f visibility:[app]] <nil>
}

// A view that calls an API has an origin, in the form that each host wants.
func ExampleViewConfig() {
	const server = "https://api.example.com/mcp"
	config := apps.ViewConfig{
		CSP: apps.CSP{ConnectDomains: []string{"https://api.example.com"}},
		Domain: func(ctx context.Context) string {
			if name := mcpengine.RequestFrom(ctx).ClientInfo().Name; !strings.HasPrefix(name, "claude") {
				return ""
			}
			digest := sha256.Sum256([]byte(server))
			return hex.EncodeToString(digest[:16]) + ".claudemcpcontent.com"
		},
	}
	chart, err := apps.NewView("chart", files, "view/chart.html", config)
	fmt.Println(chart.URI(), err)
	// Output:
	// ui://chart/9a8f7b35a3cef973 <nil>
}

// A host without views gets more text.
func ExampleSupported() {
	e := mcpengine.New("weather", mcpengine.WithExtension(apps.Extension()))
	mcpengine.AddTool(e, "get_forecast", "Tomorrow's weather.", func(ctx context.Context, _ struct{}) (string, error) {
		if apps.Supported(ctx) {
			return "The chart is shown.", nil
		}
		return "25 degrees at 9, 26 degrees at 10.", nil
	})
	result, err := mcptest.New(e).CallTool(context.Background(), "get_forecast", nil)
	fmt.Println(result.Text(), err)
	// Output:
	// 25 degrees at 9, 26 degrees at 10. <nil>
}

// A test compares the declarations with a file beside the view.
func ExampleDeclarations() {
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "get_forecast", "Tomorrow's weather.", getForecast)
	tools, err := client.Collect(mcptest.New(e).Tools(context.Background()))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := apps.Declarations(tools)
	fmt.Println(string(text), err)
	// Output:
	// // Generated from the tools of the server. DO NOT EDIT.
	//
	// /** The arguments of get_forecast. Tomorrow's weather. */
	// export interface GetForecastArguments {
	//   city: string;
	// }
	//
	// /** The structured content of get_forecast. */
	// export interface GetForecastContent {
	//   /** for each hour */
	//   degrees: number[];
	// }
	//
	// /** The tools by their names. */
	// export interface Tools {
	//   get_forecast: { arguments: GetForecastArguments; content: GetForecastContent };
	// }
	//  <nil>
}
