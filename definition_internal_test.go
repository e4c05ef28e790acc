package mcpengine

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/mcp"
)

// Definitions are what encoding/json makes of the types, with no member set
// and with all of them.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	check := func(value any, got []byte, err error) {
		t.Helper()
		want, wantErr := encode(value)
		if err != nil || wantErr != nil {
			t.Fatal(err, wantErr)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("definition (-want +got):\n%s", diff)
		}
	}
	icons := []mcp.Icon{{Src: "https://example.com/<a>.png"}}
	for _, info := range []mcp.Implementation{
		{Name: "", Version: ""},
		{Name: "a", Title: "<b>", Version: "1", Description: "d", WebsiteURL: "https://example.com/?a&b", Icons: icons},
	} {
		got, err := encodeImplementation(info)
		check(info, got, err)
	}
	for _, tool := range []mcp.Tool{
		{Name: "a", InputSchema: []byte(`{"type":"object"}`)},
		{
			Name: "a", Title: "T", Description: "\"d\"", InputSchema: []byte(`{}`), OutputSchema: []byte(`{"a":"<"}`),
			Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}, Icons: icons, Meta: mcp.Meta{"x": 1},
		},
	} {
		got, err := encodeTool(tool)
		check(tool, got, err)
	}
	// A member that these types gain has to be written here too.
	if n := reflect.TypeFor[mcp.Implementation]().NumField(); n != 6 {
		t.Errorf("mcp.Implementation has %d fields, want 6", n)
	}
	if n := reflect.TypeFor[mcp.Tool]().NumField(); n != 8 {
		t.Errorf("mcp.Tool has %d fields, want 8", n)
	}
}

func TestDefinitionThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	if got, err := encodeTool(mcp.Tool{Name: "a", InputSchema: []byte("{}"), Meta: mcp.Meta{"f": func() {}}}); err == nil {
		t.Errorf("encodeTool = %s, want an error", got)
	}
}
