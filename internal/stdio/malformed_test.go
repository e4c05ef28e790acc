package stdio_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/stdio"
	"github.com/mcpengine/mcpengine/mcp"
)

// Each line is sent between two good ones. It gets the matching error, and the
// good ones get their results.
func TestMalformedLines(t *testing.T) {
	const parse, invalid, params = mcp.CodeParseError, mcp.CodeInvalidRequest, mcp.CodeInvalidParams
	call := func(params string) string { return `{"jsonrpc":"2.0","id":1,"method":"echo","params":` + params + `}` }
	for _, test := range []struct {
		name, line string
		code       int
		message    string // a part of it
		id         string
	}{
		// Not JSON at all.
		{"blank", "  \t ", parse, "unexpected end", ""},
		{"word", `hello`, parse, "want a value", ""},
		{"log line", `2026-07-28 12:00:00 INFO server started`, parse, "goes on", ""},
		{"HTTP header", `Content-Length: 42`, parse, "want a value", ""},
		{"event stream", `data: ` + request("1", "echo"), parse, "want a value", ""},
		{"NUL", "\x00", parse, "want a value", ""},
		{"vertical tab", "\v" + request("1", "echo"), parse, "want a value", ""},
		{"no-break space", "\u00a0" + request("1", "echo"), parse, "want a value", ""},
		{"byte order mark", "\ufeff" + request("1", "echo"), parse, "want a value", ""},
		{"UTF-16", "{\x00\"\x00", parse, "want a name", ""},
		{"gzip", "\x1f\x8b\x08\x00", parse, "want a value", ""},
		{"escape sequence of a terminal", "\x1b[31m", parse, "want a value", ""},

		// Cut off or gone on.
		{"brace", `{`, parse, "unexpected end", ""},
		{"closing brace", `}`, parse, "want a value", ""},
		{"bracket", `[`, parse, "unexpected end", ""},
		{"closing bracket", `]`, parse, "want a value", ""},
		{"quotation mark", `"`, parse, "unexpected end", ""},
		{"cut in a name", `{"jsonrpc`, parse, "unexpected end", ""},
		{"cut after a name", `{"jsonrpc"`, parse, "want ':'", ""},
		{"cut after a colon", `{"jsonrpc":`, parse, "want a value", ""},
		{"cut in a value", `{"jsonrpc":"2.`, parse, "unexpected end", ""},
		{"cut after a value", `{"jsonrpc":"2.0"`, parse, "want ',' or '}'", ""},
		{"cut after a comma", `{"jsonrpc":"2.0",`, parse, "want a name", ""},
		{"cut in params", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{`, parse, "want a name", "1"},
		{"cut before the last brace", strings.TrimSuffix(request("1", "echo"), "}"), parse, "want ',' or '}'", "1"},
		{"one brace more", request("1", "echo") + "}", parse, "goes on", "1"},
		{"two messages", request("1", "echo") + request("2", "echo"), parse, "goes on", ""},
		{"two messages and a blank", request("1", "echo") + " " + request("2", "echo"), parse, "goes on", ""},
		{"comma after the message", request("1", "echo") + ",", parse, "goes on", "1"},
		{"NUL after the message", request("1", "echo") + "\x00", parse, "goes on", "1"},
		{"record separator", "\x1e" + request("1", "echo"), parse, "want a value", ""},

		// Nearly JSON.
		{"trailing comma", call(`{"a":1,}`), parse, "want a name", "1"},
		{"trailing comma in array", call(`{"a":[1,]}`), parse, "want a value", "1"},
		{"two commas", call(`{"a":1,,"b":2}`), parse, "want a name", "1"},
		{"leading comma", call(`{,"a":1}`), parse, "want a name", "1"},
		{"no comma", call(`{"a":1 "b":2}`), parse, "want ',' or '}'", "1"},
		{"no comma in array", call(`{"a":[1 2]}`), parse, "want ',' or ']'", "1"},
		{"equals sign", call(`{"a"=1}`), parse, "want ':'", "1"},
		{"bare name", `{jsonrpc:"2.0"}`, parse, "want a name", ""},
		{"number as name", call(`{1:1}`), parse, "want a name", "1"},
		{"single quotes", `{'jsonrpc':'2.0'}`, parse, "want a name", ""},
		{"comment", `{/* */"jsonrpc":"2.0"}`, parse, "want a name", ""},
		{"line comment", `// ` + request("1", "echo"), parse, "want a value", ""},
		{"mixed brackets", call(`{"a":[1}`), parse, "want ',' or ']'", "1"},
		{"NaN", call(`{"a":NaN}`), parse, "want a value", "1"},
		{"Infinity", call(`{"a":-Infinity}`), parse, "want a digit", "1"},
		{"undefined", call(`{"a":undefined}`), parse, "want a value", "1"},
		{"None", call(`{"a":None}`), parse, "want a value", "1"},
		{"True", call(`{"a":True}`), parse, "want a value", "1"},
		{"tru", call(`{"a":tru}`), parse, "want true", "1"},
		{"nul", call(`{"a":nul}`), parse, "want null", "1"},
		{"leading zero", call(`{"a":01}`), parse, "want ',' or '}'", "1"},
		{"bare minus", call(`{"a":-}`), parse, "want a digit", "1"},
		{"bare fraction", call(`{"a":1.}`), parse, "want a digit", "1"},
		{"fraction without integer", call(`{"a":.5}`), parse, "want a value", "1"},
		{"bare exponent", call(`{"a":1e}`), parse, "want a digit", "1"},
		{"plus sign", call(`{"a":+1}`), parse, "want a value", "1"},
		{"hexadecimal", call(`{"a":0x10}`), parse, "want ',' or '}'", "1"},

		// Strings.
		{"raw tab", call("{\"a\":\"\t\"}"), parse, "control character", "1"},
		{"raw carriage return", call("{\"a\":\"\r\"}"), parse, "control character", "1"},
		{"raw NUL", call("{\"a\":\"\x00\"}"), parse, "control character", "1"},
		{"invalid UTF-8", call("{\"a\":\"\xff\"}"), parse, "invalid UTF-8", "1"},
		{"Latin-1", call("{\"a\":\"caf\xe9\"}"), parse, "invalid UTF-8", "1"},
		{"cut UTF-8", call("{\"a\":\"\xe2\x82\"}"), parse, "invalid UTF-8", "1"},
		{"overlong UTF-8", call("{\"a\":\"\xc0\xaf\"}"), parse, "invalid UTF-8", "1"},
		{"surrogate in UTF-8", call("{\"a\":\"\xed\xa0\x80\"}"), parse, "invalid UTF-8", "1"},
		{"beyond Unicode", call("{\"a\":\"\xf4\x90\x80\x80\"}"), parse, "invalid UTF-8", "1"},
		{"invalid UTF-8 in a name", call("{\"\xff\":1}"), parse, "invalid UTF-8", "1"},
		{"invalid escape", call(`{"a":"\x41"}`), parse, "invalid escape", "1"},
		{"short escape", call(`{"a":"\u00"}`), parse, "invalid escape", "1"},
		{"lone high surrogate", call(`{"a":"\ud800"}`), parse, "unpaired surrogate", "1"},
		{"lone low surrogate", call(`{"a":"\udc00"}`), parse, "unpaired surrogate", "1"},

		// JSON that two readers understand differently.
		{"duplicate id", `{"jsonrpc":"2.0","id":1,"id":2,"method":"echo"}`, parse, "duplicate name", ""},
		{"duplicate method", `{"jsonrpc":"2.0","id":1,"method":"echo","method":"wait"}`, parse, "duplicate name", ""},
		{"duplicate by escape", call(`{"name":"a","\u006eame":"b"}`), parse, "duplicate name", "1"},
		{"duplicate far inside", call(`{"a":[{"b":{"c":1,"c":2}}]}`), parse, "duplicate name", "1"},
		{"too deep", call(`{"a":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`), parse, "levels deep", "1"},
		{"far too deep", strings.Repeat("[", 100_000), parse, "levels deep", ""},
		{"Method", `{"jsonrpc":"2.0","id":1,"Method":"echo"}`, invalid, `differs from "method" by case`, "1"},
		{"ID", `{"jsonrpc":"2.0","ID":1,"method":"echo"}`, invalid, `differs from "id" by case`, ""},
		{"JSONRPC", `{"JSONRPC":"2.0","id":1,"method":"echo"}`, invalid, `differs from "jsonrpc" by case`, "1"},
		{"Name", call(`{"Name":"a"}`), invalid, `differs from "name" by case`, "1"},
		{"case in _meta", call(`{"_meta":{"io.modelcontextprotocol/ProtocolVersion":"x"}}`), invalid, "by case", "1"},

		// JSON that is no message.
		{"string", `"echo"`, invalid, "JSON object", ""},
		{"number", `42`, invalid, "JSON object", ""},
		{"null", `null`, invalid, "JSON object", ""},
		{"true", `true`, invalid, "JSON object", ""},
		{"batch", `[` + request("1", "echo") + `]`, invalid, "batches", ""},
		{"empty batch", `[]`, invalid, "batches", ""},
		{"empty object", `{}`, invalid, `jsonrpc must be "2.0"`, ""},
		{"other object", `{"level":"info","msg":"started"}`, invalid, `jsonrpc must be "2.0"`, ""},

		// Messages with a wrong envelope.
		{"no jsonrpc", `{"id":1,"method":"echo"}`, invalid, `jsonrpc must be "2.0"`, "1"},
		{"jsonrpc 1.0", `{"jsonrpc":"1.0","id":1,"method":"echo"}`, invalid, `jsonrpc must be "2.0"`, "1"},
		{"jsonrpc number", `{"jsonrpc":2.0,"id":1,"method":"echo"}`, invalid, `jsonrpc must be "2.0"`, "1"},
		{"jsonrpc null", `{"jsonrpc":null,"id":1,"method":"echo"}`, invalid, `jsonrpc must be "2.0"`, "1"},
		{"id null", `{"jsonrpc":"2.0","id":null,"method":"echo"}`, invalid, "id must be", ""},
		{"id fraction", `{"jsonrpc":"2.0","id":1.5,"method":"echo"}`, invalid, "id must be", ""},
		{"id exponent", `{"jsonrpc":"2.0","id":1e3,"method":"echo"}`, invalid, "id must be", ""},
		{"id true", `{"jsonrpc":"2.0","id":true,"method":"echo"}`, invalid, "id must be", ""},
		{"id object", `{"jsonrpc":"2.0","id":{},"method":"echo"}`, invalid, "id must be", ""},
		{"id array", `{"jsonrpc":"2.0","id":[1],"method":"echo"}`, invalid, "id must be", ""},
		{"id too long", `{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 255) + `","method":"echo"}`, invalid, "id must be", ""},
		{"no method", `{"jsonrpc":"2.0","id":1}`, invalid, "method", "1"},
		{"neither id nor method", `{"jsonrpc":"2.0"}`, invalid, "method", ""},
		{"empty method", `{"jsonrpc":"2.0","id":1,"method":""}`, invalid, "method", "1"},
		{"method number", `{"jsonrpc":"2.0","id":"é","method":1}`, invalid, "method", `"é"`},
		{"method null", `{"jsonrpc":"2.0","id":-7,"method":null}`, invalid, "method", "-7"},
		{"params array", call(`[1]`), invalid, "params must be an object", "1"},
		{"params string", call(`"x"`), invalid, "params must be an object", "1"},
		{"_meta array", call(`{"_meta":[]}`), params, "_meta must be an object", "1"},
		{"response", `{"jsonrpc":"2.0","id":1,"result":{}}`, invalid, "is a response", "1"},
		{"error response", `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}`, invalid, "is a response", "1"},
		{"error response without id", `{"jsonrpc":"2.0","error":{"code":1,"message":"m"}}`, invalid, "is a response", ""},
		{"request and response", `{"jsonrpc":"2.0","id":1,"method":"echo","result":{}}`, invalid, "is a response", "1"},
		{"too long", call(`{"a":"` + strings.Repeat("x", 150_000) + `"}`), invalid, "longer than 150000 bytes", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := strings.Join([]string{request(`"before"`, "echo"), test.line, request(`"after"`, "echo"), ""}, "\n")
			got := answers(t, strings.NewReader(in), stdio.Config{MaxMessage: 150_000})
			for _, id := range []string{`"before"`, `"after"`} {
				i := slices.Index(got, result(id, "{}"))
				if i < 0 {
					t.Fatalf("%s got no result in %q", id, got)
				}
				got = slices.Delete(got, i, i+1)
			}
			if len(got) != 1 {
				t.Fatalf("answered with %q, want one message", got)
			}
			var answer struct {
				JSONRPC string
				ID      json.RawMessage
				Error   struct {
					Code    int
					Message string
				}
			}
			if err := json.Unmarshal([]byte(got[0]), &answer); err != nil {
				t.Fatalf("answered with %s: %v", got[0], err)
			}
			if answer.JSONRPC != "2.0" || answer.Error.Code != test.code || !strings.Contains(answer.Error.Message, test.message) {
				t.Errorf("answered with %s, want %d %q", got[0], test.code, test.message)
			}
			if string(answer.ID) != test.id {
				t.Errorf("answered to id %s, want %s", answer.ID, test.id)
			}
		})
	}
}

// A notification is never answered, even if it is malformed.
func TestNotificationsAreNotAnswered(t *testing.T) {
	for name, line := range map[string]string{
		"of the handshake":        `{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		"unknown":                 `{"jsonrpc":"2.0","method":"no/such"}`,
		"method of a request":     `{"jsonrpc":"2.0","method":"echo","params":{}}`,
		"method of subscriptions": `{"jsonrpc":"2.0","method":"subscriptions/listen","params":{}}`,
		"unknown member":          `{"jsonrpc":"2.0","method":"echo","extension":1}`,
		"cancels nothing":         cancelled("1"),
		"cancels without an id":   `{"jsonrpc":"2.0","method":"notifications/cancelled"}`,
		"params array":            `{"jsonrpc":"2.0","method":"echo","params":[]}`,
		"params null":             `{"jsonrpc":"2.0","method":"echo","params":null}`,
		"params string":           `{"jsonrpc":"2.0","method":"notifications/cancelled","params":"1"}`,
		"_meta array":             `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"_meta":[],"requestId":1}}`,
		"case in params":          `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"RequestId":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := line + "\n" + request("1", "echo") + "\n" + line + "\n"
			if strings.Contains(line, `"requestId":1`) {
				in = line + "\n" + request("1", "echo") // the second one may be in time
			}
			if diff := cmp.Diff([]string{result("1", "{}")}, answers(t, strings.NewReader(in), stdio.Config{})); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
		})
	}
}
