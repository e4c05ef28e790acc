package mcpengine_test

import (
	"context"
	"errors"
	"strings"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

const notesID = "com.example/notes"

type note struct {
	URI  string `json:"uri"`
	Text string `json:"text"`
}

// notes is an extension with methods that use what the API has for methods. Its
// settings differ by protocol version, and 2024-11-05 does not have it.
func notes() mcpengine.Extension {
	return mcpengine.Extension{
		ID: notesID,
		Settings: func(version string) any {
			switch version {
			case "2024-11-05":
				return nil
			case "2026-07-28":
				return map[string]bool{"search": true}
			}
			return struct{}{}
		},
		Features: []mcpengine.Feature{
			mcpengine.NewMethod("notes/list", listNotes, mcpengine.Cacheable(), mcpengine.WithoutDeclaration()),
			mcpengine.NewMethod("notes/get", getNote, mcpengine.MirrorParam("uri")),
			mcpengine.NewMethod("notes/fail", failNote),
			mcpengine.NewMethod("notes/watch", watchNotes, mcpengine.Lasting()),
			mcpengine.NewMethod("notes/ring", ringNotes),
			mcpengine.NewTool("count_notes", "", func(context.Context, none) (string, error) { return "2", nil }),
		},
		ResultTypes:   []string{"later"},
		Notifications: []string{"notifications/notes", "notifications/notes/bell"},
		Listen:        []mcpengine.ListenField{noteField("noteIds")},
	}
}

// noteField honours ids that do not begin with "secret", and notifies of them
// unless they end in "silent".
func noteField(name string) mcpengine.ListenField {
	return mcpengine.NewListenField(name, mcpengine.ListenHandler[[]string]{
		Accept: func(_ context.Context, asked []string) (honoured, keys []string, err error) {
			for _, id := range asked {
				switch {
				case id == "":
					return nil, nil, mcp.Errorf(mcp.CodeInvalidParams, "an id is empty")
				case !strings.HasPrefix(id, "secret"):
					honoured = append(honoured, id)
				}
			}
			return honoured, honoured, nil
		},
		Notify: func(ctx context.Context, key string) (string, any, bool) {
			if strings.HasSuffix(key, "unknown") {
				return "notifications/unknown", nil, true
			}
			return "notifications/notes", map[string]string{"id": key, "of": mcpengine.RequestFrom(ctx).Method()}, !strings.HasSuffix(key, "silent")
		},
	})
}

// watchNotes notifies once and then waits for the end, which it reports.
func watchNotes(ctx context.Context, in struct {
	Return string `json:"return,omitempty"`
},
) (any, error) {
	if err := mcpengine.Notify(ctx, "notifications/notes/bell", map[string]int{"rings": 1}); err != nil {
		return nil, err
	}
	if in.Return == "now" {
		return map[string]int{"rings": 1}, nil
	}
	<-ctx.Done()
	if in.Return == "result" {
		return map[string]int{"rings": 2}, nil
	}
	return nil, ctx.Err()
}

// ringNotes sends the notification that it is told to.
func ringNotes(ctx context.Context, in struct {
	Method string `json:"method"`
	Params any    `json:"params,omitempty"`
},
) (any, error) {
	if err := mcpengine.Notify(ctx, in.Method, in.Params); err != nil {
		return map[string]string{"error": err.Error()}, nil
	}
	return struct{}{}, nil
}

func listNotes(_ context.Context, in struct {
	Cursor string `json:"cursor,omitempty"`
},
) (any, error) {
	return map[string]any{"notes": []note{{"note:1", "milk"}}, "after": in.Cursor}, nil
}

func getNote(ctx context.Context, in struct {
	URI   string `json:"uri" minLength:"1"`
	Limit int    `json:"limit,omitempty" minimum:"1" default:"10"`
	Deep  struct {
		Levels int `json:"levels"`
	} `json:"deep,omitzero"`
},
) (any, error) {
	req := mcpengine.RequestFrom(ctx)
	var settings struct {
		Depth int `json:"depth"`
	}
	declared := req.ClientExtension(notesID, &settings)
	return map[string]any{
		"note": note{in.URI, "milk"}, "name": req.Name(), "limit": in.Limit, "levels": in.Deep.Levels,
		"declared": declared, "depth": settings.Depth, "other": req.ClientExtension("com.example/other", nil),
	}, nil
}

func failNote(_ context.Context, in struct {
	How string `json:"how"`
},
) (any, error) {
	switch in.How {
	case "panic":
		panic("out of paper")
	case "plain":
		return nil, errors.New("the drawer is stuck")
	case "protocol":
		return nil, mcp.Errorf(-32042, "the drawer is locked").WithData(map[string]int{"keys": 2})
	case "list":
		return []int{1}, nil
	case "func":
		return func() {}, nil
	case "own":
		return map[string]any{"resultType": "torn", "_meta": map[string]any{"com.example/a": 1}, "ttlMs": 5}, nil
	}
	return struct{}{}, nil
}

func extensionFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	return newFixture(opts, mcpengine.WithExtension(notes()))
}
