package doctor_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// Text of a server has no effect on a terminal, long lines stay in their column, and
// colours are left out where they are not wanted.
func TestPrint(t *testing.T) {
	t.Parallel()
	s := doctor.Summary{Target: "far", OK: 1, Warnings: 1, Failures: 1, Findings: []doctor.Finding{
		{Check: "dns", Group: "Network", Level: doctor.OK, Text: "far is at 192.0.2.7"},
		{Check: "tls.expiry", Group: "Network", Level: doctor.Warning, Text: "soon", Next: "Renew the certificate of the server, and see why it does not renew by itself."},
		{Check: "http.answer", Group: "HTTP", Level: doctor.Failure, Text: "a \x1b[31mred\x1b[0m page"},
	}}
	var out strings.Builder
	s.Print(terminal.New(&out), false)
	want := `far

Network
  ok    dns                  far is at 192.0.2.7
  warn  tls.expiry           soon
                             -> Renew the certificate of the server, and see why
                                it does not renew by itself.

HTTP
  FAIL  http.answer          a \u001b[31mred\u001b[0m page

1 ok, 1 warning, 1 failure
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	out.Reset()
	s.Print(terminal.New(&out), true)
	if got, want := out.String(), "  \x1b[31mFAIL  \x1b[0mhttp.answer "; !strings.Contains(got, want) {
		t.Errorf("printed %q, want %q in it", got, want)
	}
}
