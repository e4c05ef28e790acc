package mcpengine_test

import (
	"os"
	"strings"
	"testing"
)

// The servers of the README are the examples, so that a reader who copies them copies
// code that runs.
func TestREADMEHoldsTheExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{
		"examples/weather/main.go": "",
		"examples/board/main.go":   "func run(",
	} {
		example, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(string(example), from)
		if !strings.Contains(string(readme), "```go\n"+from+code+"```") {
			t.Errorf("README.md does not hold %s as it is", name)
		}
	}
}
