package mcptest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

type none struct{}

type name struct {
	Name string `json:"name"`
}

// engine asks, reports progress, logs and changes.
func engine() *mcpengine.Engine {
	e := mcpengine.New("test", mcpengine.WithKeys(make([]byte, 32)), mcpengine.WithPageSize(1))
	mcpengine.AddTool(e, "greet", "", func(ctx context.Context, _ none) (string, error) {
		first, err := mcpengine.Elicit[name](ctx, "first?")
		if err != nil {
			return "", err
		}
		second, err := mcpengine.Elicit[name](ctx, "second?")
		return first.Name + " and " + second.Name, err
	})
	mcpengine.AddTool(e, "notify", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "")
		mcpengine.Log(ctx, mcp.LoggingLevelWarning, "", "careful")
		return "", mcp.Errorf(8, "halfway").WithData([]int{1})
	})
	mcpengine.AddTool(e, "wait", "", func(ctx context.Context, _ none) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	})
	return e
}

// A client of every version calls, answers, lists, and receives what belongs to a
// call and what does not.
func TestVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			var received []string
			e := engine()
			c := mcptest.New(e, client.WithProtocolVersion(version), client.WithHandlers(client.Handlers{
				ElicitForm: mcptest.Accept(name{"Ann"}),
				Log:        func(m mcp.LoggingMessageNotificationParams) { received = append(received, string(m.Data)) },
			}))
			defer c.Close()
			if c.Version() != version {
				t.Errorf("Version() = %s", c.Version())
			}
			if got, err := client.Call[string](t.Context(), c, "greet", nil); got != "Ann and Ann" || err != nil {
				t.Errorf("greet = %q, %v", got, err)
			}
			_, err := c.CallTool(t.Context(), "notify", nil, client.WithProgress(func(p mcp.ProgressNotificationParams) {
				received = append(received, fmt.Sprint(p.Progress))
			}))
			want := &mcp.Error{Code: 8, Message: "halfway", Data: []byte("[1]")}
			if got, _ := errors.AsType[*mcp.Error](err); !cmp.Equal(want, got) {
				t.Errorf("notify = %v, want %v", err, want)
			}
			if want := []string{"1", `"careful"`}; !slices.Equal(received, want) {
				t.Errorf("received %q, want %q", received, want)
			}
			// Nothing is kept: a tool added a moment ago is listed.
			for want := 3; want < 5; want++ {
				if tools, err := client.Collect(c.Tools(t.Context())); len(tools) != want || err != nil {
					t.Errorf("there are %d tools, %v, want %d", len(tools), err, want)
				}
				mcpengine.AddTool(e, fmt.Sprint("tool", want), "", func(context.Context, none) (string, error) { return "", nil })
			}
		})
	}
}

// A call that the test gives up is cancelled in the handler, in the time of a
// bubble.
func TestCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := mcptest.New(engine())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := c.CallTool(ctx, "wait", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait = %v, want %v", err, context.DeadlineExceeded)
		}
		c.Close()
	})
}

// What cannot be connected to is a mistake of the test.
func TestNewPanics(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler http.Handler
		opts    []client.Option
		want    string
	}{
		"no server":       {http.NotFoundHandler(), nil, "404"},
		"unknown version": {engine(), []client.Option{client.WithProtocolVersion("1999-01-01")}, "1999-01-01"},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "mcptest: connect:") || !strings.Contains(got, test.want) {
					t.Errorf("%s: panic = %s, want it to contain %q", name, got, test.want)
				}
			}()
			mcptest.New(test.handler, test.opts...)
		}()
	}
}

// Content that is no JSON is an error of the call.
func TestAcceptUnencodable(t *testing.T) {
	t.Parallel()
	c := mcptest.New(engine(), client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(func() {})}))
	if _, err := c.CallTool(t.Context(), "greet", nil); err == nil || !strings.Contains(err.Error(), "unsupported type") {
		t.Errorf("greet = %v", err)
	}
}
