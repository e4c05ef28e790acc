package interop_test

import (
	"context"
	"testing/fstest"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/apps"
	"github.com/mcpengine/mcpengine/ext/events"
	"github.com/mcpengine/mcpengine/ext/skills"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

// extensions are added to the fixture, so that every client of another SDK shows
// that they do it no harm: it declares none of them.
func extensions() []mcpengine.Extension {
	quiet := func(context.Context, events.Query[struct{}]) (events.Page[string], error) {
		return events.Page[string]{Cursor: "0"}, nil
	}
	feed := events.NewFeed(events.New("nothing", "Nothing happens.", quiet))
	files := fstest.MapFS{
		"view.html":      {Data: []byte("<!doctype html>\n<p>nothing</p>")},
		"still/SKILL.md": {Data: []byte("---\nname: still\ndescription: Do nothing.\n---\n")},
	}
	view, err := apps.NewView("nothing", files, "view.html", apps.ViewConfig{})
	if err != nil {
		panic(err)
	}
	delete(files, "view.html") // no skill has it
	stillness, err := skills.New(files)
	if err != nil {
		panic(err)
	}
	return []mcpengine.Extension{
		apps.Extension(view),
		stillness,
		tasks.Extension(tasks.Memory()),
		feed.Extension(),
		{
			ID:          "com.example/everything",
			Settings:    func(version string) any { return map[string]string{"version": version} },
			ResultTypes: []string{"other"},
			CallTool: func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
				return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
					if req.ClientExtension("com.example/everything", nil) {
						return mcpengine.NewResult(map[string]string{"resultType": "other"}), nil
					}
					return next(ctx, req)
				}
			},
			Notifications: []string{"notifications/everything"},
			Listen: []mcpengine.ListenField{mcpengine.NewListenField("everything", mcpengine.ListenHandler[bool]{
				Accept: func(_ context.Context, asked bool) (bool, []string, error) { return asked, []string{"all"}, nil },
				Notify: func(context.Context, string) (string, any, bool) { return "notifications/everything", nil, true },
			})},
			Features: []mcpengine.Feature{
				mcpengine.NewMethod("everything/get", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }),
			},
		},
	}
}
