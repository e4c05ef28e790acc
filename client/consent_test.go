package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

const (
	pagesRequired = `{"code":-32042,"message":"sign in first","data":{"more":1,"elicitations":[` +
		`{"mode":"url","message":"Files.","url":"https://files.example/","elicitationId":"a"},` +
		`{"mode":"url","message":"Mail.","url":"https://mail.example/","elicitationId":"b"}]}}`
	completeA = `{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"a"}}`
	completeB = `{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"b"}}`
	completeX = `{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"unknown"}}`
)

// A gate is a server of 2025-11-25 whose tool wants pages to be opened first.
type gate struct {
	errors []string // of the calls, one after the other; then there is a result
	calls  int
	out    io.Writer
	before []string // notifications ahead of the first error
}

// answer serves until the client leaves.
func (g *gate) answer(in io.Reader) {
	for decoder := json.NewDecoder(in); ; {
		var m struct {
			ID     json.RawMessage
			Method string
		}
		if decoder.Decode(&m) != nil {
			return
		}
		answer := `"result":{"content":[{"type":"text","text":"done"}]}`
		switch {
		case m.ID == nil:
			continue
		case m.Method == "initialize":
			answer = `"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"gate","version":"1"}}`
		case m.Method == "tools/call":
			if g.calls++; g.calls <= len(g.errors) {
				answer = `"error":` + g.errors[g.calls-1]
				g.tell(g.before...)
			}
		}
		fmt.Fprintf(g.out, `{"jsonrpc":"2.0","id":%s,%s}`+"\n", m.ID, answer)
	}
}

func (g *gate) tell(notifications ...string) {
	for _, n := range notifications {
		fmt.Fprintln(g.out, n)
	}
}

// client connects to the gate. In a bubble it waits until the connection is
// idle.
func (g *gate) client(t *testing.T, opts ...client.Option) *client.Client {
	t.Helper()
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	g.out = serverOut
	go g.answer(serverIn)
	c, err := client.Attach(t.Context(), in, out, append(opts, client.WithProtocolVersion("2025-11-25"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		serverOut.Close()
		c.Close()
	})
	return c
}

// If pages have to be opened first, the client asks for consent to each, waits
// until the server reports all of them complete, early or late, and sends the
// call once more.
func TestURLElicitationRequired(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		before, after []string
	}{
		{name: "after", after: []string{completeX, completeB, completeB, completeA}},
		{name: "before", before: []string{completeA, completeB}},
		{name: "before and after", before: []string{completeB}, after: []string{completeA}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := &gate{errors: []string{pagesRequired}, before: test.before}
				var asked []string
				c := g.client(t, client.WithHandlers(client.Handlers{
					ElicitURL: func(_ context.Context, p mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) {
						asked = append(asked, p.Message+" "+p.URL)
						return mcp.ElicitResult{Action: mcp.ElicitActionAccept}, nil
					},
				}))
				go func() {
					for i, n := range test.after {
						<-time.After(time.Minute)
						if synctest.Wait(); g.calls != 1 {
							t.Errorf("after %d notifications there were %d calls, want 1", i, g.calls)
						}
						g.tell(n)
					}
				}()
				got, err := client.Call[string](t.Context(), c, "a", nil)
				if err != nil || got != "done" || g.calls != 2 {
					t.Errorf("Call = %q, %v after %d calls", got, err, g.calls)
				}
				if diff := cmp.Diff([]string{"Files. https://files.example/", "Mail. https://mail.example/"}, asked); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// If the call cannot be sent again, it ends with the error of the server.
func TestURLElicitationRequiredFails(t *testing.T) {
	t.Parallel()
	answer := func(action mcp.ElicitAction) client.Option {
		return client.WithHandlers(client.Handlers{
			ElicitURL: func(context.Context, mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) {
				return mcp.ElicitResult{Action: action}, nil
			},
		})
	}
	for _, test := range []struct {
		name   string
		errors []string
		before []string
		opts   []client.Option
		calls  int
		cause  error
	}{
		{name: "no handler", errors: []string{pagesRequired}, calls: 1},
		{name: "declined", errors: []string{pagesRequired}, opts: []client.Option{answer(mcp.ElicitActionDecline)}, calls: 1},
		{name: "never done", errors: []string{pagesRequired}, opts: []client.Option{answer(mcp.ElicitActionAccept)}, calls: 1, cause: client.ErrIdle},
		{
			name: "wanted again", errors: []string{pagesRequired, pagesRequired}, before: []string{completeA, completeB},
			opts: []client.Option{answer(mcp.ElicitActionAccept)}, calls: 2,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := &gate{errors: test.errors, before: test.before}
				_, err := g.client(t, test.opts...).CallTool(t.Context(), "a", nil)
				required, ok := errors.AsType[*client.URLElicitationRequiredError](err)
				if !ok || len(required.Elicitations) != 2 || required.Elicitations[1].ElicitationID != "b" {
					t.Fatalf("CallTool: %v", err)
				}
				whole, ok := errors.AsType[*mcp.Error](err)
				if !ok || whole.Code != mcp.CodeURLElicitationRequired || !strings.Contains(string(whole.Data), `"more":1`) {
					t.Errorf("the error of the server is %+v", whole)
				}
				if g.calls != test.calls || test.cause != nil && !errors.Is(err, test.cause) {
					t.Errorf("%d calls and %v, want %d and %v", g.calls, err, test.calls, test.cause)
				}
			})
		})
	}
}

// A cancelled call does not wait for the server.
func TestURLElicitationRequiredCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{errors: []string{pagesRequired}}
		ctx, cancel := context.WithCancel(t.Context())
		c := g.client(t, client.WithHandlers(client.Handlers{
			ElicitURL: func(context.Context, mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) {
				cancel()
				return mcp.ElicitResult{Action: mcp.ElicitActionAccept}, nil
			},
		}))
		if _, err := c.CallTool(ctx, "a", nil); !errors.Is(err, context.Canceled) || g.calls != 1 {
			t.Errorf("CallTool: %v after %d calls", err, g.calls)
		}
	})
}

// An error with that code and malformed data is an ordinary error.
func TestURLElicitationRequiredShape(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`{}`, `7`, `{"elicitations":[]}`, `{"elicitations":[{"mode":"form","url":"https://x.example/","elicitationId":"a"}]}`,
		`{"elicitations":[{"mode":"url","url":"https://x.example/","elicitationId":"` + strings.Repeat("a", 257) + `"}]}`,
		`{"elicitations":[{"mode":"url","url":"https://x.example/"}]}`, `{"elicitations":[{"mode":"url","elicitationId":"a"}]}`,
		`{"elicitations":[` + strings.Repeat(`{"mode":"url","url":"https://x.example/","elicitationId":"a"},`, 32) +
			`{"mode":"url","url":"https://x.example/","elicitationId":"a"}]}`,
	} {
		g := &gate{errors: []string{`{"code":-32042,"message":"no","data":` + data + `}`}}
		_, err := g.client(t, client.WithHandlers(client.Handlers{
			ElicitURL: func(context.Context, mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) {
				t.Errorf("%s: the user is asked", data)
				return mcp.ElicitResult{}, nil
			},
		})).CallTool(t.Context(), "a", nil)
		if whole, ok := errors.AsType[*mcp.Error](err); !ok || string(whole.Data) != data {
			t.Errorf("%s: %v", data, err)
		}
		if _, ok := errors.AsType[*client.URLElicitationRequiredError](err); ok {
			t.Errorf("%s is taken", data)
		}
	}
}
