package mcpengine_test

import (
	"os"
	"strings"
	"testing"
)

// The server of the README is the example, so that whoever copies it copies
// code that runs.
func TestREADMEHoldsTheExample(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("examples/weather/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```go\n"+string(example)+"```") {
		t.Error("README.md does not hold examples/weather/main.go as it is")
	}
}
