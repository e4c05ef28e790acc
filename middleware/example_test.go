package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcptest"
	"github.com/mcpengine/mcpengine/middleware"
)

// One line for each request.
func ExampleLog() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	e := mcpengine.New("reports", middleware.Log(logger))
	_ = e
}

func export(context.Context, none) (string, error) { return "exported", nil }

// Handlers have half a minute, and one of them has five.
func Example_timeouts() {
	e := mcpengine.New("reports", mcpengine.WithTimeout(30*time.Second))
	mcpengine.AddTool(e, "export", "Exports everything.", export, mcpengine.WithTimeout(5*time.Minute))
}

// Callers get a reference in place of an error that is not for them.
func ExampleMaskErrors() {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	e := mcpengine.New("reports", middleware.MaskErrors(logger))
	_ = e
}

func ExampleSafe() {
	report := func(context.Context, none) (string, error) {
		return "", middleware.Safe(errors.New("that month has no report yet: ask for an earlier one"))
	}
	e := mcpengine.New("reports", middleware.MaskErrors(slog.New(slog.DiscardHandler)))
	mcpengine.AddTool(e, "report", "", report)
	result, err := mcptest.New(e).CallTool(context.Background(), "report", nil)
	fmt.Println(result.Text(), err)
	// Output: that month has no report yet: ask for an earlier one <nil>
}

// Requests to another service are made again when they may be.
func ExampleRetry() {
	upstream := &http.Client{Timeout: 20 * time.Second, Transport: &middleware.Retry{Attempts: 4}}
	_ = upstream
}

// The README has the code of the examples, so that it compiles.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## What every server needs\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := strings.Split(section, "```go\n")[1:]
	if len(blocks) != 4 {
		t.Errorf("README.md has %d pieces of code, want 4", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if n := strings.Count(code, "\n"); n > 5 {
			t.Errorf("%d lines:\n%s", n, code)
		}
		for line := range strings.Lines(code) {
			if !strings.Contains(string(examples), strings.TrimSpace(line)) {
				t.Errorf("no example has the line %q", line)
			}
		}
	}
}
