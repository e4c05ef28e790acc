package mcpengine_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A fixture makes the engine of the transcripts of one area.
type fixture func(opts ...mcpengine.Option) *mcpengine.Engine

// fixtures are named like the transcripts that play them, up to a dash.
var fixtures = map[string]fixture{
	"ask":        askFixture,
	"bare":       func(opts ...mcpengine.Option) *mcpengine.Engine { return newFixture(opts) },
	"caching":    cachingFixture,
	"completion": completionFixture,
	"discover":   discoverFixture,
	"errors":     errorsFixture,
	"extension":  extensionFixture,
	"notify":     notifyFixture,
	"pages":      pagesFixture,
	"prompts":    promptsFixture,
	"resources":  resourcesFixture,
	"results":    resultsFixture,
	"tools":      toolsFixture,
}

// newFixture returns an engine without features.
func newFixture(opts []mcpengine.Option, more ...mcpengine.Option) *mcpengine.Engine {
	return mcpengine.New("fixture", append(opts, more...)...)
}

// none is the input of what has no arguments.
type none struct{}

// give adds a tool that returns out.
func give[Out any](e *mcpengine.Engine, name string, out Out, opts ...mcpengine.ToolOption) {
	mcpengine.AddTool(e, name, "", func(context.Context, none) (Out, error) { return out, nil }, opts...)
}

func discoverFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts,
		mcpengine.WithImplementation(mcp.Implementation{
			Name:        "another name",
			Title:       "Fixture",
			Version:     "1.2.3",
			Description: "Answers the transcripts.",
			WebsiteURL:  "https://server.example",
			Icons:       []mcp.Icon{{Src: "https://server.example/icon.png", MIMEType: "image/png", Sizes: []string{"48x48"}}},
		}),
		mcpengine.WithInstructions("Ask for the weather first."),
	)
	give(e, "tool", "done")
	mcpengine.AddResource(e, "file:///readme", "", func(context.Context, none) (string, error) { return "text", nil })
	mcpengine.AddPrompt(e, "prompt", "", func(context.Context, topic) (string, error) { return "text", nil },
		mcpengine.WithCompletion("topic", func(context.Context, string, map[string]string) ([]string, error) { return nil, nil }))
	return e
}

type topic struct {
	Topic string `json:"topic"`
}

func pagesFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts, mcpengine.WithPageSize(2))
	for i := range 4 {
		give(e, fmt.Sprintf("feature_%d", i), "done")
	}
	for i := range 3 {
		mcpengine.AddResource(e, fmt.Sprintf("file:///%d", i), "", func(context.Context, none) (string, error) { return "", nil })
		mcpengine.AddResource(e, fmt.Sprintf("file:///%d/{topic}", i), "", func(context.Context, topic) (string, error) { return "", nil })
		offer(e, fmt.Sprintf("feature_%d", i), "") // named like the tool
	}
	type removal struct {
		Name string `json:"name"`
	}
	mcpengine.AddTool(e, "remove", "", func(_ context.Context, in removal) (string, error) {
		e.RemoveTools(in.Name)
		return "removed", nil
	})
	return e
}

func cachingFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts, mcpengine.WithCache(90*time.Second, mcp.CacheScopePrivate))
	give(e, "tool", "done")
	text := func(context.Context, none) (string, error) { return "text", nil }
	mcpengine.AddResource(e, "file:///default", "", text)
	mcpengine.AddResource(e, "file:///public", "", text, mcpengine.WithCache(time.Hour, mcp.CacheScopePublic))
	mcpengine.AddResource(e, "file:///rounded", "", text, mcpengine.WithCache(1999*time.Microsecond, mcp.CacheScopePublic))
	mcpengine.AddResource(e, "file:///negative", "", text, mcpengine.WithCache(-time.Hour, mcp.CacheScopePublic))
	mcpengine.AddResource(e, "file:///own", "", func(context.Context, none) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []mcp.ResourceContents{{Text: "text"}}, TTLMs: 7, CacheScope: mcp.CacheScopePublic}, nil
	})
	mcpengine.AddResource(e, "file:///asked", "", func(ctx context.Context, _ none) (string, error) {
		roots, err := mcpengine.ListRoots(ctx, mcpengine.WithKey("roots"))
		return fmt.Sprintf("%d roots", len(roots)), err
	}, mcpengine.WithCache(time.Hour, mcp.CacheScopePublic))
	mcpengine.AddPrompt(e, "prompt", "", text)
	return e
}

func completionFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts)
	type review struct {
		Language  string `json:"language"`
		Framework string `json:"framework,omitempty"`
		Lines     int    `json:"lines,omitempty"`
		Plain     string `json:"plain,omitempty"`
	}
	frameworks := map[string][]string{"go": {"chi", "echo"}, "python": {"flask"}}
	mcpengine.AddPrompt(e, "review", "", func(context.Context, review) (string, error) { return "", nil },
		mcpengine.WithCompletion("language", func(_ context.Context, value string, _ map[string]string) ([]string, error) {
			if value == "fail" {
				return nil, fmt.Errorf("the database is down")
			}
			if value == "refuse" {
				return nil, mcp.Errorf(mcp.CodeInvalidParams, "no language starts with %q", value)
			}
			if value == "ask" {
				return nil, nil
			}
			var found []string
			for _, language := range []string{"go", "pascal", "python"} {
				if strings.HasPrefix(language, value) {
					found = append(found, language)
				}
			}
			return found, nil
		}),
		mcpengine.WithCompletion("framework", func(_ context.Context, _ string, resolved map[string]string) ([]string, error) {
			return frameworks[resolved["language"]], nil
		}),
		mcpengine.WithCompletion("lines", func(context.Context, string, map[string]string) ([]string, error) {
			return make([]string, 250), nil
		}),
	)
	type file struct {
		Path string `json:"path"`
	}
	mcpengine.AddResource(e, "file:///{path}", "", func(context.Context, file) (string, error) { return "", nil },
		mcpengine.WithCompletion("path", func(ctx context.Context, value string, _ map[string]string) ([]string, error) {
			if value == "ask" {
				_, err := mcpengine.ListRoots(ctx)
				return nil, err
			}
			return []string{value + ".txt"}, nil
		}))
	mcpengine.AddResource(e, "file:///single", "", func(context.Context, none) (string, error) { return "", nil })
	return e
}

func notifyFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts)
	mcpengine.AddTool(e, "progress", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, -1, 0, "")
		mcpengine.Progress(ctx, 0.5, 10, "half of one")
		mcpengine.Progress(ctx, 0.5, 10, "the same again")
		mcpengine.Progress(ctx, 0.25, 10, "backwards")
		mcpengine.Progress(ctx, 10, 10, "")
		return "done", nil
	})
	mcpengine.AddTool(e, "log", "", func(ctx context.Context, _ none) (string, error) {
		for _, level := range []mcp.LoggingLevel{
			mcp.LoggingLevelDebug, mcp.LoggingLevelInfo, mcp.LoggingLevelNotice, mcp.LoggingLevelWarning,
			mcp.LoggingLevelError, mcp.LoggingLevelCritical, mcp.LoggingLevelAlert, mcp.LoggingLevelEmergency,
		} {
			mcpengine.Log(ctx, level, "", string(level))
		}
		return "done", nil
	})
	mcpengine.AddTool(e, "log_data", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Log(ctx, mcp.LoggingLevelError, "db", map[string]any{"port": 5432, "host": "localhost"})
		mcpengine.Log(ctx, mcp.LoggingLevelError, "db", nil)
		mcpengine.Log(ctx, mcp.LoggingLevelError, "db", func() {})
		mcpengine.Log(ctx, "verbose", "db", "a level that does not exist")
		return "done", nil
	})
	mcpengine.AddTool(e, "fail", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "")
		return "", mcp.Errorf(1, "no")
	})
	mcpengine.AddPrompt(e, "prompt", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 0, "")
		return "done", nil
	})
	mcpengine.AddResource(e, "file:///readme", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 0, "")
		return "done", nil
	})
	return e
}

func errorsFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := newFixture(opts)
	failures := map[string]error{
		"plain":       fmt.Errorf("the forecast reaches 7 days: ask for fewer"),
		"protocol":    mcp.Errorf(42, "out of service").WithData(map[string]any{"until": "noon"}),
		"wrapped":     fmt.Errorf("call the back end: %w", mcp.Errorf(43, "come back %s", "later")),
		"unencodable": mcp.Errorf(44, "with data that is no JSON").WithData(func() {}),
		"missing":     mcpengine.ResourceNotFound("file:///gone"),
		"cancelled":   context.Canceled,
	}
	fail := func(name string) (string, error) {
		if name == "panic" {
			panic("out of luck")
		}
		return "fine", failures[name]
	}
	for _, name := range []string{"plain", "protocol", "wrapped", "unencodable", "missing", "cancelled", "panic", "fine"} {
		h := func(context.Context, none) (string, error) { return fail(name) }
		mcpengine.AddTool(e, name, "", h)
		mcpengine.AddPrompt(e, name, "", h)
		mcpengine.AddResource(e, "file:///"+name, "", h)
	}
	return e
}
