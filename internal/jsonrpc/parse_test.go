package jsonrpc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Paris"},` +
	`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},` +
	`"io.modelcontextprotocol/clientCapabilities":{}}}}`

func TestParseKeepsThreeLevels(t *testing.T) {
	var r jsonrpc.Request
	if err := r.Parse([]byte(call)); err != nil {
		t.Fatal(err)
	}
	if got := string(r.ID); got != "1" {
		t.Errorf("ID = %s, want 1", got)
	}
	if r.Method != "tools/call" || r.IsNotification() || !r.HasMeta {
		t.Errorf("Parse = %+v", r)
	}
	for name, want := range map[string]string{
		"name":      `"get_weather"`,
		"arguments": `{"city":"Paris"}`,
	} {
		if got := string(r.Params.Get(name)); got != want {
			t.Errorf("Params.Get(%q) = %s, want %s", name, got, want)
		}
	}
	if got := string(r.Meta.Get("io.modelcontextprotocol/protocolVersion")); got != `"2026-07-28"` {
		t.Errorf("protocolVersion = %s", got)
	}
	if got := r.Meta.Get("absent"); got != nil {
		t.Errorf("Get(absent) = %s, want nil", got)
	}
}

// A method is what its string stands for, however that is written.
func TestParseMethod(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"tools/call", "tools/list", "resources/read", "prompts/get", "ping"} {
		for _, written := range []string{want, strings.ReplaceAll(want, "/", `\/`), fmt.Sprintf(`\u%04x`, want[0]) + want[1:]} {
			var r jsonrpc.Request
			if err := r.Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"` + written + `"}`)); err != nil || r.Method != want {
				t.Errorf("Parse: method %s = %q, %v, want %q", written, r.Method, err, want)
			}
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for name, text := range map[string]string{
		"no params":                 `{"jsonrpc":"2.0","id":1,"method":"m"}`,
		"string id":                 `{"jsonrpc":"2.0","id":"a","method":"m"}`,
		"negative id":               `{"jsonrpc":"2.0","id":-7,"method":"m"}`,
		"notification":              `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`,
		"white space":               " \t\r\n{ \"jsonrpc\" : \"2.0\" , \"id\" : 1 , \"method\" : \"m\" , \"params\" : { } } \n",
		"any order":                 `{"params":{"_meta":{}},"method":"m","id":1,"jsonrpc":"2.0"}`,
		"unknown member":            `{"jsonrpc":"2.0","id":1,"method":"m","extension":[1,{"a":null}]}`,
		"escaped names":             `{"jsonrpc":"2.0","id":1,"\u006dethod":"m"}`,
		"escapes":                   `{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"}}`,
		"numbers":                   `{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[0,-0,1.5,-1e9,1E+2,12.5e-3,9007199254740993]}}`,
		"names equal in two levels": `{"jsonrpc":"2.0","id":1,"method":"m","params":{"id":2,"a":{"a":{"a":1}}}}`,
		"case differs in arguments": `{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":{"Name":1,"name":2}}}`,
		"depth 128":                 `{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":` + strings.Repeat("[", 126) + strings.Repeat("]", 126) + `}}`,
		"many names":                `{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"11":1}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var r jsonrpc.Request
			if err := r.Parse([]byte(text)); err != nil {
				t.Errorf("Parse: %v", err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const parse, invalid, params = mcp.CodeParseError, mcp.CodeInvalidRequest, mcp.CodeInvalidParams
	wrap := func(params string) string { return `{"jsonrpc":"2.0","id":1,"method":"m","params":` + params + `}` }
	for _, test := range []struct {
		name, text string
		code       int
		message    string // a part of it
		id         string
	}{
		{"nothing", ``, parse, "unexpected end", ""},
		{"blank", "  \n", parse, "unexpected end", ""},
		{"not JSON", `hello`, parse, "want a value", ""},
		{"byte order mark", "\ufeff" + call, parse, "want a value", ""},
		{"cut", call[:50], parse, "unexpected end", "1"},
		{"trailing comma", wrap(`{"a":1,}`), parse, "want a name", "1"},
		{"trailing comma in array", wrap(`{"a":[1,]}`), parse, "want a value", "1"},
		{"single quotes", `{'jsonrpc':'2.0'}`, parse, "want a name", ""},
		{"comment", `{/* */"jsonrpc":"2.0"}`, parse, "want a name", ""},
		{"no colon", `{"jsonrpc" "2.0"}`, parse, "want ':'", ""},
		{"two values", call + call, parse, "goes on", ""},
		{"trailing text", call + "x", parse, "goes on", "1"},
		{"NaN", wrap(`{"a":NaN}`), parse, "want a value", "1"},
		{"leading zero", wrap(`{"a":01}`), parse, "want ',' or '}'", "1"},
		{"bare minus", wrap(`{"a":-}`), parse, "want a digit", "1"},
		{"bare fraction", wrap(`{"a":1.}`), parse, "want a digit", "1"},
		{"bare exponent", wrap(`{"a":1e}`), parse, "want a digit", "1"},
		{"plus sign", wrap(`{"a":+1}`), parse, "want a value", "1"},
		{"hexadecimal", wrap(`{"a":0x10}`), parse, "want ',' or '}'", "1"},
		{"short true", wrap(`{"a":tru}`), parse, "want true", "1"},
		{"capital true", wrap(`{"a":True}`), parse, "want a value", "1"},
		{"control character", wrap("{\"a\":\"\n\"}"), parse, "control character", "1"},
		{"NUL", wrap("{\"a\":\"\x00\"}"), parse, "control character", "1"},
		{"invalid UTF-8", wrap("{\"a\":\"\xff\"}"), parse, "invalid UTF-8", "1"},
		{"overlong UTF-8", wrap("{\"a\":\"\xc0\xaf\"}"), parse, "invalid UTF-8", "1"},
		{"UTF-8 surrogate", wrap("{\"a\":\"\xed\xa0\x80\"}"), parse, "invalid UTF-8", "1"},
		{"invalid escape", wrap(`{"a":"\x41"}`), parse, "invalid escape", "1"},
		{"short escape", wrap(`{"a":"\u00"}`), parse, "invalid escape", "1"},
		{"lone high surrogate", wrap(`{"a":"\ud800"}`), parse, "unpaired surrogate", "1"},
		{"lone low surrogate", wrap(`{"a":"\udc00"}`), parse, "unpaired surrogate", "1"},
		{"swapped surrogates", wrap(`{"a":"\udc00\ud800"}`), parse, "unpaired surrogate", "1"},
		{"duplicate method", `{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}`, parse, "duplicate name", ""},
		{"duplicate params", `{"jsonrpc":"2.0","id":1,"method":"a","params":{},"params":{}}`, parse, "duplicate name", "1"},
		{"duplicate name", wrap(`{"name":"a","name":"b"}`), parse, "duplicate name", "1"},
		{"duplicate by escape", wrap(`{"name":"a","\u006eame":"b"}`), parse, "duplicate name", "1"},
		{"duplicate in _meta", wrap(`{"_meta":{"a":1,"a":2}}`), parse, "duplicate name", "1"},
		{"duplicate argument", wrap(`{"arguments":{"x":[{"a":1,"a":2}]}}`), parse, "duplicate name", "1"},
		{"duplicate of many", wrap(`{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"1":1}`), parse, "duplicate name", "1"},
		{"late duplicate of many", wrap(`{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"10":1}`), parse, "duplicate name", "1"},
		{"too deep", wrap(`{"a":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`), parse, "levels deep", "1"},
		{"far too deep", strings.Repeat(`{"a":`, 100_000), parse, "levels deep", ""},
		{"batch", `[` + call + `]`, invalid, "batches", ""},
		{"empty batch", `[]`, invalid, "batches", ""},
		{"bad batch", `[`, parse, "unexpected end", ""},
		{"string", `"hello"`, invalid, "JSON object", ""},
		{"null", `null`, invalid, "JSON object", ""},
		{"empty object", `{}`, invalid, `jsonrpc must be "2.0"`, ""},
		{"jsonrpc 1.0", `{"jsonrpc":"1.0","id":1,"method":"m"}`, invalid, `jsonrpc must be "2.0"`, "1"},
		{"jsonrpc number", `{"jsonrpc":2.0,"id":1,"method":"m"}`, invalid, `jsonrpc must be "2.0"`, "1"},
		{"no jsonrpc", `{"id":1,"method":"m"}`, invalid, `jsonrpc must be "2.0"`, "1"},
		{"no method", `{"jsonrpc":"2.0","id":1}`, invalid, "method", "1"},
		{"empty method", `{"jsonrpc":"2.0","id":1,"method":""}`, invalid, "method", "1"},
		{"method number", `{"jsonrpc":"2.0","id":1,"method":1}`, invalid, "method", "1"},
		{"method null", `{"jsonrpc":"2.0","id":1,"method":null}`, invalid, "method", "1"},
		{"id null", `{"jsonrpc":"2.0","id":null,"method":"m"}`, invalid, "id must be", ""},
		{"id fraction", `{"jsonrpc":"2.0","id":1.5,"method":"m"}`, invalid, "id must be", ""},
		{"id exponent", `{"jsonrpc":"2.0","id":1e3,"method":"m"}`, invalid, "id must be", ""},
		{"id true", `{"jsonrpc":"2.0","id":true,"method":"m"}`, invalid, "id must be", ""},
		{"id object", `{"jsonrpc":"2.0","id":{},"method":"m"}`, invalid, "id must be", ""},
		{"id array", `{"jsonrpc":"2.0","id":[1],"method":"m"}`, invalid, "id must be", ""},
		{"id too long", `{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 255) + `","method":"m"}`, invalid, "id must be", ""},
		{"params array", wrap(`[1]`), invalid, "params must be an object", "1"},
		{"params string", wrap(`"x"`), invalid, "params must be an object", "1"},
		{"_meta array", wrap(`{"_meta":[]}`), params, "_meta must be an object", "1"},
		{"Method", `{"jsonrpc":"2.0","id":1,"Method":"m","method":"m"}`, invalid, `differs from "method" by case`, "1"},
		{"ID", `{"jsonrpc":"2.0","ID":1,"method":"m"}`, invalid, `differs from "id" by case`, ""},
		{"Name", wrap(`{"Name":"a"}`), invalid, `differs from "name" by case`, "1"},
		{"Kelvin sign", wrap("{\"progressTo\u212aen\":1,\"_meta\":{\"progressTo\u212aen\":1}}"), invalid, `differs from "progressToken" by case`, "1"},
		{"meta case", wrap(`{"_meta":{"io.modelcontextprotocol/ProtocolVersion":"x"}}`), invalid, "by case", "1"},
		{"response", `{"jsonrpc":"2.0","id":1,"result":{}}`, invalid, "is a response", "1"},
		{"error response", `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}`, invalid, "is a response", "1"},
		{"request and response", `{"jsonrpc":"2.0","id":1,"method":"m","result":{}}`, invalid, "is a response", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r jsonrpc.Request
			err := r.Parse([]byte(test.text))
			if err == nil {
				t.Fatal("Parse accepts it")
			}
			if err.Code != test.code || !strings.Contains(err.Message, test.message) {
				t.Errorf("Parse: %d %q, want %d %q", err.Code, err.Message, test.code, test.message)
			}
			if got := string(r.ID); got != test.id {
				t.Errorf("ID = %s, want %s", got, test.id)
			}
		})
	}
}

// Many clients write null for what they leave out.
func TestNullIsAbsent(t *testing.T) {
	t.Parallel()
	for _, params := range []string{`null`, `{"_meta":null}`, `{"arguments":null,"cursor":null}`, `{"_meta":{"progressToken":null,"x":null}}`} {
		var r jsonrpc.Request
		if err := r.Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"m","params":` + params + `}`)); err != nil {
			t.Errorf("Parse(%s): %v", params, err)
		}
		if len(r.Params) != 0 && string(r.Params[0].Name) != "_meta" || len(r.Meta) != 0 {
			t.Errorf("of %s these are left: %v and %v", params, r.Params, r.Meta)
		}
		if r.HasMeta != strings.Contains(params, `"_meta":{`) {
			t.Errorf("HasMeta of %s = %v", params, r.HasMeta)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	data := []byte(call)
	var r jsonrpc.Request
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := r.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
