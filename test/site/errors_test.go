package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each message of docs/errors.md is one that the code has: the parts between the
// ellipses come in this order in one string, or in the strings of one expression.
func TestErrors(t *testing.T) {
	t.Parallel()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Join(slices.Sorted(maps.Keys(literals(t, root))), "\n")
	count := 0
	for line := range strings.Lines(string(text)) {
		m := regexp.MustCompile("^\\| `(.*?)`.* \\| .* \\|$").FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		count++
		for part := range strings.SplitSeq(m[1], "…") {
			if part = strings.TrimSpace(part); len(part) > 1 && !strings.Contains(known, part) {
				t.Errorf("no message has %q, of %q", part, m[1])
			}
		}
	}
	if count < 20 {
		t.Errorf("docs/errors.md has %d messages", count)
	}
}
