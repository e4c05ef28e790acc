// Command engine is an MCP server on Lambda, with a set-up and a clean-up.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/locallambda/testdata/note"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "engine: error:", err)
		os.Exit(1)
	}
}

// run records its set-up and its clean-up in the ledger, one line each.
func run() error {
	if err := note.Add("start"); err != nil {
		return err
	}
	defer note.Add("stop")
	e := mcpengine.New("counter", mcpengine.WithCard([]byte(`{"name":"com.example/counter","description":"Counts."}`)))
	mcpengine.AddTool(e, "count", "Count to three.", count)
	return e.Run(context.Background())
}

func count(ctx context.Context, _ struct{}) (string, error) {
	for i := range 3 {
		mcpengine.Progress(ctx, float64(i+1), 3, "counting")
	}
	return "three", nil
}
