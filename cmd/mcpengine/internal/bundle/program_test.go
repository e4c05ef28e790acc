package bundle

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
)

// The tests run this program as a server, in a way that a variable names.
const behaviour = "BUNDLE_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(behaviour) == "" {
		os.Exit(m.Run())
	}
	if err := serve(os.Getenv(behaviour)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type place struct {
	City string `json:"city"`
}

// serve is a server with a declared variable, which it may need to start.
func serve(how string) error {
	if file := os.Getenv(configVariable); file != "" {
		text := `{"variables":[{"name":"DATABASE_URL","required":true,"sensitive":true,"schema":{"type":"string"}}]}`
		if how == "garbage" {
			text = "{"
		}
		if how == "undeclared" {
			text = `{}`
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if how != "lenient" && os.Getenv("DATABASE_URL") == "" {
		return fmt.Errorf("DATABASE_URL is missing")
	}
	e := mcpengine.New("weather")
	mcpengine.AddTool(e, "get_weather", "The weather.", func(context.Context, place) (string, error) { return "sunny", nil })
	mcpengine.AddPrompt(e, "pack", "What to pack.", func(_ context.Context, in place) (string, error) { return "Pack for " + in.City, nil })
	mcpengine.AddPrompt(e, "guide", "A guide.", func(_ context.Context, in place) (string, error) {
		if in.City != "Rome" {
			return "", fmt.Errorf("there is no guide to %s", in.City)
		}
		return "Go to the Forum.", nil
	})
	mcpengine.AddPrompt(e, "count", "Letters.", func(_ context.Context, in place) (string, error) {
		return fmt.Sprintf("The name has %d letters.", len(in.City)), nil
	})
	return e.Run(context.Background())
}

// runSelf runs this program as a server.
func runSelf(t *testing.T, how string, environ ...string) (*Program, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Run(t.Context(), self, append(environ, behaviour+"="+how))
}

// A server that starts is asked for its tools, and for prompts that are texts with their
// arguments in them.
func TestRun(t *testing.T) {
	t.Parallel()
	for how, environ := range map[string][]string{"lenient": nil, "strict": {"DATABASE_URL=x"}} {
		p, err := runSelf(t, how, environ...)
		if err != nil {
			t.Fatal(err)
		}
		if !p.Ran || !p.morePrompts || p.Info.Name != "weather" || len(p.declaration.Variables) != 1 {
			t.Errorf("%s: %+v", how, p)
		}
		if diff := cmp.Diff([]tool{{"get_weather", "The weather."}}, p.tools); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]prompt{{"pack", "What to pack.", []string{"city"}, "Pack for ${arguments.city}"}}, p.prompts); diff != "" {
			t.Error(diff)
		}
	}
}

// A server that lacks a declared variable is bundled without its tools.
func TestRunWithoutVariable(t *testing.T) {
	t.Parallel()
	p, err := runSelf(t, "strict")
	if err != nil {
		t.Fatal(err)
	}
	if p.Ran || !cmp.Equal(p.Missing, []string{"DATABASE_URL"}) || len(p.declaration.Variables) != 1 {
		t.Errorf("%+v", p)
	}
}

// Any other server that does not start is an error with its last words.
func TestRunFails(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{
		"undeclared": "does not start as a server",
		"garbage":    "read the declaration of the configuration",
	} {
		_, err := runSelf(t, how)
		failed, ok := err.(*Error) //nolint:errorlint // it is the outermost
		if !ok || !strings.Contains(err.Error(), want) || failed.Hint() == "" {
			t.Errorf("%s: %v", how, err)
		}
		if how == "undeclared" && !strings.Contains(err.Error(), "\nDATABASE_URL is missing") {
			t.Errorf("%s: %v", how, err)
		}
	}
	if _, err := Run(t.Context(), filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a program that is not there runs")
	}
}
