package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxBody is the limit of the server under test.
const maxBody = 64 << 10

// A badInput is a request that must not get through.
type badInput struct {
	name    string
	request *request
	status  int
	code    int    // 0 stands for a result with isError
	part    string // of the message
}

const (
	parseError      = mcp.CodeParseError
	invalidRequest  = mcp.CodeInvalidRequest
	methodNotFound  = mcp.CodeMethodNotFound
	invalidParams   = mcp.CodeInvalidParams
	headerMismatch  = mcp.CodeHeaderMismatch
	wrongVersion    = mcp.CodeUnsupportedProtocolVersion
	toolError       = 0
	ok              = http.StatusOK
	badRequest      = http.StatusBadRequest
	forbidden       = http.StatusForbidden
	notFound        = http.StatusNotFound
	wrongHTTPMethod = http.StatusMethodNotAllowed
	notAcceptable   = http.StatusNotAcceptable
	tooLarge        = http.StatusRequestEntityTooLarge
	wrongType       = http.StatusUnsupportedMediaType
)

// Requests that are wrong as HTTP requests.
func badHTTP() []badInput {
	return []badInput{
		{"PUT", echo().as("PUT"), wrongHTTPMethod, invalidRequest, "POST"},
		{"PATCH", echo().as("PATCH"), wrongHTTPMethod, invalidRequest, "POST"},
		{"TRACE", echo().as("TRACE").sending(""), wrongHTTPMethod, invalidRequest, "POST"},
		{"unknown HTTP method", echo().as("PURGE"), wrongHTTPMethod, invalidRequest, "POST"},

		{"no Content-Type", echo().set("Content-Type"), wrongType, invalidRequest, "Content-Type"},
		{"text", echo().set("Content-Type", "text/plain"), wrongType, invalidRequest, "Content-Type"},
		{"form", echo().set("Content-Type", "application/x-www-form-urlencoded"), wrongType, invalidRequest, "Content-Type"},
		{"two types", echo().set("Content-Type", "application/json", "text/plain"), wrongType, invalidRequest, "Content-Type"},
		{"UTF-16", echo().set("Content-Type", "application/json; charset=utf-16"), wrongType, invalidRequest, "Content-Type"},
		{"gzip", echo().set("Content-Encoding", "gzip"), wrongType, invalidRequest, "not encoded"},

		{"no Accept", echo().set("Accept"), notAcceptable, invalidRequest, "Accept"},
		{"Accept without events", echo().set("Accept", "application/json"), notAcceptable, invalidRequest, "Accept"},
		{"Accept without JSON", echo().set("Accept", "text/event-stream"), notAcceptable, invalidRequest, "Accept"},
		{"Accept that refuses JSON", echo().set("Accept", "application/json;q=0, text/event-stream"), notAcceptable, invalidRequest, "Accept"},

		{"page of another origin", echo().set("Origin", "https://evil.example"), forbidden, invalidRequest, "Origin"},
		{"page of a similar name", echo().set("Origin", "http://localhost.evil.example"), forbidden, invalidRequest, "Origin"},
		{"sandboxed page", echo().set("Origin", "null"), forbidden, invalidRequest, "Origin"},
		{"two origins", echo().set("Origin", "http://localhost", "https://evil.example"), forbidden, invalidRequest, "Origin"},
		{"rebound name", echo().to("evil.example"), forbidden, invalidRequest, "Host"},
		{"unspecified address", echo().to("0.0.0.0:80"), forbidden, invalidRequest, "Host"},
		{"fully qualified localhost", echo().to("localhost.:80"), forbidden, invalidRequest, "Host"},

		{"one byte too large", echo().sending(padded(maxBody + 1)), tooLarge, invalidRequest, "larger than 65536 bytes"},
		{"one byte too large in chunks", echo().sending(padded(maxBody + 1)).inChunks(), tooLarge, invalidRequest, "larger than 65536 bytes"},
		{"far too large in chunks", echo().sending(padded(64 * maxBody)).inChunks(), tooLarge, invalidRequest, "larger than 65536 bytes"},
	}
}

