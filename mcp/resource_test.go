package mcp_test

import (
	"encoding/json"
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestResources(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.Resource{URI: "tide://a", Name: "a"}, `{"uri":"tide://a", "name":"a"}`},
		{
			mcp.Resource{
				URI: "tide://a", Name: "a", Title: "A", Description: "Harbour A", MIMEType: "text/csv",
				Annotations: &mcp.Annotations{Priority: new(1.0)},
				Size:        new(int64(4096)),
				Icons:       []mcp.Icon{{Src: "data:,", Theme: mcp.IconThemeLight}},
				Meta:        mcp.Meta{"k": "v"},
			},
			`{
				"uri":"tide://a", "name":"a", "title":"A", "description":"Harbour A", "mimeType":"text/csv",
				"annotations":{"priority":1}, "size":4096, "icons":[{"src":"data:,", "theme":"light"}], "_meta":{"k":"v"}
			}`,
		},
		{
			mcp.ResourceTemplate{
				URITemplate: "tide://{harbour}", Name: "tide", Title: "Tide", Description: "Any harbour", MIMEType: "text/csv",
				Annotations: &mcp.Annotations{Audience: []mcp.Role{mcp.RoleAssistant}},
				Icons:       []mcp.Icon{{Src: "data:,"}},
				Meta:        mcp.Meta{"k": "v"},
			},
			`{
				"uriTemplate":"tide://{harbour}", "name":"tide", "title":"Tide", "description":"Any harbour", "mimeType":"text/csv",
				"annotations":{"audience":["assistant"]}, "icons":[{"src":"data:,"}], "_meta":{"k":"v"}
			}`,
		},
		{
			mcp.ListResourcesResult{
				ResultType: mcp.ResultTypeComplete, TTLMs: 1, CacheScope: mcp.CacheScopePublic,
				Resources: []mcp.Resource{{URI: "tide://a", Name: "a"}}, NextCursor: new(mcp.Cursor("n")),
			},
			`{
				"resultType":"complete", "ttlMs":1, "cacheScope":"public",
				"resources":[{"uri":"tide://a", "name":"a"}], "nextCursor":"n"
			}`,
		},
		{
			mcp.ListResourceTemplatesResult{
				ResultType: mcp.ResultTypeComplete, TTLMs: 1, CacheScope: mcp.CacheScopePublic,
				ResourceTemplates: []mcp.ResourceTemplate{{URITemplate: "a:{b}", Name: "a"}}, NextCursor: new(mcp.Cursor("n")),
			},
			`{
				"resultType":"complete", "ttlMs":1, "cacheScope":"public",
				"resourceTemplates":[{"uriTemplate":"a:{b}", "name":"a"}], "nextCursor":"n"
			}`,
		},
	})
}

func TestResourceContents(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.ResourceContents{URI: "a:", Text: "t"}, `{"uri":"a:", "text":"t"}`},
		{mcp.ResourceContents{URI: "a:"}, `{"uri":"a:", "text":""}`},
		{
			mcp.ResourceContents{URI: "a:", MIMEType: "image/png", Blob: []byte{0xff, 0xfe}, Meta: mcp.Meta{"k": "v"}},
			`{"uri":"a:", "mimeType":"image/png", "blob":"//4=", "_meta":{"k":"v"}}`,
		},
		{mcp.ResourceContents{URI: "a:", Blob: []byte{}}, `{"uri":"a:", "blob":""}`},
	})
	testEncode(t, wireForm{mcp.ResourceContents{URI: "a:", Text: "lost", Blob: []byte("b")}, `{"uri":"a:", "blob":"Yg=="}`})
	// Decoding refuses neither both nor none.
	testDecode(t, wireForm{mcp.ResourceContents{URI: "a:", Text: "t", Blob: []byte("b")}, `{"uri":"a:", "text":"t", "blob":"Yg=="}`})
	testDecode(t, wireForm{mcp.ResourceContents{URI: "a:"}, `{"uri":"a:"}`})
	testRefusals(t, []refusal{
		{mcp.ResourceContents{}, `{"uri":"a:","blob":"Yg"}`, `base64`},
		{mcp.ResourceContents{}, `{"uri":"a:","blob":"_-8="}`, `base64`},
	})
}

func TestReadResource(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.ReadResourceRequestParams{URI: "tide://a"}, `{"uri":"tide://a"}`},
		{
			mcp.ReadResourceRequestParams{
				Meta:           mcp.Meta{"k": "v"},
				URI:            "tide://a",
				InputResponses: mcp.InputResponses{"q": json.RawMessage(`{"action":"cancel"}`)},
				RequestState:   new("sealed"),
			},
			`{"_meta":{"k":"v"}, "uri":"tide://a", "inputResponses":{"q":{"action":"cancel"}}, "requestState":"sealed"}`,
		},
		{
			mcp.ReadResourceResult{
				ResultType: mcp.ResultTypeComplete, TTLMs: 250, CacheScope: mcp.CacheScopePrivate,
				Contents: []mcp.ResourceContents{{URI: "a:", Text: "t"}, {URI: "b:", Blob: []byte("b")}},
			},
			`{
				"resultType":"complete", "ttlMs":250, "cacheScope":"private",
				"contents":[{"uri":"a:", "text":"t"}, {"uri":"b:", "blob":"Yg=="}]
			}`,
		},
	})
}
