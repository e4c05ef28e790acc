package apps_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/ext/apps"
	"github.com/mcpengine/mcpengine/mcp"
)

var update = flag.Bool("update", false, "rewrite the files of testdata")

func tool(name, input, output string) mcp.Tool {
	t := mcp.Tool{Name: name, Description: "Does it. */", InputSchema: json.RawMessage(input)}
	if output != "" {
		t.OutputSchema = json.RawMessage(output)
	}
	return t
}

// Every keyword that TypeScript has a type for. The file is checked by the
// compiler too, in test/apps.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	const empty = `{"type":"object","additionalProperties":false}`
	tools := []mcp.Tool{
		tool("get_messages", empty, `{"type":"object","required":["messages","next-page"],"properties":{
			"messages":{"type":"array","items":{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]},"description":"newest\n first"},
			"next-page":{"type":["string","null"]},"extra":{}}}`),
		tool("unions", `{"type":"object","properties":{
			"a":{"anyOf":[{"type":"string"},{"type":"number"},{"type":"string"}]},
			"b":{"allOf":[{"$ref":"#/$defs/node"},{"type":"object","properties":{"x":{"const":null}}}]},
			"c":{"enum":["a|b",1,null,true]},
			"d":{"type":"array","items":{"oneOf":[{"type":"string"},{"type":"boolean"}]}},
			"e":{"type":"array","prefixItems":[{"type":"string"},{"type":["number","null"]}],"items":false},
			"f":{"type":"array","prefixItems":[{"type":"string"}]},
			"g":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}}},
			"h":{"type":"object","properties":{"x":{"type":"string"}},"additionalProperties":{"type":"number"}},
			"i":false,"j":true,"k":{"$ref":"https://a.example/schema"},"l":{"enum":[[1]]},"m":{"properties":{"x":{}}}
			},"$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"},"root":{"$ref":"#"}}}}}`, ""),
		tool("number", empty, `{"type":"integer"}`),
		tool("list-all", empty, `{"type":"array","items":{"$ref":"#/$defs/item"},"$defs":{"item":{"type":"string"}}}`),
		tool("3d", empty, `true`),
	}
	got, err := apps.Declarations(tools)
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/tools.d.ts"
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("Declarations (-want +got):\n%s", diff)
	}
}

// Names of tools that TypeScript cannot tell apart are an error that names both.
func TestDeclarationsCollide(t *testing.T) {
	t.Parallel()
	for _, tools := range [][]mcp.Tool{
		{tool("get_it", `{}`, ""), tool("get-it", `{}`, "")},
		{tool("get", `{`, "")},
	} {
		if got, err := apps.Declarations(tools); err == nil {
			t.Errorf("Declarations = %s, want an error", got)
		}
	}
	_, err := apps.Declarations([]mcp.Tool{tool("get_it", `{}`, ""), tool("get-it", `{}`, "")})
	if want := "declare the arguments of get-it: the name GetItArguments is taken by"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Declarations = %v, want %s…", err, want)
	}
}
