package mcp_test

import (
	"encoding/json"
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestParamsAndResults(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.RequestParams{}, `{}`},
		{
			mcp.RequestParams{Meta: mcp.Meta{mcp.MetaProtocolVersion: "2026-07-28"}},
			`{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`,
		},
		{mcp.NotificationParams{Meta: mcp.Meta{mcp.MetaTraceState: "a=b"}}, `{"_meta":{"tracestate":"a=b"}}`},
		{mcp.PaginatedRequestParams{}, `{}`},
		{mcp.PaginatedRequestParams{Cursor: new(mcp.Cursor("p2"))}, `{"cursor":"p2"}`},
		{mcp.EmptyResult{ResultType: mcp.ResultTypeComplete}, `{"resultType":"complete"}`},
		{mcp.Result{}, `{}`},
	})
}

// An empty cursor is a cursor (pagination, "Implementation Guidelines"), and
// an empty request state has to come back as it went out.
func TestEmptyIsNotAbsent(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.PaginatedRequestParams{Cursor: new(mcp.Cursor(""))}, `{"cursor":""}`},
		{
			mcp.ListToolsResult{CacheScope: mcp.CacheScopePublic, Tools: []mcp.Tool{}, NextCursor: new(mcp.Cursor(""))},
			`{"ttlMs":0, "cacheScope":"public", "tools":[], "nextCursor":""}`,
		},
		{mcp.InputRequiredResult{RequestState: new("")}, `{"requestState":""}`},
		{
			mcp.CallToolRequestParams{Name: "n", InputResponses: mcp.InputResponses{}, RequestState: new("")},
			`{"name":"n", "inputResponses":{}, "requestState":""}`,
		},
	})
}

func TestRequiredListsAreNeverNull(t *testing.T) {
	t.Parallel()
	const private = mcp.CacheScopePrivate
	for _, form := range []wireForm{
		{mcp.ListToolsResult{CacheScope: private}, `{"ttlMs":0, "cacheScope":"private", "tools":[]}`},
		{mcp.ListResourcesResult{CacheScope: private}, `{"ttlMs":0, "cacheScope":"private", "resources":[]}`},
		{mcp.ListResourceTemplatesResult{CacheScope: private}, `{"ttlMs":0, "cacheScope":"private", "resourceTemplates":[]}`},
		{mcp.ListPromptsResult{CacheScope: private}, `{"ttlMs":0, "cacheScope":"private", "prompts":[]}`},
		{mcp.ReadResourceResult{CacheScope: private}, `{"ttlMs":0, "cacheScope":"private", "contents":[]}`},
		{mcp.DiscoverResult{CacheScope: private}, `{"ttlMs":0, "cacheScope":"private", "supportedVersions":[], "capabilities":{}}`},
		{mcp.CallToolResult{}, `{"content":[]}`},
		{mcp.GetPromptResult{}, `{"messages":[]}`},
		{mcp.CompleteResult{}, `{"completion":{"values":[]}}`},
		{mcp.CreateMessageRequestParams{}, `{"messages":[], "maxTokens":0}`},
		{mcp.SamplingMessage{Role: mcp.RoleUser}, `{"role":"user", "content":[]}`},
		{mcp.CreateMessageResult{Role: mcp.RoleUser}, `{"role":"user", "content":[], "model":""}`},
		{mcp.ToolResultContent{}, `{"type":"tool_result", "toolUseId":"", "content":[]}`},
		{mcp.ListRootsResult{}, `{"roots":[]}`},
		{mcp.UnsupportedProtocolVersionData{}, `{"supported":[], "requested":""}`},
	} {
		testEncode(t, form)
	}
}