// padded is a well-formed call of the given size.
func padded(size int) string {
	body := echo().body
	return body + strings.Repeat(" ", size-len(body))
}

// Bodies that are not one JSON-RPC request or notification.
func badMessages() []badInput {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	return []badInput{
		{"empty", echo().sending(""), badRequest, parseError, "unexpected end"},
		{"blank", echo().sending(" \r\n "), badRequest, parseError, "unexpected end"},
		{"text", echo().sending("hello"), badRequest, parseError, "want a value"},
		{"HTML", echo().sending("<!doctype html>"), badRequest, parseError, "want a value"},
		{"form data", echo().sending("method=tools%2Fcall"), badRequest, parseError, "want a value"},
		{"binary", echo().sending("\x1f\x8b\x08\x00"), badRequest, parseError, "want a value"},
		{"UTF-16", echo().sending("\xfe\xff\x00{"), badRequest, parseError, "want a value"},
		{"byte order mark", echo().with("{", "\ufeff{"), badRequest, parseError, "want a value"},
		{"NUL after the message", echo().with("}}}", "}}}\x00"), badRequest, parseError, ""},
		{"cut", echo().sending(echo().body[:80]), badRequest, parseError, "unexpected end"},
		{"two messages", echo().sending(echo().body + "\n" + echo().body), badRequest, parseError, "goes on"},
		{"trailing comma", echo().with(`"hello"}`, `"hello",}`), badRequest, parseError, "want a name"},
		{"comment", echo().with("{", "{/**/"), badRequest, parseError, "want a name"},
		{"single quotes", echo().with(`"hello"`, `'hello'`), badRequest, parseError, "want a value"},
		{"NaN", echo().with(`"hello"`, `NaN`), badRequest, parseError, "want a value"},
		{"leading zero", echo().with(`"hello"`, `01`), badRequest, parseError, ""},
		{"invalid UTF-8", echo().with("hello", "\xff\xfe"), badRequest, parseError, "invalid UTF-8"},
		{"surrogate in UTF-8", echo().with("hello", "\xed\xa0\x80"), badRequest, parseError, "invalid UTF-8"},
		{"lone surrogate", echo().with("hello", `\ud800`), badRequest, parseError, "surrogate"},
		{"control character", echo().with("hello", "a\nb"), badRequest, parseError, "control character"},
		{"invalid escape", echo().with("hello", `\x41`), badRequest, parseError, "invalid escape"},
		{"200 levels", echo().with(`"hello"`, deep), badRequest, parseError, "levels deep"},
		{"30,000 levels", echo().sending(strings.Repeat("[", 30_000)), badRequest, parseError, "levels deep"},
		{"two methods", echo().with(`"method":"tools/call"`, `"method":"tools/call","method":"tools/list"`), badRequest, parseError, "duplicate name"},
		{"two tools", echo().with(`"name":"echo"`, `"name":"echo","name":"fail"`), badRequest, parseError, "duplicate name"},
		{"two tools, one escaped", echo().with(`"name":"echo"`, `"name":"echo","n\u0061me":"fail"`), badRequest, parseError, "duplicate name"},
		{"two texts", echo().with(`"text":"hello"`, `"text":"hello","text":"bye"`), badRequest, parseError, "duplicate name"},
		{"two versions", echo().with(`"_meta":{`, `"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25",`), badRequest, parseError, "duplicate name"},

		{"batch", echo().sending("[" + echo().body + "]"), badRequest, invalidRequest, "batches"},
		{"empty batch", echo().sending("[]"), badRequest, invalidRequest, "batches"},
		{"number", echo().sending("42"), badRequest, invalidRequest, "JSON object"},
		{"null", echo().sending("null"), badRequest, invalidRequest, "JSON object"},
		{"empty object", echo().sending("{}"), badRequest, invalidRequest, "jsonrpc"},
		{"no jsonrpc", echo().with(`"jsonrpc":"2.0",`, ""), badRequest, invalidRequest, "jsonrpc"},
		{"JSON-RPC 1.0", echo().with(`"2.0"`, `"1.0"`), badRequest, invalidRequest, "jsonrpc"},
		{"JSON-RPC as a number", echo().with(`"2.0"`, `2.0`), badRequest, invalidRequest, "jsonrpc"},
		{"response", echo().sending(`{"jsonrpc":"2.0","id":1,"result":{}}`), badRequest, invalidRequest, "response"},
		{"error", echo().sending(`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}`), badRequest, invalidRequest, "response"},
		{"request that is a response too", echo().with(`"id":1`, `"id":1,"result":{}`), badRequest, invalidRequest, "response"},
		{"no method", echo().with(`"method":"tools/call",`, ""), badRequest, invalidRequest, "method"},
		{"empty method", echo().with(`"tools/call"`, `""`), badRequest, invalidRequest, "method"},
		{"method as a number", echo().with(`"tools/call"`, `7`), badRequest, invalidRequest, "method"},
		{"capital method", echo().with(`"method"`, `"Method"`), badRequest, invalidRequest, "by case"},
		{"capital name", echo().with(`"name"`, `"Name"`), badRequest, invalidRequest, "by case"},
		{"two names differing by case", echo().with(`"name":"echo"`, `"name":"echo","NAME":"fail"`), badRequest, invalidRequest, "by case"},
		{"id null", echo().with(`"id":1`, `"id":null`), badRequest, invalidRequest, "id must be"},
		{"id fraction", echo().with(`"id":1`, `"id":1.5`), badRequest, invalidRequest, "id must be"},
		{"id object", echo().with(`"id":1`, `"id":{}`), badRequest, invalidRequest, "id must be"},
		{"id of 1 kB", echo().with(`"id":1`, `"id":"`+strings.Repeat("x", 1000)+`"`), badRequest, invalidRequest, "id must be"},
		{"params array", echo().sending(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["echo"]}`), badRequest, invalidRequest, "params must be"},
	}
}

// Headers that are missing, malformed or differ from the body.
func badHeaders() []badInput {
	const tools = "tools/call"
	read := func() *request { return newRequest("resources/read", "test://static", `"uri":"test://static"`) }
	get := func() *request {
		return newRequest("prompts/get", "greet", `"name":"greet","arguments":{"name":"Ada"}`)
	}
	route := func(arguments string) *request {
		return newCall("route", arguments).set("Mcp-Param-Region", "eu")
	}
	const eu = `{"region":"eu"}`
	return []badInput{
		{"no version header", echo().set("Mcp-Protocol-Version"), badRequest, headerMismatch, "missing"},
		{"version header twice", echo().set("Mcp-Protocol-Version", version, version), badRequest, headerMismatch, "repeated"},
		{"version header of a handshake version", echo().set("Mcp-Protocol-Version", "2025-11-25"), badRequest, headerMismatch, "does not match"},
		{"handshake version in the body", echo().with(version, "2025-11-25"), badRequest, headerMismatch, "does not match"},
		{"version header with non-ASCII", echo().set("Mcp-Protocol-Version", version+"é"), badRequest, headerMismatch, "invalid characters"},
		{"no method header", echo().set("Mcp-Method"), badRequest, headerMismatch, "missing"},
		{"method header twice", echo().set("Mcp-Method", tools, "tools/list"), badRequest, headerMismatch, "repeated"},
		{"method header of another method", echo().set("Mcp-Method", "tools/list"), badRequest, headerMismatch, "does not match"},
		{"method header in capitals", echo().set("Mcp-Method", "TOOLS/CALL"), badRequest, headerMismatch, "does not match"},
		{"method header in Base64", echo().set("Mcp-Method", base64Value(tools)), badRequest, headerMismatch, "does not match"},
		{"no name header", echo().set("Mcp-Name"), badRequest, headerMismatch, "missing"},
		{"name header twice", echo().set("Mcp-Name", "echo", "fail"), badRequest, headerMismatch, "repeated"},
		{"name header of another tool", echo().set("Mcp-Name", "fail"), badRequest, headerMismatch, "does not match"},
		{"name header in capitals", echo().set("Mcp-Name", "Echo"), badRequest, headerMismatch, "does not match"},
		{"name header in broken Base64", echo().set("Mcp-Name", "=?base64?ZWNobw?="), badRequest, headerMismatch, "does not match"},
		{"name header in Base64 with stray bits", echo().set("Mcp-Name", "=?base64?ZWNobx==?="), badRequest, headerMismatch, "does not match"},
		{"name header with raw UTF-8", echo().set("Mcp-Name", "écho"), badRequest, headerMismatch, "invalid characters"},
		{"public tool in the header, other in the body", echo().with(`"name":"echo"`, `"name":"fail"`), badRequest, headerMismatch, `"echo" does not match body value "fail"`},
		{"no name header for a resource", read().set("Mcp-Name"), badRequest, headerMismatch, "missing"},
		{"name header of another resource", read().set("Mcp-Name", "test://items/1"), badRequest, headerMismatch, "does not match"},
		{"no name header for a prompt", get().set("Mcp-Name"), badRequest, headerMismatch, "missing"},
		{"name header of another prompt", get().set("Mcp-Name", "echo"), badRequest, headerMismatch, "does not match"},

		{"no header for an argument", route(eu).set("Mcp-Param-Region"), badRequest, headerMismatch, "Mcp-Param-Region header is missing"},
		{"header for an argument twice", route(eu).set("Mcp-Param-Region", "eu", "us"), badRequest, headerMismatch, "repeated"},
		{"header of another argument", route(eu).set("Mcp-Param-Region", "us"), badRequest, headerMismatch, "does not match"},
		{"header of an argument with raw UTF-8", route(eu).set("Mcp-Param-Region", "é"), badRequest, headerMismatch, "invalid characters"},
		{"header of an argument in broken Base64", route(eu).set("Mcp-Param-Region", "=?base64?*?="), badRequest, headerMismatch, "invalid characters"},
		{"header without an argument", route(`{}`), badRequest, headerMismatch, "no value in the body"},
		{"header of a null argument", route(`{"region":null}`), badRequest, headerMismatch, "no value in the body"},
		{"header of an absent integer", route(eu).set("Mcp-Param-Count", "1"), badRequest, headerMismatch, "no value in the body"},
		{"header of another integer", route(`{"region":"eu","count":2}`).set("Mcp-Param-Count", "1"), badRequest, headerMismatch, "does not match"},
		{"header of an integer beyond 2^53", route(`{"region":"eu","count":9007199254740992}`).set("Mcp-Param-Count", "9007199254740993"), badRequest, headerMismatch, "does not match"},
		{"header of another boolean", route(`{"region":"eu","strict":true}`).set("Mcp-Param-Strict", "false"), badRequest, headerMismatch, "does not match"},
		{"header of a boolean in capitals", route(`{"region":"eu","strict":true}`).set("Mcp-Param-Strict", "TRUE"), badRequest, headerMismatch, "does not match"},
		{"no header for a boolean", route(`{"region":"eu","strict":false}`), badRequest, headerMismatch, "missing"},
	}
}

// Requests whose "_meta" breaks the rules, or whose method does not exist.
func badRequests() []badInput {
	const versionField, capabilities = `"io.modelcontextprotocol/protocolVersion":"2026-07-28"`, `"io.modelcontextprotocol/clientCapabilities":{}`
	add := func(member string) *request { return echo().with(capabilities, capabilities+","+member) }
	unknown := func(v string) *request { return echo().with(version, v).set("Mcp-Protocol-Version", v) }
	return []badInput{
		{"no params", echo().sending(`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`), badRequest, invalidParams, "_meta is missing"},
		{"no _meta", echo().with(","+meta, ""), badRequest, invalidParams, "_meta is missing"},
		{"_meta array", echo().with(meta, `"_meta":[]`), badRequest, invalidParams, "_meta must be an object"},
		{"empty _meta", echo().with(meta, `"_meta":{}`), badRequest, invalidParams, "protocolVersion"},
		{"no version in the body", echo().with(versionField+",", ""), badRequest, invalidParams, "is missing"},
		{"version as a number", echo().with(`"2026-07-28"`, `20260728`), badRequest, invalidParams, "must be a string"},
		{"version null", echo().with(`"2026-07-28"`, `null`), badRequest, invalidParams, "is missing"},
		{"no capabilities", echo().with(","+capabilities, ""), badRequest, invalidParams, "is missing"},
		{"capabilities array", echo().with(`Capabilities":{}`, `Capabilities":[]`), badRequest, invalidParams, "must be an object"},
		{"capabilities null", echo().with(`Capabilities":{}`, `Capabilities":null`), badRequest, invalidParams, "is missing"},
		{"capital Capabilities", echo().with("clientCapabilities", "ClientCapabilities"), badRequest, invalidRequest, "by case"},
		{"client as a string", add(`"io.modelcontextprotocol/clientInfo":"x"`), badRequest, invalidParams, "name and version"},
		{"client without version", add(`"io.modelcontextprotocol/clientInfo":{"name":"x"}`), badRequest, invalidParams, "name and version"},
		{"unknown log level", add(`"io.modelcontextprotocol/logLevel":"verbose"`), badRequest, invalidParams, "must be one of"},
		{"log level as a number", add(`"io.modelcontextprotocol/logLevel":3`), badRequest, invalidParams, "must be one of"},
		{"progress token as a fraction", add(`"progressToken":1.5`), badRequest, invalidParams, "string or an integer"},
		{"progress token as an object", add(`"progressToken":{}`), badRequest, invalidParams, "string or an integer"},

		{"handshake version", unknown("2025-11-25"), badRequest, wrongVersion, "2026-07-28"},
		{"later version", unknown("2099-01-01"), badRequest, wrongVersion, "2026-07-28"},
		{"no date", unknown("latest"), badRequest, wrongVersion, "2026-07-28"},
		{"version of 1 kB", unknown(strings.Repeat("9", 1000)), badRequest, wrongVersion, "2026-07-28"},

		{"unknown method", newRequest("no/such", "", ""), notFound, methodNotFound, "no/such"},
		{"method of 1 kB", newRequest(strings.Repeat("x", 1000), "", ""), notFound, methodNotFound, "xxx"},
		{"method in capitals", newRequest("Tools/Call", "", ""), notFound, methodNotFound, "Tools/Call"},
		{"method of the handshake versions", newRequest("ping", "", ""), notFound, methodNotFound, "ping"},
		{"handshake", newRequest("initialize", "", ""), notFound, methodNotFound, "2026-07-28"},
		{"subscription of the handshake versions", newRequest("resources/subscribe", "", `"uri":"test://static"`), notFound, methodNotFound, "resources/subscribe"},
		{"request of a server", newRequest("sampling/createMessage", "", ""), notFound, methodNotFound, "sampling/createMessage"},
		{"notification with an id", newRequest("notifications/cancelled", "", ""), notFound, methodNotFound, "notifications/cancelled"},
	}
}

// Requests with wrong parameters. They follow the protocol, so the status is
// 200. A wrong argument is a tool's error, for the model to correct; other
// mistakes are JSON-RPC errors.
func badParams() []badInput {
	call := func(tool, members string) *request { return newRequest("tools/call", tool, members) }
	read := func(uri string) *request {
		return newRequest("resources/read", base64Value(uri), fmt.Sprintf(`"uri":%q`, uri))
	}
	get := func(name, arguments string) *request {
		return newRequest("prompts/get", name, fmt.Sprintf(`"name":%q,"arguments":%s`, name, arguments))
	}
	complete := func(members string) *request { return newRequest("completion/complete", "", members) }
	listen := func(filter string) *request { return newRequest("subscriptions/listen", "", filter) }
	long := strings.Repeat("x", 10_000)
	uris := strings.TrimSuffix(strings.Repeat(`"test://static",`, 1001), ",")
	return []badInput{
		{"no tool", call("echo", ""), ok, invalidParams, "params.name"},
		{"tool as a number", call("echo", `"name":1`), ok, invalidParams, "params.name"},
		{"unknown tool", call("x", `"name":"x"`), ok, invalidParams, "Unknown tool"},
		{"empty tool", call("echo", `"name":""`).set("Mcp-Name", ""), ok, invalidParams, "Unknown tool"},
		{"tool in capitals", call("ECHO", `"name":"ECHO"`), ok, invalidParams, "Unknown tool"},
		{"tool with a blank", call(base64Value("echo "), `"name":"echo "`), ok, invalidParams, "Unknown tool"},
		{"tool with NUL", call(base64Value("echo\x00"), `"name":"echo\u0000"`), ok, invalidParams, "Unknown tool"},
		{"tool of similar letters", call(base64Value("\u0435cho"), "\"name\":\"\u0435cho\""), ok, invalidParams, "Unknown tool"},
		{"tool of wide letters", call(base64Value("\uff45cho"), "\"name\":\"\uff45cho\""), ok, invalidParams, "Unknown tool"},
		{"tool with an invisible character", call(base64Value("ec\u200bho"), "\"name\":\"ec\u200bho\""), ok, invalidParams, "Unknown tool"},
		{"tool of 10 kB", call(long, `"name":"`+long+`"`), ok, invalidParams, "Unknown tool"},
		{"prompt as a tool", call("greet", `"name":"greet"`), ok, invalidParams, "Unknown tool"},
		{"arguments array", newCall("echo", `[]`), ok, invalidParams, "params.arguments"},
		{"arguments null", newCall("echo", `null`), ok, toolError, "text: required"},
		{"arguments string", newCall("echo", `"{}"`), ok, invalidParams, "params.arguments"},

		{"no arguments", call("echo", `"name":"echo"`), ok, toolError, "text"},
		{"missing argument", newCall("echo", `{}`), ok, toolError, "text"},
		{"argument of another type", newCall("echo", `{"text":1}`), ok, toolError, "text"},
		{"argument null", newCall("echo", `{"text":null}`), ok, toolError, "text"},
		{"argument array", newCall("echo", `{"text":["a"]}`), ok, toolError, "text"},
		{"argument in capitals", newCall("echo", `{"Text":"a"}`), ok, toolError, "text"},
		{"unknown argument", newCall("echo", `{"text":"a","x":1}`), ok, toolError, "x"},
		{"fraction for an integer", newCall("add", `{"a":1.5}`), ok, toolError, "a"},
		{"string for an integer", newCall("add", `{"a":"1"}`), ok, toolError, "a"},
		{"integer out of range", newCall("add", `{"a":1e30}`), ok, toolError, "a"},
		{"integer of 10,000 digits", newCall("add", `{"a":`+strings.Repeat("9", 10_000)+`}`), ok, toolError, "a"},
		{"number with a huge exponent", newCall("add", `{"a":1e999999999}`), ok, toolError, "a"},
		{"small integer out of range", newCall("add", `{"a":1,"b":128}`), ok, toolError, "b"},

		{"state as a number", newCall("echo", `{"text":"a"},"requestState":1`), ok, invalidParams, "requestState"},
		{"forged state", newCall("echo", `{"text":"a"},"requestState":"bm8gc3VjaCBzdGF0ZQ"`), ok, invalidParams, "requestState"},
		{"empty state", newCall("echo", `{"text":"a"},"requestState":""`), ok, invalidParams, "requestState"},
		{"answers array", newCall("echo", `{"text":"a"},"inputResponses":[]`), ok, invalidParams, "inputResponses"},

		{"no resource", newRequest("resources/read", "x", ""), ok, invalidParams, "params.uri"},
		{"resource as a number", newRequest("resources/read", "x", `"uri":1`), ok, invalidParams, "params.uri"},
		{"unknown resource", read("test://unknown"), ok, invalidParams, "Resource not found"},
		{"empty resource", read(""), ok, invalidParams, "Resource not found"},
		{"file", read("file:///etc/passwd"), ok, invalidParams, "Resource not found"},
		{"way out of a template", read("test://items/../static"), ok, invalidParams, "Resource not found"},
		{"encoded way out of a template", read("test://items/..%2Fstatic"), ok, invalidParams, "id"},
		{"resource with a query", read("test://static?x"), ok, invalidParams, "Resource not found"},
		{"template itself", read("test://items/{id}"), ok, invalidParams, ""},
		{"variable of another type", read("test://items/abc"), ok, invalidParams, "id"},
		{"fraction for a variable", read("test://items/1.5"), ok, invalidParams, "id"},
		{"no variable", read("test://items/"), ok, invalidParams, ""},
		{"broken escape in a URI", read("test://items/%zz"), ok, invalidParams, ""},
		{"invalid UTF-8 in a URI", read("test://items/%ff"), ok, invalidParams, ""},

		{"no prompt", newRequest("prompts/get", "greet", ""), ok, invalidParams, "params.name"},
		{"unknown prompt", get("x", `{}`), ok, invalidParams, "Unknown prompt"},
		{"tool as a prompt", get("echo", `{}`), ok, invalidParams, "Unknown prompt"},
		{"missing prompt argument", get("greet", `{}`), ok, invalidParams, "name"},
		{"prompt argument as a number", get("greet", `{"name":1}`), ok, invalidParams, "must be a string"},
		{"prompt argument that is no number", get("greet", `{"name":"a","times":"x"}`), ok, invalidParams, "times"},
		{"unknown prompt argument", get("greet", `{"name":"a","x":"1"}`), ok, invalidParams, "x"},
		{"prompt arguments array", get("greet", `[]`), ok, invalidParams, "params.arguments"},

		{"cursor as a number", newRequest("tools/list", "", `"cursor":1`), ok, invalidParams, "cursor"},
		{"forged cursor", newRequest("tools/list", "", `"cursor":"ZWNobw"`), ok, invalidParams, "cursor"},
		{"cursor of 10 kB", newRequest("prompts/list", "", `"cursor":"`+long+`"`), ok, invalidParams, "cursor"},

		{"completion of nothing", complete(""), ok, invalidParams, ""},
		{"completion of an unknown prompt", complete(`"ref":{"type":"ref/prompt","name":"x"},"argument":{"name":"name","value":""}`), ok, invalidParams, "Unknown prompt"},
		{"completion of an unknown argument", complete(`"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"x","value":""}`), ok, invalidParams, "Unknown argument"},
		{"completion of an unknown kind", complete(`"ref":{"type":"ref/tool","name":"echo"},"argument":{"name":"text","value":""}`), ok, invalidParams, "params.ref.type"},
		{"completion of a number", complete(`"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"name","value":1}`), ok, invalidParams, "strings"},
		{"completion without a value", complete(`"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"name"}`), ok, invalidParams, "value"},
		{"completion of an unknown resource", complete(`"ref":{"type":"ref/resource","uri":"test://x/{y}"},"argument":{"name":"y","value":""}`), ok, invalidParams, "Resource not found"},

		{"subscription to nothing", listen(""), ok, invalidParams, "params.notifications"},
		{"subscription array", listen(`"notifications":[]`), ok, invalidParams, "params.notifications"},
		{"subscription of strings", listen(`"notifications":{"toolsListChanged":"true"}`), ok, invalidParams, "params.notifications"},
		{"subscription to a number", listen(`"notifications":{"resourceSubscriptions":[1]}`), ok, invalidParams, "params.notifications"},
		{"subscription to 1,001 resources", listen(`"notifications":{"resourceSubscriptions":[` + uris + `]}`), ok, invalidParams, "1000"},
	}
}

// A bad request gets exactly the expected answer and reaches no handler, and
// the next request is answered.
func TestBadInput(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mcpengine.WithHTTP(mcpengine.HTTPConfig{MaxBodyBytes: maxBody}))
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	rows := 0
	for _, section := range []struct {
		name string
		rows []badInput
	}{
		{"HTTP", badHTTP()},
		{"message", badMessages()},
		{"header", badHeaders()},
		{"request", badRequests()},
		{"params", badParams()},
	} {
		for _, row := range section.rows {
			rows++
			t.Run(section.name+"/"+row.name, func(t *testing.T) {
				before := f.runs.Load()
				status, body, err := row.request.do(t.Context(), server)
				if err != nil {
					t.Fatalf("no answer: %v", err)
				}
				checkRefusal(t, &row, status, body)
				if n := f.runs.Load() - before; n != 0 {
					t.Errorf("handlers ran %d times", n)
				}
				checkAlive(t, f, server)
			})
		}
	}
	t.Logf("%d bad requests", rows)
}

