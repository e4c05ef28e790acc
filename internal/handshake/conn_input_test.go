package handshake_test

import (
	"strings"
	"testing"
	"testing/synctest"
)

// Wrong messages and their answers: none to notifications and responses, an
// error to everything else.
var wrongMessages = []struct {
	name string
	open bool // the handshake comes first
	send string
	want string
}{
	{"no version", false, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, failure("1", "-32602", noVersion)},
	{"params without version", false, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`, failure("1", "-32602", noVersion)},
	{"_meta without version", false, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}}`, failure("1", "-32602", noVersion)},
	{"setLevel", false, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"info"}}`, failure("1", "-32602", noVersion)},
	{"subscribe", false, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"file:///a"}}`, failure("1", "-32602", noVersion)},
	{"unknown method", false, `{"jsonrpc":"2.0","id":1,"method":"nothing"}`, failure("1", "-32602", noVersion)},
	{"notification as request", false, `{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}`, failure("1", "-32602", noVersion)},
	{"initialized", false, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, ``},
	{"response", false, `{"jsonrpc":"2.0","id":1,"result":{}}`, failure("1", "-32600", `the message is a response: clients send requests and notifications only`)},
	{"batch", false, `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, failure("", "-32600", `a message is one JSON object: batches are not part of the protocol`)},
	{"initialize as notification", false, `{"jsonrpc":"2.0","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, ``},
	{"initialize without params", false, `{"jsonrpc":"2.0","id":1,"method":"initialize"}`, failure("1", "-32602", `params.protocolVersion must be a string`)},
	{"initialize with an array", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":["2025-11-25"]}`, failure("1", "-32600", `params must be an object`)},
	{"initialize without version", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, failure("1", "-32602", `params.protocolVersion must be a string`)},
	{"version is a number", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":20251125,"capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, failure("1", "-32602", `params.protocolVersion must be a string`)},
	{"version is null", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":null,"capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, failure("1", "-32602", `params.protocolVersion must be a string`)},
	{"no capabilities", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"c","version":"1"}}}`, failure("1", "-32602", `params.capabilities must be an object`)},
	{"capabilities are an array", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":[],"clientInfo":{"name":"c","version":"1"}}}`, failure("1", "-32602", `params.capabilities must be an object`)},
	{"capabilities are null", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":null,"clientInfo":{"name":"c","version":"1"}}}`, failure("1", "-32602", `params.capabilities must be an object`)},
	{"no clientInfo", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}`, failure("1", "-32602", `params.clientInfo must be an object with name and version`)},
	{"clientInfo is a string", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":"c"}}`, failure("1", "-32602", `params.clientInfo must be an object with name and version`)},
	{"clientInfo without name", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"version":"1"}}}`, failure("1", "-32602", `params.clientInfo must be an object with name and version`)},
	{"clientInfo without version", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c"}}}`, failure("1", "-32602", `params.clientInfo must be an object with name and version`)},
	{"clientInfo with a version that is a number", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":1}}}`, failure("1", "-32602", `params.clientInfo must be an object with name and version`)},
	{"protocolVersion twice", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, failure("1", "-32700", `parse error: duplicate name \"protocolVersion\" at byte 117`)},
	{"initialize with the _meta of 2026-07-28", false, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`, failure("1", "-32601", `initialize is not a method here, supported protocol versions: 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05`)},
	{"garbage", false, `garbage`, failure("", "-32700", `parse error: unexpected byte 'g', want a value at byte 0`)},
	{"half a message", false, `{"jsonrpc":"2.0","id":1,"method":"initialize"`, failure("1", "-32700", `parse error: unexpected end of text, want ',' or '}' at byte 45`)},
	{"no version of JSON-RPC", true, `{"id":1,"method":"ping"}`, failure("1", "-32600", `jsonrpc must be \"2.0\"`)},
	{"other version of JSON-RPC", true, `{"jsonrpc":"1.0","id":1,"method":"ping"}`, failure("1", "-32600", `jsonrpc must be \"2.0\"`)},
	{"version of JSON-RPC is a number", true, `{"jsonrpc":2.0,"id":1,"method":"ping"}`, failure("1", "-32600", `jsonrpc must be \"2.0\"`)},
	{"id null", true, `{"jsonrpc":"2.0","id":null,"method":"ping"}`, failure("", "-32600", `id must be a string or an integer of at most 256 bytes`)},
	{"id fraction", true, `{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, failure("", "-32600", `id must be a string or an integer of at most 256 bytes`)},
	{"id object", true, `{"jsonrpc":"2.0","id":{},"method":"ping"}`, failure("", "-32600", `id must be a string or an integer of at most 256 bytes`)},
	{"id of 300 bytes", true, `{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 300) + `","method":"ping"}`, failure("", "-32600", `id must be a string or an integer of at most 256 bytes`)},
	{"no method", true, `{"jsonrpc":"2.0","id":1}`, failure("1", "-32600", `method must be a non-empty string`)},
	{"method is a number", true, `{"jsonrpc":"2.0","id":1,"method":1}`, failure("1", "-32600", `method must be a non-empty string`)},
	{"empty method", true, `{"jsonrpc":"2.0","id":1,"method":""}`, failure("1", "-32600", `method must be a non-empty string`)},
	{"unknown method", true, `{"jsonrpc":"2.0","id":1,"method":"nothing"}`, failure("1", "-32601", `Method not found: \"nothing\"`)},
	{"method in other case", true, `{"jsonrpc":"2.0","id":1,"method":"Ping"}`, failure("1", "-32601", `Method not found: \"Ping\"`)},
	{"name in other case", true, `{"jsonrpc":"2.0","id":1,"Method":"ping","method":"ping"}`, failure("1", "-32600", `name \"Method\" differs from \"method\" by case`)},
	{"name twice", true, `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}`, failure("", "-32700", `parse error: duplicate name \"method\" at byte 61`)},
	{"params is an array", true, `{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}`, failure("1", "-32600", `params must be an object`)},
	{"_meta is an array", true, `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":[]}}`, failure("1", "-32602", `_meta must be an object`)},
	{"_meta in other case", true, `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_Meta":{}}}`, failure("1", "-32600", `name \"_Meta\" differs from \"_meta\" by case`)},
	{"progress token is an object", true, `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":{}}}}`, failure("1", "-32602", `params._meta[\"progressToken\"] must be a string or an integer`)},
	{"progress token is a fraction", true, `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":1.5}}}`, failure("1", "-32602", `params._meta[\"progressToken\"] must be a string or an integer`)},
	{"version is a number", true, `{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":1}}}`, failure("1", "-32602", `params._meta[\"io.modelcontextprotocol/protocolVersion\"] must be a string`)},
	{"2026-07-28 without capabilities", true, `{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`, failure("1", "-32602", `params._meta[\"io.modelcontextprotocol/clientCapabilities\"] is missing`)},
	{"stateless request that names a handshake version", true, `{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25","io.modelcontextprotocol/clientCapabilities":{}}}}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"Unsupported protocol version \"2025-11-25\", supported: 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05","data":{"supported":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"requested":"2025-11-25"}}}`},
	{"method and result", true, `{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`, failure("1", "-32600", `the message is a response: clients send requests and notifications only`)},
	{"method and error", true, `{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}`, failure("1", "-32600", `the message is a response: clients send requests and notifications only`)},
	{"response", true, `{"jsonrpc":"2.0","id":1,"result":{}}`, ``},
	{"error without id", true, `{"jsonrpc":"2.0","error":{"code":1,"message":"no"}}`, ``},
	{"string", true, `"ping"`, failure("", "-32600", `a message is a JSON object`)},
	{"null", true, `null`, failure("", "-32600", `a message is a JSON object`)},
	{"empty object", true, `{}`, failure("", "-32600", `jsonrpc must be \"2.0\"`)},
	{"batch", true, `[]`, failure("", "-32600", `a message is one JSON object: batches are not part of the protocol`)},
	{"broken batch", true, `[{"jsonrpc":"2.0"`, failure("", "-32700", `parse error: unexpected end of text, want ',' or '}' at byte 17`)},
	{"two messages on a line", true, `{"jsonrpc":"2.0","id":1,"method":"ping"} {"jsonrpc":"2.0","id":2,"method":"ping"}`, failure("", "-32700", `parse error: text goes on after the value at byte 41`)},
	{"invalid UTF-8", true, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", failure("1", "-32700", `parse error: invalid UTF-8 at byte 34`)},
	{"unpaired surrogate", true, `{"jsonrpc":"2.0","id":"\ud800","method":"ping"}`, failure("", "-32700", `parse error: unpaired surrogate at byte 23`)},
	{"byte order mark", true, "\ufeff{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", failure("", "-32700", `parse error: unexpected byte 'ï', want a value at byte 0`)},
	{"single quotes", true, `{'jsonrpc':'2.0','id':1,'method':'ping'}`, failure("", "-32700", `parse error: unexpected byte '\\'', want a name at byte 1`)},
	{"comment", true, `{"jsonrpc":"2.0","id":1,"method":"ping"} // please`, failure("1", "-32700", `parse error: text goes on after the value at byte 41`)},
	{"setLevel without params", true, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel"}`, failure("1", "-32602", `params.level must be one of debug, info, notice, warning, error, critical, alert, emergency`)},
	{"setLevel without level", true, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{}}`, failure("1", "-32602", `params.level must be one of debug, info, notice, warning, error, critical, alert, emergency`)},
	{"setLevel to an unknown level", true, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"verbose"}}`, failure("1", "-32602", `params.level must be one of debug, info, notice, warning, error, critical, alert, emergency`)},
	{"setLevel in other case", true, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"Info"}}`, failure("1", "-32602", `params.level must be one of debug, info, notice, warning, error, critical, alert, emergency`)},
	{"setLevel to a number", true, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":7}}`, failure("1", "-32602", `params.level must be one of debug, info, notice, warning, error, critical, alert, emergency`)},
	{"setLevel to null", true, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":null}}`, failure("1", "-32602", `params.level must be one of debug, info, notice, warning, error, critical, alert, emergency`)},
	{"setLevel as notification", true, `{"jsonrpc":"2.0","method":"logging/setLevel","params":{"level":"emergency"}}`, ``},
	{"subscribe without params", true, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe"}`, failure("1", "-32602", `params.uri must be a string`)},
	{"subscribe without uri", true, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{}}`, failure("1", "-32602", `params.uri must be a string`)},
	{"subscribe to a number", true, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":1}}`, failure("1", "-32602", `params.uri must be a string`)},
	{"subscribe to nothing", true, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":""}}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"Resource not found","data":{"uri":""}}}`},
	{"subscribe to what does not exist", true, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"file:///\u0022x"}}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"Resource not found","data":{"uri":"file:///\"x"}}}`},
	{"unsubscribe without uri", true, `{"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{}}`, failure("1", "-32602", `params.uri must be a string`)},
	{"unsubscribe from an array", true, `{"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{"uri":["file:///a"]}}`, failure("1", "-32602", `params.uri must be a string`)},
	{"cancel without params", true, `{"jsonrpc":"2.0","method":"notifications/cancelled"}`, ``},
	{"cancel what is unknown", true, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`, ``},
	{"cancel as request", true, `{"jsonrpc":"2.0","id":1,"method":"notifications/cancelled","params":{"requestId":1}}`, failure("1", "-32601", `Method not found: \"notifications/cancelled\"`)},
	{"unknown notification", true, `{"jsonrpc":"2.0","method":"notifications/nothing"}`, ``},
	{"notification of wrong shape", true, `{"jsonrpc":"2.0","method":"notifications/initialized","params":7}`, ``},
	{"request without id", true, `{"jsonrpc":"2.0","method":"tools/list"}`, ``},
	{"call without name", true, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, failure("1", "-32602", `params.name must be a string`)},
	{"call of an unknown tool", true, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nothing"}}`, failure("1", "-32602", `Unknown tool: \"nothing\"`)},
	{"call with an array", true, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":[1,2]}}`, failure("1", "-32602", `params.arguments must be an object`)},
	{"call with wrong arguments", true, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":"1","b":2}}}`, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"arguments are invalid: a: must be an integer, got \"1\""}],"isError":true}}`},
	{"call that panics", true, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"panic","arguments":{}}}`, failure("1", "-32603", `internal error`)},
	{"read without uri", true, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{}}`, failure("1", "-32602", `params.uri must be a string`)},
	{"prompt that is unknown", true, `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"nothing"}}`, failure("1", "-32602", `Unknown prompt: \"nothing\"`)},
	{"cursor that is no cursor", true, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}`, failure("1", "-32602", `cursor is not valid (any more): list again from the start`)},
}

func TestWrongMessages(t *testing.T) {
	for _, test := range wrongMessages {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectStdio(t, newFixture())
				if test.open {
					c.open("2025-11-25")
				}
				c.send(test.send)
				if test.want == "" {
					c.wants()
				} else {
					c.wants(test.want)
				}
				c.send(request("99", "ping", "")) // the connection goes on
				c.wants(success("99", "{}"))
				c.end()
			})
		})
	}
}
