package mcpengine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/protocol"
)

func named(name string) *prompt {
	return &prompt{feature: feature{profile: &profile{name: name}, definition: []byte(`"` + name + `"`)}}
}

// A table behaves like a list and a map, and its snapshots never change, whatever
// is added and removed.
func TestTable(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	var table1 table[*prompt]
	var model []string
	latest := protocol.Versions()[0]
	check := func(s table[*prompt], want []string) {
		t.Helper()
		for start := 0; start < len(want); start += 10 {
			end := min(start+10, len(want))
			text := `"` + strings.Join(want[start:end], `","`) + `"]}`
			if got := string(s.page(latest, start, end, nil)); got != text {
				t.Fatalf("the page from %d is %s, want %s", start, got, text)
			}
		}
		for i, name := range want {
			if f, ok := s.names.getBytes([]byte(name)); !ok || s.after(f) != i+1 {
				t.Fatalf("%s is not at %d", name, i)
			}
		}
		if _, ok := s.names.get("nothing"); ok || len(s.list) != len(want) {
			t.Fatalf("%d features, want %d", len(s.list), len(want))
		}
	}
	var first table[*prompt]
	var firstModel []string
	for step := range 2000 {
		name := fmt.Sprint("f", random.IntN(300))
		if known := slices.Contains(model, name); random.IntN(3) > 0 {
			if (table1.add(named(name)) == nil) == known {
				t.Fatalf("adding %s when it is there: %v", name, known)
			}
			if !known {
				model = append(model, name)
			}
		} else {
			if (len(table1.remove([]string{name, "nothing"})) == 1) != known {
				t.Fatalf("removing %s when it is there: %v", name, known)
			}
			model = slices.DeleteFunc(slices.Clone(model), func(n string) bool { return n == name })
		}
		if step%7 == 0 {
			check(table1.snapshot(), model)
		}
		if step == 500 {
			first, firstModel = table1.snapshot(), slices.Clone(model)
		}
	}
	check(first, firstModel)
}

// What does not change is not made again.
func TestPagesAreKept(t *testing.T) {
	t.Parallel()
	var table1 table[*prompt]
	for i := range 25 {
		table1.add(named(fmt.Sprint(i)))
	}
	latest := protocol.Versions()[0]
	before := table1.snapshot()
	pages := [][]byte{before.page(latest, 0, 10, nil), before.page(latest, 10, 20, nil), before.page(latest, 20, 25, nil)}
	table1.remove([]string{"12"})
	table1.add(named("25"))
	after := table1.snapshot()
	if got := after.page(latest, 0, 10, nil); &got[0] != &pages[0][0] {
		t.Error("the page before the change is made again")
	}
	if got := after.page(latest, 10, 20, nil); string(got) == string(pages[1]) {
		t.Errorf("the page with the change is still %s", got)
	}
	if got := before.page(latest, 10, 20, nil); &got[0] != &pages[1][0] {
		t.Error("the page of the snapshot is made again")
	}
}