func checkRefusal(t *testing.T, row *badInput, status int, body []byte) {
	t.Helper()
	if status != row.status {
		t.Errorf("status = %d, want %d: %.500s", status, row.status, body)
	}
	if len(body) > 2000 {
		t.Errorf("the answer has %d bytes", len(body))
	}
	var r reply
	if err := json.Unmarshal(body, &r); err != nil || r.JSONRPC != "2.0" {
		t.Fatalf("the answer is not JSON-RPC: %.500s", body)
	}
	if r.Error.Code != row.code {
		t.Errorf("code = %d, want %d: %.500s", r.Error.Code, row.code, body)
	}
	message := r.Error.Message
	if row.code == toolError {
		var result mcp.CallToolResult
		if err := json.Unmarshal(r.Result, &result); err != nil || !result.IsError {
			t.Fatalf("the result is no error: %.500s", body)
		}
		message = string(r.Result)
	}
	if !strings.Contains(message, row.part) {
		t.Errorf("message %.500q, want %q in it", message, row.part)
	}
}

// checkAlive checks that a well-formed request runs its handler.
func checkAlive(t *testing.T, f *fixture, server *httptest.Server) {
	t.Helper()
	before := f.runs.Load()
	status, body, err := echo().do(t.Context(), server)
	if err != nil || status != ok || !strings.Contains(string(body), `"text":"hello"`) {
		t.Errorf("afterwards a good request is answered with %d %.500s (%v)", status, body, err)
	}
	if n := f.runs.Load() - before; n != 1 {
		t.Errorf("afterwards a good request runs %d handlers, want 1", n)
	}
}

