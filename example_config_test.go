package mcpengine_test

import (
	"context"
	"fmt"
	"time"

	"github.com/mcpengine/mcpengine"
)

// A program reads its settings first. Without the token it ends with an error that
// names TOKEN and TOKEN_FILE.
func ExampleConfig() {
	type settings struct {
		Token   string        `json:"token" sensitive:"true" jsonschema:"the key of the weather service"`
		Units   string        `json:"units" enum:"metric,imperial" default:"metric"`
		Timeout time.Duration `json:"timeout" default:"5s"`
	}
	run := func(ctx context.Context) error {
		s, err := mcpengine.Config[settings]()
		if err != nil {
			return err
		}
		e := mcpengine.New("weather")
		mcpengine.AddTool(e, "get_units", "Return the units of temperatures.",
			func(context.Context, struct{}) (string, error) { return s.Units, nil })
		return e.Run(ctx)
	}
	_ = run
}

// A test gives arguments and variables of its own.
func ExampleConfigFrom() {
	type settings struct {
		Token string   `json:"token" sensitive:"true"`
		Units string   `json:"units" enum:"metric,imperial" default:"metric"`
		Tags  []string `json:"tags,omitempty"`
	}
	env := map[string]string{"TOKEN": "secret", "TAGS": "a,b"}
	getenv := func(name string) string { return env[name] }

	s, err := mcpengine.ConfigFrom[settings]([]string{"--units", "imperial"}, getenv)
	fmt.Println(s.Units, s.Tags, err)

	_, err = mcpengine.ConfigFrom[settings]([]string{"--units", "old"}, func(string) string { return "" })
	fmt.Println(err)
	// Output:
	// imperial [a b] <nil>
	// the settings have 2 faults (--help lists the settings):
	//   TOKEN (or TOKEN_FILE): is missing: text
	//   UNITS (--units): must be one of "metric", "imperial", got "old"
}
