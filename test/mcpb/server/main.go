// Command server is what the bundles of the tests hold: a server with a setting of each
// kind.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

type settings struct {
	Key    string   `json:"weather_api_key" sensitive:"true" jsonschema:"the key of the weather service"`
	Units  string   `json:"units" enum:"metric,imperial" default:"metric" jsonschema:"how temperatures are told"`
	Days   int      `json:"days" minimum:"1" maximum:"14" default:"3"`
	Short  bool     `json:"short,omitempty"`
	Scale  *float64 `json:"scale,omitempty"`
	Notes  string   `json:"notes,omitempty" format:"directory-path"`
	Cities []string `json:"cities,omitempty" maxItems:"10"`
}

type place struct {
	City string `json:"city" jsonschema:"name of the city"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "server: error:", err)
		os.Exit(1) //nolint:forbidigo // the end of a program
	}
}

func run() error {
	s, err := mcpengine.Config[settings]()
	if err != nil {
		return err
	}
	e := mcpengine.New("weather", mcpengine.WithImplementation(mcp.Implementation{Title: "Weather"}))
	mcpengine.AddTool(e, "get_weather", "Return the current weather for a city.",
		func(_ context.Context, in place) (string, error) { return "It is sunny in " + in.City + ".", nil })
	mcpengine.AddTool(e, "get_settings", "Return what the user has set.",
		func(context.Context, struct{}) (string, error) {
			return fmt.Sprintf("%d %s %d %t %t %q %q", len(s.Key), s.Units, s.Days, s.Short, s.Scale == nil, s.Notes, s.Cities), nil
		})
	mcpengine.AddPrompt(e, "pack", "What to pack.", func(_ context.Context, in place) (string, error) {
		return "What do I pack for " + in.City + "?", nil
	})
	return e.Run(context.Background())
}
