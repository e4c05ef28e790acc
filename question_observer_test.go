//go:build !mcpengine_no_handshake

package mcpengine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// The observers of both sides see a question by request, and the client alone one that is
// a part of a result. What an observer adds to "_meta" arrives.
func TestQuestionObserver(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][]string{
		"2025-11-25": {
			`asked elicitation/create of tools/call`, `answering elicitation/create, id: true, marked: true, version: 2025-11-25`,
			`answered true`, `got true, the same id: true`,
			`asked elicitation/create of tools/call`, `answering elicitation/create, id: true, marked: true, version: 2025-11-25`,
			`answered -32603: the client could not answer`, `got -32603: the client could not answer, the same id: true`,
			`asked elicitation/create of tools/call`, `answering elicitation/create, id: true, marked: true, version: 2025-11-25`,
			`answered -32050: ask me later`, `got -32050: ask me later, the same id: true`,
		},
		"2026-07-28": {
			`answering elicitation/create, id: false, marked: false, version: 2026-07-28`, `answered true`,
			`answering elicitation/create, id: false, marked: false, version: 2026-07-28`, `answered a secret`,
			`answering elicitation/create, id: false, marked: false, version: 2026-07-28`, `answered -32050: ask me later`,
		},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			var got []string
			told := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
			id := ""
			e := askFixture(mcpengine.WithQuestionObserver(func(ctx context.Context, q *mcpengine.Question) (context.Context, func([]byte, error)) {
				told("asked %s of %s", q.Method, q.Request.Method())
				q.Meta = map[string]string{"example.com/mark": "yes"}
				return ctx, func(answer []byte, err error) {
					told("got %v, the same id: %t", outcomeOf(answer, err), id == `"`+q.ID+`"`)
				}
			}))
			var failure error
			c, err := client.Connect(t.Context(), "http://test.example/mcp", client.WithProtocolVersion(version),
				client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}),
				client.WithHandlers(client.Handlers{ElicitForm: func(context.Context, mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
					if failure != nil {
						return mcp.ElicitResult{}, failure
					}
					return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(`{"user":"ann"}`)}, nil
				}}),
				client.WithQuestionObserver(func(ctx context.Context, q *client.Question) (context.Context, func([]byte, error)) {
					id = q.ID
					var params struct {
						Meta map[string]string `json:"_meta"`
					}
					_ = json.Unmarshal(q.Params, &params)
					told("answering %s, id: %t, marked: %t, version: %s", q.Method, id != "", params.Meta["example.com/mark"] == "yes", q.ProtocolVersion)
					return ctx, func(answer []byte, err error) { told("answered %v", outcomeOf(answer, err)) }
				}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for _, failure = range []error{nil, errors.New("a secret"), mcp.Errorf(-32050, "ask me later")} {
				_, _ = c.CallTool(t.Context(), "login", nil)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the observers are told (-want +got):\n%s", diff)
			}
		})
	}
}

// outcomeOf returns the error, or that there is an answer.
func outcomeOf(answer []byte, err error) any {
	var rpcErr *mcp.Error
	switch {
	case errors.As(err, &rpcErr):
		return fmt.Sprintf("%d: %s", rpcErr.Code, rpcErr.Message)
	case err != nil:
		return err
	}
	return len(answer) > 0
}