// The refusal of an unsupported version lists the supported versions ("Protocol
// Version Header").
func TestUnsupportedVersionListsTheSupported(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newFixture(t))
	t.Cleanup(server.Close)
	_, body, err := echo().with(version, "1999-01-01").set("Mcp-Protocol-Version", "1999-01-01").do(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	var r reply
	var data mcp.UnsupportedProtocolVersionData
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(r.Error.Data, &data); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(data.Supported, version) || data.Requested != "1999-01-01" {
		t.Errorf("data = %s, want %s among the supported versions", r.Error.Data, version)
	}
}

// Notifications of clients are accepted and have no effect.
func TestBadNotifications(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	for name, r := range map[string]*request{
		"call without id":      echo().with(`"id":1,`, ""),
		"unknown notification": echo().set("Mcp-Method", "no/such").sending(`{"jsonrpc":"2.0","method":"no/such"}`),
		"end of a handshake":   echo().set("Mcp-Method", "notifications/initialized").sending(`{"jsonrpc":"2.0","method":"notifications/initialized"}`),
		"without headers":      echo().with(`"id":1,`, "").set("Mcp-Method").set("Mcp-Name").set("Mcp-Protocol-Version"),
	} {
		status, body, err := r.do(t.Context(), server)
		if err != nil || status != http.StatusAccepted || len(body) != 0 {
			t.Errorf("%s: answer %d %q (%v), want 202 and nothing", name, status, body, err)
		}
	}
	if n := f.runs.Load(); n != 0 {
		t.Errorf("handlers ran %d times", n)
	}
	checkAlive(t, f, server)
}
