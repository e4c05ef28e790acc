package tasks_test

import (
	"testing"

	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/taskstest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	taskstest.Store(t, tasks.Memory())
}
