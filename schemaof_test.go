package mcpengine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// An extension describes and decodes arguments as a tool does.
func TestSchemasOfExtensions(t *testing.T) {
	t.Parallel()
	type room struct {
		Name  string `json:"name" minLength:"1"`
		Limit int    `json:"limit,omitempty" default:"10"`
	}
	in, err := mcpengine.InputSchema[room]()
	if want := `{"type":"object","properties":{"name":{"type":"string","minLength":1},"limit":{"type":"integer","default":10}},"required":["name"],"additionalProperties":false}`; err != nil || string(in) != want {
		t.Errorf("InputSchema = %s, %v, want %s", in, err, want)
	}
	out, err := mcpengine.OutputSchema[[]string]()
	if err != nil || !strings.Contains(string(out), `"type":"array"`) {
		t.Errorf("OutputSchema = %s, %v", out, err)
	}
	if _, err := mcpengine.InputSchema[struct{ C chan int }](); err == nil {
		t.Error("InputSchema of a channel: no error")
	}
	if _, err := mcpengine.DecodeInput[room](t.Context(), nil); err == nil {
		t.Error("DecodeInput outside of a handler: no error")
	}
	e := mcpengine.New("test", quiet())
	mcpengine.AddTool(e, "decode", "", func(ctx context.Context, in struct {
		Text string `json:"text"`
	},
	) (room, error) {
		return mcpengine.DecodeInput[room](ctx, []byte(in.Text))
	})
	for _, test := range []struct{ text, want string }{
		{`{\"name\":\"a\"}`, `"structuredContent":{"name":"a","limit":10}`},
		{`{\"name\":\"\"}`, "name: must have at least 1 character"},
		{`{\"name\":\"a\",\"more\":1}`, "more"},
		{`[]`, "must be an object"},
	} {
		if got := post(t, e, request("tools/call", `"name":"decode","arguments":{"text":"`+test.text+`"}`)).response(); !strings.Contains(got, test.want) {
			t.Errorf("DecodeInput(%s): %s, want %s", test.text, got, test.want)
		}
	}
}
