package interop_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// impossible says why a cell cannot work whatever the bridge does, by server and
// column. It is the same for every host.
func impossible() map[[2]string]string {
	return map[[2]string]string{
		{"ours on Lambda", "cancel"}:           "a Function URL does not tell the function that its caller is gone",
		{"ours on Lambda", "resource updates"}: "an instance does not hear of changes in another, so that a server on Lambda has no subscriptions",
	}
}

// hopeless is how long a cell that cannot work is tried.
const hopeless = 2 * time.Second

// TestMatrix has a host of each era do everything through the bridge, with each
// kind of server. With -v it prints the table that is in docs/bridge.md.
func TestMatrix(t *testing.T) {
	t.Parallel()
	program := buildBridge(t)
	m := &matrix{cells: map[string]string{}}
	t.Run("cells", func(t *testing.T) {
		for _, version := range []string{"2025-11-25", wire.Version} {
			for _, far := range fars() {
				t.Run(version+" to "+far.name, func(t *testing.T) {
					t.Parallel()
					m.row(t, program, version, far)
				})
			}
		}
	})
	t.Logf("the matrix:\n%s", m)
}

// row tries every column with one server.
func (m *matrix) row(t *testing.T, program, version string, far far) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tap, target := newTap(t, far.serve(ctx, t))
	home := "MCPENGINE_HOME=" + t.TempDir()
	if far.profile != nil {
		proxy := exec.CommandContext(ctx, program, append([]string{"proxy", "far", target}, far.profile...)...)
		proxy.Env = append(os.Environ(), home)
		if output, err := proxy.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", proxy.Args, err, output)
		}
		target = "far"
	}
	for _, column := range columns() {
		t.Run(column.name, func(t *testing.T) {
			reason, ctx := impossible()[[2]string{far.name, column.name}], ctx
			if reason != "" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, hopeless)
				defer cancel()
			}
			err := tryColumn(ctx, version, program, target, home, column, tap)
			switch {
			case reason == "" && err != nil:
				t.Error(err)
			case reason != "" && err == nil:
				t.Errorf("it works, but is said to be impossible: %s", reason)
			case reason != "":
				t.Logf("impossible: %s (%v)", reason, err)
			}
			m.put(version, far.name, column.name, reason, err)
		})
	}
}

// tryColumn does one thing with a bridge of its own.
func tryColumn(ctx context.Context, version, program, target, home string, c column, tap *tap) error {
	h, err := startRawHost(ctx, version, program, target, home)
	if err != nil {
		return err
	}
	if err = h.begin(ctx); err == nil {
		err = c.try(ctx, h, tap)
	}
	ended := h.stop(ctx)
	if err != nil {
		return err
	}
	return ended
}

// A matrix is what came out.
type matrix struct {
	mu    sync.Mutex
	cells map[string]string
}

func (m *matrix) put(host, far, column, reason string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cell := "yes"
	switch {
	case reason != "":
		cell = "no"
	case err != nil:
		cell = "FAILS"
	}
	m.cells[host+far+column] = cell
}

// String is the table in Markdown.
func (m *matrix) String() string {
	var b strings.Builder
	b.WriteString("| Host | Server |")
	for _, c := range columns() {
		b.WriteString(" " + c.name + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", 2+len(columns())) + "\n")
	for _, host := range []string{"2025-11-25", wire.Version} {
		for _, far := range fars() {
			fmt.Fprintf(&b, "| %s | %s |", host, far.name)
			for _, c := range columns() {
				b.WriteString(" " + m.cells[host+far.name+c.name] + " |")
			}
			b.WriteString("\n")
		}
	}
	for cell, reason := range impossible() {
		fmt.Fprintf(&b, "%s, %s: %s\n", cell[0], cell[1], reason)
	}
	return b.String()
}
