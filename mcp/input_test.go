package mcp_test

import (
	"encoding/json"
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestInput(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.InputRequiredResult{
				ResultType: mcp.ResultTypeInputRequired,
				InputRequests: mcp.InputRequests{
					"boat":  {Method: mcp.MethodElicitationCreate, Params: json.RawMessage(`{"message":"Which boat?"}`)},
					"roots": {Method: mcp.MethodRootsList},
				},
				RequestState: new("sealed"),
			},
			`{
				"resultType":"input_required",
				"inputRequests":{
					"boat":{"method":"elicitation/create", "params":{"message":"Which boat?"}},
					"roots":{"method":"roots/list"}
				},
				"requestState":"sealed"
			}`,
		},
		{
			mcp.InputResponseRequestParams{
				Meta:           mcp.Meta{"k": "v"},
				InputResponses: mcp.InputResponses{"boat": json.RawMessage(`{"action":"accept","content":{"boat":"Ada"}}`)},
				RequestState:   new("sealed"),
			},
			`{
				"_meta":{"k":"v"},
				"inputResponses":{"boat":{"action":"accept","content":{"boat":"Ada"}}},
				"requestState":"sealed"
			}`,
		},
	})
}

func TestElicitation(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.ElicitRequestFormParams{Message: "Which boat?", RequestedSchema: json.RawMessage(`{"type":"object","properties":{}}`)},
			`{"message":"Which boat?", "requestedSchema":{"type":"object","properties":{}}}`,
		},
		{
			mcp.ElicitRequestFormParams{Mode: mcp.ElicitModeForm, Message: "?", RequestedSchema: json.RawMessage(`{}`)},
			`{"mode":"form", "message":"?", "requestedSchema":{}}`,
		},
		{
			mcp.ElicitRequestURLParams{Mode: mcp.ElicitModeURL, Message: "Sign in.", URL: "https://id.example/"},
			`{"mode":"url", "message":"Sign in.", "url":"https://id.example/"}`,
		},
		{
			mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(`{"boat":"Ada","crew":3}`)},
			`{"action":"accept", "content":{"boat":"Ada","crew":3}}`,
		},
		{mcp.ElicitResult{Action: mcp.ElicitActionDecline}, `{"action":"decline"}`},
		{mcp.ElicitResult{Action: mcp.ElicitActionCancel}, `{"action":"cancel"}`},
	})
}

func TestRoots(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.ListRootsResult{Roots: []mcp.Root{
				{URI: "file:///charts"},
				{URI: "file:///logs", Name: "Logs", Meta: mcp.Meta{"k": "v"}},
			}},
			`{"roots":[{"uri":"file:///charts"}, {"uri":"file:///logs", "name":"Logs", "_meta":{"k":"v"}}]}`,
		},
	})
}

