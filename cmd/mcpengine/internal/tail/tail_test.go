package tail_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/tail"
)

func TestWriter(t *testing.T) {
	t.Parallel()
	var w tail.Writer
	if got := w.String(); got != "" {
		t.Errorf("an empty writer keeps %q", got)
	}
	for _, text := range []string{"first", strings.Repeat("a", 20_000), "b", "\nlast\n"} {
		if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
	}
	if got := w.String(); len(got) != 8<<10-1 || !strings.HasSuffix(got, "ab\nlast") || strings.Contains(got, "first") {
		t.Errorf("%d bytes are kept, with %q at the end", len(got), got[max(0, len(got)-10):])
	}
}
