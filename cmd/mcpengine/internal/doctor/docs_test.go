package doctor_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
)

var update = flag.Bool("update", false, "write the table of docs/doctor.md")

// The documentation has the table of checks as the program has it.
func TestDocumented(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../../../docs/doctor.md", "<!-- checks -->\n", "<!-- end of checks -->\n"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), begin)
	got, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table between %q and %q", file, begin, end)
	}
	want := table()
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil { //nolint:gosec // documentation
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run go test ./internal/doctor -run TestDocumented -update (-want +got):\n%s", diff)
	}
}

func table() string {
	var b strings.Builder
	group := ""
	for _, c := range doctor.Checks() {
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&b, "\n### %s\n\n| Check | What is checked | Next step |\n|---|---|---|\n", group)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Name, c.About, c.Next)
	}
	return b.String() + "\n"
}
