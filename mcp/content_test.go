package mcp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestContentBlocks(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{
			mcp.TextContent{Text: "Low tide at noon."},
			`{"type":"text", "text":"Low tide at noon."}`,
		},
		{
			mcp.TextContent{
				Annotations: &mcp.Annotations{
					Audience:     []mcp.Role{mcp.RoleUser, mcp.RoleAssistant},
					Priority:     new(0.0),
					LastModified: "2026-08-01T06:00:00Z",
				},
				Meta: mcp.Meta{"example.org/page": "3"},
			},
			`{"type":"text", "text":"", "annotations":{
				"audience":["user","assistant"], "priority":0, "lastModified":"2026-08-01T06:00:00Z"
			}, "_meta":{"example.org/page":"3"}}`,
		},
		{
			mcp.ImageContent{Data: []byte("\x89PNG"), MIMEType: "image/png"},
			`{"type":"image", "data":"iVBORw==", "mimeType":"image/png"}`,
		},
		{
			mcp.ImageContent{Data: []byte{}, MIMEType: "image/png", Annotations: &mcp.Annotations{}, Meta: mcp.Meta{}},
			`{"type":"image", "data":"", "mimeType":"image/png", "annotations":{}, "_meta":{}}`,
		},
		{
			mcp.AudioContent{Data: []byte("\xfb\xff\xfe"), MIMEType: "audio/wav"},
			`{"type":"audio", "data":"+//+", "mimeType":"audio/wav"}`,
		},
		{
			mcp.ResourceLink{URI: "tide://cuxhaven", Name: "cuxhaven", Size: new(int64(0))},
			`{"type":"resource_link", "uri":"tide://cuxhaven", "name":"cuxhaven", "size":0}`,
		},
		{
			mcp.EmbeddedResource{Resource: mcp.ResourceContents{URI: "tide://cuxhaven", Text: "3.1 m"}},
			`{"type":"resource", "resource":{"uri":"tide://cuxhaven", "text":"3.1 m"}}`,
		},
	})
}

func TestContentWithoutData(t *testing.T) {
	t.Parallel()
	for _, form := range []wireForm{
		{mcp.ImageContent{MIMEType: "image/png"}, `{"type":"image", "data":"", "mimeType":"image/png"}`},
		{mcp.AudioContent{MIMEType: "audio/wav"}, `{"type":"audio", "data":"", "mimeType":"audio/wav"}`},
	} {
		testEncode(t, form)
	}
}

func TestContentListDecodesByType(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.ContentBlocks{}, `[]`},
		{
			mcp.ContentBlocks{
				mcp.TextContent{Text: "a"},
				mcp.ImageContent{Data: []byte("b"), MIMEType: "image/gif"},
				mcp.AudioContent{Data: []byte("c"), MIMEType: "audio/ogg"},
				mcp.ResourceLink{URI: "d:", Name: "d"},
				mcp.EmbeddedResource{Resource: mcp.ResourceContents{URI: "e:", Blob: []byte("e")}},
			},
			`[
				{"type":"text", "text":"a"},
				{"type":"image", "data":"Yg==", "mimeType":"image/gif"},
				{"type":"audio", "data":"Yw==", "mimeType":"audio/ogg"},
				{"type":"resource_link", "uri":"d:", "name":"d"},
				{"type":"resource", "resource":{"uri":"e:", "blob":"ZQ=="}}
			]`,
		},
	})
	testEncode(t, wireForm{mcp.ContentBlocks(nil), `[]`})
	testEncode(t, wireForm{mcp.ContentBlocks{&mcp.TextContent{Text: "by pointer"}}, `[{"type":"text", "text":"by pointer"}]`})
	testDecode(t, wireForm{mcp.ContentBlocks(nil), `null`})
	testDecode(t, wireForm{mcp.ContentBlocks{mcp.TextContent{Text: "x"}}, `[{"text":"x", "later":true, "type":"text"}]`})
}

