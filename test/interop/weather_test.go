package interop_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// TestWeatherExample runs the weather example as hosts do: as a command, with
// the protocol on its standard streams.
func TestWeatherExample(t *testing.T) {
	t.Parallel()
	file := buildtest.Program(t, filepath.Join("..", "..", "examples"), "./weather")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	v := connect(ctx, t, commandTransport(t, file), wire.Version)
	if got := v.text(ctx, t, "get_weather", map[string]any{"city": "Oslo"}); !strings.Contains(got, "Oslo") {
		t.Errorf("get_weather = %q, want something about Oslo", got)
	}
	c, err := client.Command(ctx, client.Process{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	now, err := contract.Read(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "weather", contract.FileName))
	if err != nil {
		t.Fatal(err)
	}
	before, err := contract.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if changes := contract.Compare(before, now); len(changes) > 0 {
		t.Errorf("what it offers differs from its lock file, which mcpengine inspect -o writes again:\n%s", changes.Text())
	}
}
