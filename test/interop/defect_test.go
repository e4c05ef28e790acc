package interop_test

import (
	"context"
	"slices"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// TestDefects checks that the bridge does not have the defects of mcp-remote
// 0.15.
func TestDefects(t *testing.T) {
	t.Parallel()
	program := buildBridge(t)
	for _, test := range []struct {
		name string
		try  func(context.Context, *rawHost, *tap) error
	}{
		{"arguments are mirrored, and no tool fails with -32020", tryMirror},
		{"cancellation closes the stream, and is not posted", tryCancel},
		{"no late result is delivered", tryLateResult},
		{"a URL is elicited from a host that has declared it", tryURL},
	} {
		for _, version := range []string{"2025-11-25", wire.Version} {
			for _, path := range []string{"/mcp", "/sse"} {
				t.Run(test.name+"/"+version+path, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					tap, target := newTap(t, serveStubborn(t)+path)
					c := column{test.name, test.try}
					if err := tryColumn(ctx, version, program, target, "MCPENGINE_HOME="+t.TempDir(), c, tap); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// serveStubborn serves the fixture with a tool that ignores its cancellation,
// and returns when another tool is called.
func serveStubborn(t *testing.T) string {
	t.Helper()
	e := newRemote()
	release, done := make(chan struct{}), make(chan struct{})
	mcpengine.AddTool(e, "insist", "Ends with release.", func(ctx context.Context, _ nothing) (string, error) {
		defer close(done)
		mcpengine.Progress(ctx, 1, 0, "")
		<-release
		return "late", nil
	})
	mcpengine.AddTool(e, "release", "Lets insist end.", func(context.Context, nothing) (string, error) {
		close(release)
		<-done
		return "released", nil
	})
	return serveEngine(t, e)
}

// tryLateResult cancels a call that gets its result all the same, and then
// calls another tool. When the bridge ends, stop checks that the first call had
// no response.
func tryLateResult(ctx context.Context, h *rawHost, _ *tap) error {
	id, err := h.send("tools/call", map[string]any{"name": "insist", "arguments": map[string]any{}}, map[string]any{"progressToken": "w"})
	if err != nil {
		return err
	}
	if _, err := h.notification(ctx, "notifications/progress"); err != nil {
		return err
	}
	if err := h.cancel(id); err != nil {
		return err
	}
	if err := h.says(ctx, "release", map[string]any{}, nil, "released"); err != nil {
		return err
	}
	late := func(m wire.Message) bool { return m.Method == "" && string(m.ID) == id }
	if i := slices.IndexFunc(h.kept, late); i >= 0 {
		return same("no response", string(h.kept[i].Result))
	}
	return h.says(ctx, "greet", map[string]any{"name": "Ada"}, nil, "Hello, Ada!")
}
