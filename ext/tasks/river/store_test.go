package river_test

import (
	"log/slog"
	"testing"

	"github.com/mcpengine/mcpengine/ext/tasks/river"
	"github.com/mcpengine/mcpengine/ext/tasks/taskstest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, address string) {
		backend, err := river.Open(t.Context(), address, river.WithLogger(slog.New(slog.DiscardHandler)))
		if err != nil {
			t.Fatal(err)
		}
		defer backend.Close()
		taskstest.Store(t, backend)
	})
}
