package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
	"github.com/mcpengine/mcpengine/middleware"
)

type none struct{}

// newEngine returns a server whose features fail in all ways.
func newEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("reports", append(opts, mcpengine.WithLogger(slog.New(slog.DiscardHandler)))...)
	for name, err := range map[string]error{
		"fine":     nil,
		"secret":   errors.New("dial 10.0.0.7: password rejected"),
		"safe":     middleware.Safe(fmt.Errorf("look up: %w", errors.New("there is no such report: list them first"))),
		"protocol": mcp.Errorf(mcp.CodeInvalidParams, "the month is missing"),
	} {
		mcpengine.AddTool(e, name, "", func(context.Context, none) (string, error) { return "done", err })
		mcpengine.AddResource(e, "report://"+name, "", func(context.Context, none) (string, error) { return "done", err })
	}
	mcpengine.AddTool(e, "slow", "", func(ctx context.Context, _ none) (string, error) {
		<-ctx.Done()
		return "", fmt.Errorf("query: %w", ctx.Err())
	}, mcpengine.WithTimeout(time.Millisecond))
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (string, error) {
		type form struct {
			Name string `json:"name"`
		}
		got, err := mcpengine.Elicit[form](ctx, "Who?")
		if err != nil {
			return "", fmt.Errorf("ask: %w", err)
		}
		return got.Name, nil
	})
	return e
}

// One record says what a request was, who made it and how it ended, and nothing that
// it was about.
func TestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := mcptest.New(newEngine(middleware.Log(slog.New(slog.NewJSONHandler(&log, nil)))))
	_, _ = c.CallTool(t.Context(), "fine", nil)
	_, _ = c.CallTool(t.Context(), "secret", nil)
	_, _ = c.CallTool(t.Context(), "protocol", nil)
	_, _ = c.CallTool(t.Context(), strings.Repeat("x", 1000), nil)
	_, _ = c.ReadResource(t.Context(), "report://secret")
	var got []string
	for line := range strings.Lines(log.String()) {
		var r struct {
			Level, Msg, Method, Name, Outcome, Version string
			Code, Size                                 int
			Duration                                   int64
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Method == "server/discover" || r.Method == "tools/list" {
			continue
		}
		if r.Msg != "request" || r.Duration <= 0 || r.Size == 0 || r.Version != mcp.LatestProtocolVersion {
			t.Errorf("the record is %s", line)
		}
		if strings.Contains(line, "password") || len(line) > 1000 {
			t.Errorf("the record has a secret, or %d bytes: %s", len(line), line)
		}
		got = append(got, fmt.Sprintf("%s %s %.9s %s %d", r.Level, r.Method, r.Name, r.Outcome, r.Code))
	}
	want := []string{
		"INFO tools/call fine ok 0",
		"WARN tools/call secret tool_error 0",
		"WARN tools/call protocol error -32602",
		"WARN tools/call xxxxxxxxx error -32602",
		"WARN resources/read report:// error -32603",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

// Callers get a reference in place of an error, and the log has the error under it.
// Errors that are for the caller stay.
func TestMaskErrors(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var causes []string
	c := mcptest.New(newEngine(middleware.MaskErrors(slog.New(slog.NewTextHandler(&log, nil))),
		mcpengine.WithObserver(func(ctx context.Context, _ *mcpengine.Request) (context.Context, func(mcpengine.Outcome)) {
			return ctx, func(o mcpengine.Outcome) {
				for err := o.Cause; err != nil; err = errors.Unwrap(err) {
					causes = append(causes, err.Error())
				}
			}
		})))
	text := func(result *mcp.CallToolResult, err error) string {
		if err != nil {
			return err.Error()
		}
		return result.Text()
	}
	for name, want := range map[string]string{
		"fine":     "^done$",
		"secret":   "^this failed: tell the operator of the server the reference [A-Z2-7]{12}$",
		"safe":     "^look up: there is no such report: list them first$",
		"protocol": "the month is missing",
		"slow":     "^this took longer than 1ms",
	} {
		got := text(c.CallTool(t.Context(), name, nil))
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
		if reference := regexp.MustCompile("[A-Z2-7]{12}").FindString(got); name == "secret" && !strings.Contains(log.String(), reference) {
			t.Errorf("the log does not have the reference %s:\n%s", reference, &log)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "password rejected") || !strings.Contains(log.String(), "name=secret") {
		t.Errorf("the log has %d records, want one with the error:\n%s", n, &log)
	}
	if !strings.Contains(strings.Join(causes, "\n"), "password rejected") {
		t.Errorf("observers get the causes %q", causes)
	}
	_, err := c.ReadResource(t.Context(), "report://secret")
	if err == nil || strings.Contains(err.Error(), "password") || !strings.Contains(err.Error(), "reference") || !strings.Contains(log.String(), "report://secret") {
		t.Errorf("a resource: %v, log:\n%s", err, &log)
	}
	if _, err := c.ReadResource(t.Context(), "report://protocol"); err == nil || !strings.Contains(err.Error(), "the month is missing") {
		t.Errorf("an error for the caller: %v", err)
	}
}

// A question to the user is no failure.
func TestMaskErrorsOfQuestions(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := newEngine(middleware.MaskErrors(slog.New(slog.NewTextHandler(&log, nil))))
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		c := mcptest.New(e, client.WithProtocolVersion(version), client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(map[string]any{"name": "Ada"})}))
		result, err := c.CallTool(t.Context(), "ask", nil)
		if err != nil || result.Text() != "Ada" || log.Len() > 0 {
			t.Errorf("%s: %v, %v; log %s", version, result, err, &log)
		}
	}
}
