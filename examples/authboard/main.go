// Command authboard is the message board for callers that somebody vouches for:
//
//	PUBLIC_URL=http://localhost:8000 OIDC_ISSUER=https://id.example go run ./authboard
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/examples/internal/messages"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "authboard: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	s, err := mcpengine.Config[settings]()
	if err != nil {
		return err
	}
	resource, err := protectedResource(s, os.Getenv("AWS_REGION"))
	if err != nil {
		return err
	}
	store, err := messages.Open(ctx, s.Settings, os.Getenv, slog.Default())
	if err != nil {
		return err
	}
	defer store.Close()

	b := board{store}
	e := mcpengine.New("authboard", mcpengine.WithAuth(resource))
	mcpengine.AddTool(e, "post_message", "Post a message to the board under your own name.", b.postMessage)
	mcpengine.AddTool(e, "get_messages", "Return the ten most recent messages, newest first.", b.getMessages)
	mcpengine.AddTool(e, "delete_message", "Delete a message.", b.deleteMessage,
		mcpengine.RequireScopes("messages:delete"),
		mcpengine.Allow(auth.Any(auth.HasRole("admin"), auth.InGroup("admin"))))
	mcpengine.AddResource(e, "messages://recent", "The ten most recent messages.", b.recent,
		mcpengine.WithMIMEType("application/json"))
	return e.Run(ctx)
}