func TestRequestMetaObject(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.RequestMetaObject{
				ProtocolVersion:    mcp.LatestProtocolVersion,
				ClientCapabilities: &mcp.ClientCapabilities{},
				ClientInfo:         &mcp.Implementation{Name: "shore", Version: "2"},
				LogLevel:           mcp.LoggingLevelNotice,
				ProgressToken:      mcp.IntegerID(9),
			},
			`{
				"io.modelcontextprotocol/protocolVersion":"2026-07-28",
				"io.modelcontextprotocol/clientCapabilities":{},
				"io.modelcontextprotocol/clientInfo":{"name":"shore", "version":"2"},
				"io.modelcontextprotocol/logLevel":"notice",
				"progressToken":9
			}`,
		},
		{mcp.RequestMetaObject{}, `{"io.modelcontextprotocol/protocolVersion":""}`},
	})
	// The keys are written out in the type's tags and in the constants.
	all, err := json.Marshal(mcp.RequestMetaObject{
		ClientCapabilities: &mcp.ClientCapabilities{},
		ClientInfo:         &mcp.Implementation{},
		LogLevel:           mcp.LoggingLevelDebug,
		ProgressToken:      mcp.StringID("t"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(all, &members); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		mcp.MetaProtocolVersion, mcp.MetaClientCapabilities, mcp.MetaClientInfo, mcp.MetaLogLevel, mcp.MetaProgressToken,
	} {
		if _, ok := members[key]; !ok {
			t.Errorf("RequestMetaObject has no member %q", key)
		}
	}
}

func TestDiscoverResult(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.DiscoverResult{
				Meta: mcp.Meta{mcp.MetaServerInfo: map[string]any{"name": "tides", "version": "1.0.0"}},

				ResultType:        mcp.ResultTypeComplete,
				TTLMs:             60_000,
				CacheScope:        mcp.CacheScopePublic,
				SupportedVersions: []string{"2026-07-28", "2025-11-25"},
				Capabilities: mcp.ServerCapabilities{
					Tools:        &mcp.ToolsCapability{ListChanged: true},
					Resources:    &mcp.ResourcesCapability{Subscribe: true, ListChanged: true},
					Prompts:      &mcp.PromptsCapability{ListChanged: true},
					Completions:  mcp.JSONObject{},
					Logging:      mcp.JSONObject{},
					Extensions:   map[string]json.RawMessage{"org.example/maps": json.RawMessage(`{"zoom":3}`)},
					Experimental: map[string]json.RawMessage{"surf": json.RawMessage(`{}`)},
				},
				Instructions: "Ask for one harbour at a time.",
			},
			`{
				"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"tides", "version":"1.0.0"}},
				"resultType":"complete", "ttlMs":60000, "cacheScope":"public",
				"supportedVersions":["2026-07-28","2025-11-25"],
				"capabilities":{
					"tools":{"listChanged":true},
					"resources":{"subscribe":true, "listChanged":true},
					"prompts":{"listChanged":true},
					"completions":{}, "logging":{},
					"extensions":{"org.example/maps":{"zoom":3}},
					"experimental":{"surf":{}}
				},
				"instructions":"Ask for one harbour at a time."
			}`,
		},
		{
			mcp.ServerCapabilities{Tools: &mcp.ToolsCapability{}, Resources: &mcp.ResourcesCapability{}, Prompts: &mcp.PromptsCapability{}},
			`{"tools":{}, "resources":{}, "prompts":{}}`,
		},
	})
}

func TestClientCapabilities(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.ClientCapabilities{}, `{}`},
		{
			mcp.ClientCapabilities{
				Elicitation: &mcp.ElicitationCapability{},
				Sampling:    &mcp.SamplingCapability{},
				Roots:       &mcp.RootsCapability{},
			},
			`{"elicitation":{}, "sampling":{}, "roots":{}}`,
		},
		{
			mcp.ClientCapabilities{
				Elicitation: &mcp.ElicitationCapability{Form: mcp.JSONObject{}, URL: mcp.JSONObject{}},
				Sampling: &mcp.SamplingCapability{
					Context: mcp.JSONObject{},
					Tools:   mcp.JSONObject{"max": json.RawMessage(`4`)},
				},
				Extensions:   map[string]json.RawMessage{"org.example/maps": json.RawMessage(`{}`)},
				Experimental: map[string]json.RawMessage{"surf": json.RawMessage(`{}`)},
			},
			`{
				"elicitation":{"form":{}, "url":{}},
				"sampling":{"context":{}, "tools":{"max":4}},
				"extensions":{"org.example/maps":{}},
				"experimental":{"surf":{}}
			}`,
		},
	})
	testDecode(t, wireForm{
		mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapability{}, Roots: &mcp.RootsCapability{}},
		`{"elicitation":{"form":null}, "roots":{"listChanged":true}, "unheardOf":{}}`,
	})
	testRefusals(t, []refusal{
		{mcp.ClientCapabilities{}, `{"elicitation":true}`, `elicitation`},
		{mcp.ClientCapabilities{}, `{"sampling":{"tools":true}}`, `tools`},
	})
}

func TestImplementation(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.Implementation{Name: "tides", Version: "1.0.0"}, `{"name":"tides", "version":"1.0.0"}`},
		{
			mcp.Implementation{
				Name: "tides", Title: "Tide tables", Version: "1.0.0",
				Description: "High and low water.", WebsiteURL: "https://tides.example",
				Icons: []mcp.Icon{
					{Src: "https://tides.example/i.png"},
					{Src: "data:,", MIMEType: "image/svg+xml", Sizes: []string{"48x48", "any"}, Theme: mcp.IconThemeDark},
				},
			},
			`{
				"name":"tides", "title":"Tide tables", "version":"1.0.0",
				"description":"High and low water.", "websiteUrl":"https://tides.example",
				"icons":[
					{"src":"https://tides.example/i.png"},
					{"src":"data:,", "mimeType":"image/svg+xml", "sizes":["48x48","any"], "theme":"dark"}
				]
			}`,
		},
	})
}

func TestErrorData(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.UnsupportedProtocolVersionData{Supported: []string{"2026-07-28"}, Requested: "1999-01-01"},
			`{"supported":["2026-07-28"], "requested":"1999-01-01"}`,
		},
		{
			mcp.MissingRequiredClientCapabilityData{RequiredCapabilities: mcp.ClientCapabilities{
				Elicitation: &mcp.ElicitationCapability{URL: mcp.JSONObject{}},
			}},
			`{"requiredCapabilities":{"elicitation":{"url":{}}}}`,
		},
	})
}
