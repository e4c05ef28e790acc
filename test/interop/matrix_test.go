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

// impossible returns why a cell cannot work with any bridge, by server and
// column. It is the same for every host.
func impossible() map[[2]string]string {
	return map[[2]string]string{
		{"ours on Lambda", "cancel"}:           "a Function URL does not tell the function that its caller is gone",
		{"ours on Lambda", "resource updates"}: "an instance does not know of changes in another, so that a server on Lambda has no subscriptions",
	}
}

// hopeless is how long a cell that cannot work is tried.
const hopeless = 2 * time.Second

// TestMatrix has a host of 2025-11-25 and a host of 2026-07-28 do everything
// through the bridge, with each kind of server. With -v it prints the table in
// docs/bridge.md.
func TestMatrix(t *testing.T) {
	t.Parallel()
	program := buildBridge(t)
	m := &matrix{cells: map[string]string{}}
	t.Run("cells", func(t *testing.T) {
		for _, version := range []string{"2025-11-25", wire.Version} {
			for _, server := range remotes() {
				t.Run(version+" to "+server.name, func(t *testing.T) {
					t.Parallel()
					m.row(t, program, version, server)
				})
			}
		}
	})
	t.Logf("the matrix:\n%s", m)
}

// row tries every column with one server.
func (m *matrix) row(t *testing.T, program, version string, server remote) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tap, target := newTap(t, server.serve(ctx, t))
	home := "MCPENGINE_HOME=" + t.TempDir()
	if server.profile != nil {
		proxy := exec.CommandContext(ctx, program, append([]string{"proxy", "remote", target}, server.profile...)...)
		proxy.Env = append(os.Environ(), home)
		if output, err := proxy.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", proxy.Args, err, output)
		}
		target = "remote"
	}
	for _, column := range columns() {
		t.Run(column.name, func(t *testing.T) {
			reason, ctx := impossible()[[2]string{server.name, column.name}], ctx
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
			m.put(version, server.name, column.name, reason, err)
		})
	}
}

// tryColumn runs one column with a bridge of its own.
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

// A matrix has the results.
type matrix struct {
	mu    sync.Mutex
	cells map[string]string
}

func (m *matrix) put(host, server, column, reason string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cell := "yes"
	switch {
	case reason != "":
		cell = "no"
	case err != nil:
		cell = "FAILS"
	}
	m.cells[host+server+column] = cell
}

// String returns the table in Markdown.
func (m *matrix) String() string {
	var b strings.Builder
	b.WriteString("| Host | Server |")
	for _, c := range columns() {
		b.WriteString(" " + c.name + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", 2+len(columns())) + "\n")
	for _, host := range []string{"2025-11-25", wire.Version} {
		for _, server := range remotes() {
			fmt.Fprintf(&b, "| %s | %s |", host, server.name)
			for _, c := range columns() {
				b.WriteString(" " + m.cells[host+server.name+c.name] + " |")
			}
			b.WriteString("\n")
		}
	}
	for cell, reason := range impossible() {
		fmt.Fprintf(&b, "%s, %s: %s\n", cell[0], cell[1], reason)
	}
	return b.String()
}
