// Command board is an MCP server for a message board:
//
//	go run ./board    # in a terminal: HTTP at http://localhost:8000/mcp
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/examples/internal/messages"
	"github.com/mcpengine/mcpengine/ext/apps"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "board: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	settings, err := mcpengine.Config[messages.Settings]()
	if err != nil {
		return err
	}
	store, err := messages.Open(ctx, settings, os.Getenv, slog.Default())
	if err != nil {
		return err
	}
	defer store.Close()

	view, err := newView()
	if err != nil {
		return err
	}
	b := board{store}
	e := mcpengine.New("board", mcpengine.WithExtension(apps.Extension(view)))
	mcpengine.AddTool(e, "post_message", "Post a message to the board.", b.postMessage)
	mcpengine.AddTool(e, "get_messages", "Return the ten most recent messages, newest first.", b.getMessages, apps.Show(view))
	mcpengine.AddTool(e, "newer_messages", "Return the recent messages after one of them, newest first.", b.newerMessages,
		apps.VisibleTo(apps.App))
	mcpengine.AddResource(e, "messages://recent", "The ten most recent messages.", b.recent,
		mcpengine.WithMIMEType("application/json"))
	mcpengine.AddPrompt(e, "summarize", "Summarize what is new on the board.", b.summarize)
	return e.Run(ctx)
}