func TestCreateMessage(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.CreateMessageRequestParams{
				Messages: []mcp.SamplingMessage{{
					Role:    mcp.RoleUser,
					Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "Hi"}},
					Meta:    mcp.Meta{"k": "v"},
				}},
				ModelPreferences: &mcp.ModelPreferences{
					Hints:                []mcp.ModelHint{{Name: "small"}, {}},
					CostPriority:         new(0.0),
					SpeedPriority:        new(0.5),
					IntelligencePriority: new(1.0),
				},
				SystemPrompt:   "Be brief.",
				IncludeContext: mcp.IncludeContextNone,
				Temperature:    new(0.0),
				MaxTokens:      100,
				StopSequences:  []string{"END"},
				Metadata:       json.RawMessage(`{"seed":1}`),
				Tools:          []mcp.Tool{{Name: "now", InputSchema: json.RawMessage(`{"type":"object"}`)}},
				ToolChoice:     &mcp.ToolChoice{Mode: mcp.ToolChoiceRequired},
			},
			`{
				"messages":[{"role":"user", "content":{"type":"text", "text":"Hi"}, "_meta":{"k":"v"}}],
				"modelPreferences":{
					"hints":[{"name":"small"}, {}], "costPriority":0, "speedPriority":0.5, "intelligencePriority":1
				},
				"systemPrompt":"Be brief.", "includeContext":"none", "temperature":0, "maxTokens":100,
				"stopSequences":["END"], "metadata":{"seed":1},
				"tools":[{"name":"now", "inputSchema":{"type":"object"}}], "toolChoice":{"mode":"required"}
			}`,
		},
		{
			mcp.CreateMessageResult{
				Role: mcp.RoleAssistant,
				Content: mcp.SamplingMessageContentBlocks{
					mcp.ToolUseContent{ID: "1", Name: "now", Input: json.RawMessage(`{"zone":"UTC"}`), Meta: mcp.Meta{"k": "v"}},
				},
				Model:      "small-1",
				StopReason: mcp.StopReasonToolUse,
				Meta:       mcp.Meta{"k": "v"},
			},
			`{
				"role":"assistant",
				"content":{"type":"tool_use", "id":"1", "name":"now", "input":{"zone":"UTC"}, "_meta":{"k":"v"}},
				"model":"small-1", "stopReason":"toolUse", "_meta":{"k":"v"}
			}`,
		},
	})
}

// One block is an object on the wire, more are an array; both forms decode.
func TestSamplingContent(t *testing.T) {
	t.Parallel()
	one := mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "a"}}
	testRoundTrip(t, []wireForm{
		{mcp.SamplingMessageContentBlocks{}, `[]`},
		{one, `{"type":"text", "text":"a"}`},
		{
			mcp.SamplingMessageContentBlocks{
				mcp.TextContent{Text: "a"},
				mcp.ImageContent{Data: []byte("b"), MIMEType: "image/gif"},
				mcp.AudioContent{Data: []byte("c"), MIMEType: "audio/ogg"},
				mcp.ToolUseContent{ID: "1", Name: "now", Input: json.RawMessage(`{}`)},
				mcp.ToolResultContent{
					ToolUseID:         "1",
					Content:           mcp.ContentBlocks{mcp.TextContent{Text: "noon"}},
					StructuredContent: json.RawMessage(`null`),
					IsError:           true,
					Meta:              mcp.Meta{"k": "v"},
				},
			},
			`[
				{"type":"text", "text":"a"},
				{"type":"image", "data":"Yg==", "mimeType":"image/gif"},
				{"type":"audio", "data":"Yw==", "mimeType":"audio/ogg"},
				{"type":"tool_use", "id":"1", "name":"now", "input":{}},
				{
					"type":"tool_result", "toolUseId":"1", "content":[{"type":"text", "text":"noon"}],
					"structuredContent":null, "isError":true, "_meta":{"k":"v"}
				}
			]`,
		},
	})
	testDecode(t, wireForm{one, `[{"type":"text", "text":"a"}]`})
	testDecode(t, wireForm{mcp.SamplingMessageContentBlocks(nil), `null`})
	testEncode(t, wireForm{mcp.SamplingMessageContentBlocks{&mcp.TextContent{Text: "a"}}, `{"type":"text", "text":"a"}`})
	testEncode(t, wireForm{mcp.ToolUseContent{ID: "1", Name: "now"}, `{"type":"tool_use", "id":"1", "name":"now", "input":{}}`})
	testRefusals(t, []refusal{
		{one, `{"type":"resource_link","uri":"a:","name":"a"}`, `unknown type "resource_link"`},
		{one, `[{"type":"text","text":"a"},{"type":"thinking"}]`, `block 1: unknown type "thinking"`},
		{one, `{"type":"tool_result","toolUseId":"1","content":[{"type":"tool_use"}]}`, `unknown type "tool_use"`},
		{one, `"a"`, `want an array`},
		{one, `[["a"]]`, `block 0: `},
		{mcp.CreateMessageResult{}, `{"content":{"text":"a"}}`, `type is missing`},
	})
}
