package mcp_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestErrorWithData(t *testing.T) {
	t.Parallel()
	plain := mcp.Errorf(7, "no")
	for _, test := range []struct {
		name string
		data any
		want json.RawMessage
	}{
		{"a string keeps what HTML would escape", "<a&b>", json.RawMessage(`"<a&b>"`)},
		{"a struct", struct{ At int }{3}, json.RawMessage(`{"At":3}`)},
		{"raw JSON", json.RawMessage(`[1]`), json.RawMessage(`[1]`)},
		{"what cannot be encoded is left out", func() {}, nil},
	} {
		got := plain.WithData(test.data)
		if diff := cmp.Diff(&mcp.Error{Code: 7, Message: "no", Data: test.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if plain.Data != nil {
		t.Errorf("WithData changed the error: %s", plain.Data)
	}
}

func TestContentBlocksText(t *testing.T) {
	t.Parallel()
	blocks := mcp.ContentBlocks{mcp.TextContent{Text: "a"}, (*mcp.TextContent)(nil), mcp.AudioContent{}, &mcp.TextContent{Text: "b"}}
	if got, want := blocks.Text(), "a\nb"; got != want {
		t.Errorf("Text() = %q, want %q", got, want)
	}
}
