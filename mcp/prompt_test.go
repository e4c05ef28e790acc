package mcp_test

import (
	"encoding/json"
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestPrompts(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.Prompt{Name: "plan"}, `{"name":"plan"}`},
		{
			mcp.ListPromptsResult{
				ResultType: mcp.ResultTypeComplete, TTLMs: 1, CacheScope: mcp.CacheScopePublic,
				Prompts: []mcp.Prompt{{
					Name: "plan", Title: "Plan", Description: "Plan a trip.",
					Arguments: []mcp.PromptArgument{
						{Name: "harbour", Title: "Harbour", Description: "Where to sail from.", Required: true},
						{Name: "day"},
					},
					Icons: []mcp.Icon{{Src: "data:,"}},
					Meta:  mcp.Meta{"k": "v"},
				}},
				NextCursor: new(mcp.Cursor("n")),
			},
			`{
				"resultType":"complete", "ttlMs":1, "cacheScope":"public",
				"prompts":[{
					"name":"plan", "title":"Plan", "description":"Plan a trip.",
					"arguments":[
						{"name":"harbour", "title":"Harbour", "description":"Where to sail from.", "required":true},
						{"name":"day"}
					],
					"icons":[{"src":"data:,"}], "_meta":{"k":"v"}
				}],
				"nextCursor":"n"
			}`,
		},
	})
}

func TestGetPrompt(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.GetPromptRequestParams{
				Meta:           mcp.Meta{"k": "v"},
				Name:           "plan",
				Arguments:      map[string]string{"day": "", "harbour": "Cuxhaven"},
				InputResponses: mcp.InputResponses{"q": json.RawMessage(`{"roots":[]}`)},
				RequestState:   new("sealed"),
			},
			`{
				"_meta":{"k":"v"}, "name":"plan", "arguments":{"day":"", "harbour":"Cuxhaven"},
				"inputResponses":{"q":{"roots":[]}}, "requestState":"sealed"
			}`,
		},
		{
			mcp.GetPromptResult{
				ResultType:  mcp.ResultTypeComplete,
				Description: "A trip.",
				Messages: []mcp.PromptMessage{
					{Role: mcp.RoleUser, Content: mcp.TextContent{Text: "Plan it."}},
					{Role: mcp.RoleAssistant, Content: mcp.ResourceLink{URI: "tide://a", Name: "a"}},
				},
			},
			`{
				"resultType":"complete", "description":"A trip.",
				"messages":[
					{"role":"user", "content":{"type":"text", "text":"Plan it."}},
					{"role":"assistant", "content":{"type":"resource_link", "uri":"tide://a", "name":"a"}}
				]
			}`,
		},
	})
	testRefusals(t, []refusal{
		{mcp.PromptMessage{}, `{"role":"user","content":{"type":"tool_use"}}`, `content: unknown type "tool_use"`},
		{mcp.PromptMessage{}, `{"role":"user","content":{"type":"text","text":7}}`, `content: `},
		{mcp.PromptMessage{}, `{"role":"user","content":[{"type":"text","text":"a"}]}`, `content: `},
		{mcp.PromptMessage{}, `{"role":"user","content":null}`, `content: want an object`},
		{mcp.PromptMessage{}, `{"role":"user"}`, `content is missing`},
		{mcp.PromptMessage{}, `{"role":"user","Content":{"type":"text","text":"a"}}`, `content is missing`},
		{mcp.PromptMessage{}, `{"role":1,"content":{"type":"text","text":"a"}}`, `role: `},
		{mcp.GetPromptResult{}, `{"messages":[null]}`, `want an object, have null`},
	})
}

func TestComplete(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.CompleteRequestParams{
				Meta:     mcp.Meta{"k": "v"},
				Ref:      mcp.PromptReference{Name: "plan", Title: "Plan"},
				Argument: mcp.CompleteArgument{Name: "harbour", Value: "Cu"},
				Context:  &mcp.CompleteContext{Arguments: map[string]string{"day": "Monday"}},
			},
			`{
				"_meta":{"k":"v"},
				"ref":{"type":"ref/prompt", "name":"plan", "title":"Plan"},
				"argument":{"name":"harbour", "value":"Cu"},
				"context":{"arguments":{"day":"Monday"}}
			}`,
		},
		{
			mcp.CompleteRequestParams{
				Ref:      mcp.ResourceTemplateReference{URI: "tide://{harbour}"},
				Argument: mcp.CompleteArgument{Name: "harbour"},
			},
			`{"ref":{"type":"ref/resource", "uri":"tide://{harbour}"}, "argument":{"name":"harbour", "value":""}}`,
		},
		{
			mcp.CompleteResult{
				ResultType: mcp.ResultTypeComplete,
				Completion: mcp.Completion{Values: []string{"Cuxhaven"}, Total: new(int64(2)), HasMore: true},
			},
			`{"resultType":"complete", "completion":{"values":["Cuxhaven"], "total":2, "hasMore":true}}`,
		},
		{
			mcp.CompleteResult{Completion: mcp.Completion{Values: []string{}, Total: new(int64(0))}},
			`{"completion":{"values":[], "total":0}}`,
		},
	})
	testRefusals(t, []refusal{
		{mcp.CompleteRequestParams{}, `{"ref":{"type":"ref/tool","name":"n"}}`, `ref: unknown type "ref/tool"`},
		{mcp.CompleteRequestParams{}, `{"ref":{"type":"ref/prompt","name":7}}`, `ref: `},
		{mcp.CompleteRequestParams{}, `{"ref":null}`, `ref: want an object`},
		{mcp.CompleteRequestParams{}, `{"REF":{"type":"ref/prompt","name":"n"}}`, `ref is missing`},
		{mcp.CompleteRequestParams{}, `{"ref":{"type":"ref/prompt","name":"n"},"argument":7}`, `argument: `},
		{mcp.CompleteRequestParams{}, `{"ref":{"type":"ref/prompt","name":"n"},"context":{"arguments":{"a":1}}}`, `context: `},
		{mcp.CompleteRequestParams{}, `{"ref":{"type":"ref/prompt","name":"n"},"_meta":[]}`, `_meta: `},
		{mcp.CompleteRequestParams{}, `[]`, `decode completion parameters`},
	})
}

func FuzzPromptMessage(f *testing.F) {
	f.Add([]byte(`{"role":"user","content":{"type":"text","text":"a"}}`))
	f.Add([]byte(`{"role":null,"content":{"type":"resource","resource":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first mcp.PromptMessage
		if json.Unmarshal(data, &first) != nil {
			return
		}
		checkStable(t, first)
	})
}

func FuzzCompleteRequestParams(f *testing.F) {
	f.Add([]byte(`{"ref":{"type":"ref/prompt","name":"n"},"argument":{"name":"a","value":"v"}}`))
	f.Add([]byte(`{"ref":{"type":"ref/resource","uri":"u"},"context":{"arguments":null},"_meta":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first mcp.CompleteRequestParams
		if json.Unmarshal(data, &first) != nil {
			return
		}
		checkStable(t, first)
	})
}
