package peer_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/peer"
)

func TestParseMirror(t *testing.T) {
	t.Parallel()
	property := func(schema string) string { return `{"properties":{"a":` + schema + `}}` }
	for _, test := range []struct{ schema, want string }{
		{`{}`, ""},
		{`true`, ""},
		{property(`{"type":"string","x-mcp-header":"Region"}`), ""},
		{property(`{"type":"integer","x-mcp-header":"a-1"}`), ""},
		{property(`{"properties":{"b":{"type":"boolean","x-mcp-header":"B"}}}`), ""},
		{`{"properties":{"x-mcp-header":{"type":"string"}}}`, ""},
		{property(`{"default":{"x-mcp-header":""}}`), ""},
		{property(`{"$ref":"https://elsewhere.example/schema"}`), ""},
		{property(`{"type":"string","x-mcp-header":""}`), "field name"},
		{property(`{"type":"string","x-mcp-header":"a b"}`), "field name"},
		{property(`{"type":"string","x-mcp-header":"a:b"}`), "field name"},
		{property(`{"type":"string","x-mcp-header":"é"}`), "field name"},
		{property(`{"type":"string","x-mcp-header":"a\r\nb"}`), "field name"},
		{property(`{"type":"string","x-mcp-header":7}`), "must be a string"},
		{property(`{"type":"number","x-mcp-header":"A"}`), "of type"},
		{property(`{"type":"object","x-mcp-header":"A"}`), "of type"},
		{property(`{"x-mcp-header":"A"}`), "of type"},
		{`{"type":"string","x-mcp-header":"A"}`, "properties alone"},
		{property(`{"items":{"type":"string","x-mcp-header":"A"}}`), "properties alone"},
		{`{"anyOf":[` + property(`{"type":"string","x-mcp-header":"A"}`) + `]}`, "properties alone"},
		{`{"$defs":{"a":{"type":"string","x-mcp-header":"A"}}}`, "properties alone"},
		{`{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}}`, "twice"},
		{strings.Repeat(`{"not":`, 70) + `{}` + strings.Repeat(`}`, 70), "levels deep"},
	} {
		_, err := peer.ParseMirror([]byte(test.schema))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("ParseMirror(%.80s): %v, want %q", test.schema, err, test.want)
		}
	}
}

func FuzzParseMirror(f *testing.F) {
	f.Add(`{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}`)
	f.Fuzz(func(_ *testing.T, schema string) { _, _ = peer.ParseMirror([]byte(schema)) })
}

func TestEncodeValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"us-west1":           "us-west1",
		"a\tb":               "=?base64?YQli?=",
		"":                   "",
		"Hello, 世界":          "=?base64?SGVsbG8sIOS4lueVjA==?=",
		" padded ":           "=?base64?IHBhZGRlZCA=?=",
		"line1\nline2":       "=?base64?bGluZTEKbGluZTI=?=",
		"=?base64?literal?=": "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=",
	} {
		if got := peer.EncodeValue(text); got != want {
			t.Errorf("EncodeValue(%q) = %q, want %q", text, got, want)
		}
	}
}
