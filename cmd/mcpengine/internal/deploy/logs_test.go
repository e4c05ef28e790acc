package deploy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// The log has several pages of events, the last one with text of a hostile
// caller.
func TestLogs(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather"})
	fake.Log("/aws/lambda/weather", noon.Add(-time.Hour), "too old")
	for i := range 7 {
		fake.Log("/aws/lambda/weather", noon.Add(time.Duration(i)*time.Minute), fmt.Sprintf("event %d\n", i))
	}
	fake.Log("/aws/lambda/weather", noon.Add(time.Hour), "two\tlines:\r\n\x1b]0;owned\a\u202eend\n")
	var out bytes.Buffer
	if err := connect(fake.address, deploy.Config{}).Logs(t.Context(), "weather", noon, false, terminal.New(&out)); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"2026-11-22T12:00:00.000Z event 0", "2026-11-22T12:01:00.000Z event 1", "2026-11-22T12:02:00.000Z event 2",
		"2026-11-22T12:03:00.000Z event 3", "2026-11-22T12:04:00.000Z event 4", "2026-11-22T12:05:00.000Z event 5",
		"2026-11-22T12:06:00.000Z event 6",
		"2026-11-22T13:00:00.000Z two lines:", `2026-11-22T13:00:00.000Z \u001b]0;owned\u0007\u202eend`, "",
	}, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

// Following writes each event once, also one that arrives late and out of
// order, and ends without an error.
func TestLogsFollow(t *testing.T) {
	t.Parallel()
	fake := deployed(t, deploy.Spec{Name: "weather"})
	fake.Log("/aws/lambda/weather", noon, "first")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	looks := 0
	d := connect(fake.address, deploy.Config{Wait: func(ctx context.Context, _ time.Duration) error {
		switch looks++; looks {
		case 1:
			fake.Log("/aws/lambda/weather", noon.Add(time.Minute), "second")
		case 2:
			fake.Log("/aws/lambda/weather", noon.Add(50*time.Second), "late")
		case 4:
			cancel()
		}
		return ctx.Err()
	}})
	var out bytes.Buffer
	if err := d.Logs(ctx, "weather", noon, true, terminal.New(&out)); err != nil {
		t.Fatal(err)
	}
	want := "2026-11-22T12:00:00.000Z first\n2026-11-22T12:01:00.000Z second\n2026-11-22T12:00:50.000Z late\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

func TestLogsOfNothing(t *testing.T) {
	t.Parallel()
	fake := serve(t)
	err := connect(fake.address, deploy.Config{}).Logs(t.Context(), "weather", noon, false, terminal.New(io.Discard))
	if err == nil || err.Error() != "server weather has no log in region eu-central-1" || deploy.Hint(err) == "" {
		t.Errorf("Logs: %v, hint %q", err, deploy.Hint(err))
	}
}
