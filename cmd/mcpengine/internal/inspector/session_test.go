package inspector_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// The server answers a recorded session as it did when the session was recorded.
func TestSession(t *testing.T) {
	forms := []mcp.ElicitResult{
		{Action: "accept", Content: json.RawMessage(`{"name":"Ada"}`)},
		{Action: "decline"},
	}
	pages := []mcp.ElicitAction{
		"accept",
	}
	messages := []string{
		`{"role":"assistant","model":"m1","content":{"type":"text","text":"!"}}`,
	}
	roots := []string{
		`{"roots":[{"uri":"file:///a"}]}`,
	}
	handlers := client.Handlers{
		ElicitForm: func(context.Context, mcp.ElicitRequestFormParams) (answer mcp.ElicitResult, err error) {
			if len(forms) == 0 {
				return answer, errors.New("the session has no answer to this form")
			}
			answer, forms = forms[0], forms[1:]
			return answer, nil
		},
		ElicitURL: func(context.Context, mcp.ElicitRequestURLParams) (answer mcp.ElicitResult, err error) {
			if len(pages) == 0 {
				return answer, errors.New("the session has no answer to this URL")
			}
			answer.Action, pages = pages[0], pages[1:]
			return answer, nil
		},
		CreateMessage: func(context.Context, mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error) {
			if len(messages) == 0 || messages[0] == "" {
				return nil, errors.New("the session has no answer to this sampling request")
			}
			answer := new(mcp.CreateMessageResult)
			err := json.Unmarshal([]byte(messages[0]), answer)
			messages = messages[1:]
			return answer, err
		},
		ListRoots: func(context.Context) ([]mcp.Root, error) {
			if len(roots) == 0 || roots[0] == "" {
				return nil, errors.New("the session has no answer to roots/list")
			}
			var answer mcp.ListRootsResult
			err := json.Unmarshal([]byte(roots[0]), &answer)
			roots = roots[1:]
			return answer.Roots, err
		},
	}
	c := mcptest.New(newServer(), client.WithProtocolVersion("2026-07-28"), client.WithHandlers(handlers))
	defer c.Close()
	// Left out: tasks/get, because the id of a task is another one in each run.
	for _, step := range []struct {
		name, method, params string
		want                 string // the result
		code                 int    // of the error, in its place
	}{
		{
			name: "tools/list", method: "tools/list",
			params: `{}`,
			want:   `{"cacheScope":"public","resultType":"complete","tools":[{"name":"get_weather","description":"Return the current weather for a city.","inputSchema":{"type":"object","properties":{"city":{"type":"string","description":"name of the city"}},"required":["city"],"additionalProperties":false}},{"name":"work","description":"Tell how it goes.","inputSchema":{"type":"object","additionalProperties":false}},{"name":"refuse","description":"Fail as a request does.","inputSchema":{"type":"object","additionalProperties":false}}],"ttlMs":0}`,
		},
		{
			name: "tools/call get_weather", method: "tools/call",
			params: `{"name":"get_weather","arguments":{"city":"São \"Paulo\""}}`,
			want:   `{"content":[{"type":"text","text":"The weather in São \"Paulo\" is sunny and 72°F."}],"resultType":"complete"}`,
		},
		{
			name: "tools/call ask", method: "tools/call",
			params: `{"name":"ask","arguments":{}}`,
			want:   `{"content":[{"type":"text","text":"Hello Ada"}],"resultType":"complete"}`,
		},
		{
			name: "tools/call ask", method: "tools/call",
			params: `{"name":"ask","arguments":{}}`,
			want:   `{"content":[{"type":"text","text":"declined"}],"resultType":"complete"}`,
		},
		{
			name: "tools/call visit", method: "tools/call",
			params: `{"name":"visit","arguments":{}}`,
			want:   `{"content":[{"type":"text","text":"visited"}],"resultType":"complete"}`,
		},
		{
			name: "tools/call sample", method: "tools/call",
			params: `{"name":"sample","arguments":{}}`,
			want:   `{"content":[{"type":"text","text":"model m1"}],"resultType":"complete"}`,
		},
		{
			name: "tools/call roots", method: "tools/call",
			params: `{"name":"roots","arguments":{}}`,
			want:   `{"content":[{"type":"text","text":"1 folders"}],"resultType":"complete"}`,
		},
		{
			name: "tools/call refuse", method: "tools/call",
			params: `{"name":"refuse","arguments":{}}`,
			code:   -32050,
		},
		{
			name: "resources/read weather://Lima/now", method: "resources/read",
			params: `{"uri":"weather://Lima/now"}`,
			want:   `{"cacheScope":"private","contents":[{"uri":"weather://Lima/now","mimeType":"text/plain","text":"Lima"}],"resultType":"complete","ttlMs":0}`,
		},
		{
			name: "prompts/get pack", method: "prompts/get",
			params: `{"name":"pack","arguments":{"city":"Lima"}}`,
			want:   `{"description":"What to pack.","messages":[{"role":"user","content":{"type":"text","text":"Pack for Lima."}}],"resultType":"complete"}`,
		},
	} {
		got, err := client.Do[map[string]any](t.Context(), c, step.method, json.RawMessage(step.params))
		if step.want == "" {
			if refused, ok := errors.AsType[*mcp.Error](err); !ok || refused.Code != step.code {
				t.Errorf("%s: %v, want the error code %d", step.name, err, step.code)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", step.name, err)
			continue
		}
		for _, name := range []string{"_meta", "nextCursor"} { // they differ in each run
			delete(got, name)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(step.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %v, want %v", step.name, got, want)
		}
	}
}