func TestContentListRefusals(t *testing.T) {
	t.Parallel()
	var blocks mcp.ContentBlocks
	testRefusals(t, []refusal{
		{blocks, `[{"type":"text","text":"a"},{"type":"video"}]`, `block 1: unknown type "video"`},
		{blocks, `[{"type":"tool_use","id":"1","name":"n","input":{}}]`, `unknown type "tool_use"`},
		{blocks, `[{"text":"a"}]`, `type is missing`},
		{blocks, `[{"Type":"text","text":"a"}]`, `type is missing`},
		{blocks, `[{"type":7}]`, `type: `},
		{blocks, `[null]`, `want an object, have null`},
		{blocks, `["text"]`, `block 0: `},
		{blocks, `{"type":"text","text":"a"}`, `want an array`},
		{blocks, `"text"`, `want an array`},
		{blocks, `[{"type":"image","data":"not base64!","mimeType":"image/png"}]`, `illegal base64 data`},
		{blocks, `[{"type":"text","text":7}]`, `block 0: `},
		{blocks, `[{"type":"` + strings.Repeat("x", 1000) + `"}]`, `unknown type "` + strings.Repeat("x", 64) + `"`},
	})
}

func TestNilContentBlockDoesNotEncode(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		mcp.ContentBlocks{mcp.TextContent{}, nil},
		mcp.SamplingMessageContentBlocks{nil},
		mcp.CallToolResult{Content: mcp.ContentBlocks{nil}},
	} {
		for _, c := range codecs {
			if data, err := c.marshal(v); err == nil {
				t.Errorf("%s: encode %#v = %s, want an error", c.name, v, data)
			}
		}
	}
}

// Text with characters that encoding/json escapes for HTML means the same in
// either form.
func TestTextKeepsItsCharacters(t *testing.T) {
	t.Parallel()
	want := mcp.ContentBlocks{mcp.TextContent{Text: "<b> & \u2028 \"é\" 🌊"}}
	for _, c := range codecs {
		data, err := c.marshal(want)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got mcp.ContentBlocks
		if err := c.unmarshal(data, &got); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", c.name, diff)
		}
	}
}

// Whatever decodes also encodes, to something that decodes to the same.
func FuzzContentBlocks(f *testing.F) {
	f.Add([]byte(`[{"type":"text","text":"a","annotations":{"audience":["user"],"priority":0.5}}]`))
	f.Add([]byte(`[{"type":"image","data":"Yg==","mimeType":"image/gif"},{"type":"audio","data":"","mimeType":""}]`))
	f.Add([]byte(`[{"type":"resource_link","uri":"d:","name":"d","size":1,"icons":[{"src":"s","sizes":[]}]}]`))
	f.Add([]byte(`[{"type":"resource","resource":{"uri":"e:","blob":"ZQ=="},"_meta":{"k":[1,null]}}]`))
	f.Add([]byte(`[null,{"type":"video"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first mcp.ContentBlocks
		if json.Unmarshal(data, &first) != nil {
			return
		}
		checkStable(t, first)
	})
}

func FuzzSamplingMessageContentBlocks(f *testing.F) {
	f.Add([]byte(`{"type":"text","text":"a"}`))
	f.Add([]byte(`[{"type":"tool_use","id":"1","name":"n","input":{"a":1}},{"type":"audio","data":"","mimeType":""}]`))
	f.Add([]byte(`[{"type":"tool_result","toolUseId":"1","content":[{"type":"text","text":""}],"structuredContent":null}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first mcp.SamplingMessageContentBlocks
		if json.Unmarshal(data, &first) != nil {
			return
		}
		checkStable(t, first)
	})
}

// checkStable encodes first, decodes that, and encodes the outcome again: both
// encodings have to be the same. (The Go values need not be: null and an absent
// member decode alike.)
func checkStable[T any](t *testing.T, first T) {
	t.Helper()
	encoded, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("encode %#v: %v", first, err)
	}
	var second T
	if err := json.Unmarshal(encoded, &second); err != nil {
		t.Fatalf("decode %s: %v", encoded, err)
	}
	again, err := json.Marshal(second)
	if err != nil {
		t.Fatalf("encode %#v: %v", second, err)
	}
	if diff := cmp.Diff(string(encoded), string(again)); diff != "" {
		t.Errorf("second encoding differs (-first +second):\n%s", diff)
	}
}
