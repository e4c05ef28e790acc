package handshake_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// versions are the answers that differ from version to version.
var versions = []struct {
	name, prompt, sum, progress, form string
}{
	{
		"2025-11-25", titled, `{"content":[{"type":"text","text":"3"}],"structuredContent":{"result":3}}`,
		withMessage, `{"mode":"form","message":"Name?",` + nameForm,
	},
	{"2025-06-18", titled, `{"content":[{"type":"text","text":"3"}],"structuredContent":{"result":3}}`, withMessage, `{"message":"Name?",` + nameForm},
	{"2025-03-26", plain, `{"content":[{"type":"text","text":"3"}]}`, withMessage, `{"message":"Name?",` + nameForm},
	{"2024-11-05", plain, `{"content":[{"type":"text","text":"3"}]}`, withoutMessage, `{"message":"Name?",` + nameForm},
}

const (
	titled         = `{"name":"greet","title":"Greet"}`
	plain          = `{"name":"greet"}`
	withMessage    = `{"progressToken":"t","progress":1,"total":2,"message":"half"}`
	withoutMessage = `{"progressToken":"t","progress":1,"total":2}`
	nameForm       = `"requestedSchema":{"type":"object","properties":{"user":{"type":"string"}},"required":["user"]}}`
)

// conversation is the part that is the same in every version.
const conversation = `
-> {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"$version","capabilities":{"roots":{"listChanged":true},"sampling":{},"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}}
<- {"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"$version","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true},"logging":{}},"serverInfo":{"name":"fixture","version":"1"}}}
-> {"jsonrpc":"2.0","method":"notifications/initialized"}
-> {"jsonrpc":"2.0","id":"p","method":"ping"}
<- {"jsonrpc":"2.0","id":"p","result":{}}
-> {"jsonrpc":"2.0","id":2,"method":"prompts/list"}
<- {"jsonrpc":"2.0","id":2,"result":{"prompts":[$prompt]}}
-> {"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}
<- {"jsonrpc":"2.0","id":3,"result":$sum}
-> {"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"work","arguments":{},"_meta":{"progressToken":"t"}}}
<- {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"info"}}
<- {"jsonrpc":"2.0","method":"notifications/progress","params":$progress}
<- {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":"error"}}
<- {"jsonrpc":"2.0","id":4,"result":{"content":[{"type":"text","text":"worked"}]}}
-> {"jsonrpc":"2.0","id":5,"method":"logging/setLevel","params":{"level":"error"}}
<- {"jsonrpc":"2.0","id":5,"result":{}}
-> {"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"work","arguments":{}}}
<- {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":"error"}}
<- {"jsonrpc":"2.0","id":6,"result":{"content":[{"type":"text","text":"worked"}]}}
-> {"jsonrpc":"2.0","id":7,"method":"resources/subscribe","params":{"uri":"file:///a"}}
<- {"jsonrpc":"2.0","id":7,"result":{}}
-> {"jsonrpc":"2.0","id":8,"method":"resources/unsubscribe","params":{"uri":"file:///a"}}
<- {"jsonrpc":"2.0","id":8,"result":{}}
-> {"jsonrpc":"2.0","id":9,"method":"resources/read","params":{"uri":"file:///c"}}
<- {"jsonrpc":"2.0","id":9,"error":{"code":-32002,"message":"Resource not found","data":{"uri":"file:///c"}}}
-> {"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"ask_roots","arguments":{}}}
<- {"jsonrpc":"2.0","id":"s-1","method":"roots/list","params":{}}
-> {"jsonrpc":"2.0","id":"s-1","result":{"roots":[{"uri":"file:///root"}]}}
<- {"jsonrpc":"2.0","id":10,"result":{"content":[{"type":"text","text":"file:///root"}]}}
-> {"jsonrpc":"2.0","method":"notifications/roots/list_changed"}
-> {"jsonrpc":"2.0","id":11,"method":"tools/call","params":{"name":"ask_model","arguments":{}}}
<- {"jsonrpc":"2.0","id":"s-2","method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"Q?"}}],"maxTokens":9}}
-> {"jsonrpc":"2.0","id":"s-2","result":{"role":"assistant","content":{"type":"text","text":"A."},"model":"m"}}
<- {"jsonrpc":"2.0","id":11,"result":{"content":[{"type":"text","text":"m"}]}}
-> {"jsonrpc":"2.0","id":12,"method":"tools/call","params":{"name":"ask_user","arguments":{}}}
<- {"jsonrpc":"2.0","id":"s-3","method":"elicitation/create","params":$form}
-> {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}
-> {"jsonrpc":"2.0","id":"s-3","result":{"action":"accept","content":{"user":"ann"}}}
<- {"jsonrpc":"2.0","id":12,"result":{"content":[{"type":"text","text":"ann"}]}}
-> {"jsonrpc":"2.0","id":13,"method":"tools/call","params":{"name":"wait","arguments":{}}}
-> {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":13,"reason":"enough"}}
-> {"jsonrpc":"2.0","id":13,"method":"ping"}
<- {"jsonrpc":"2.0","id":13,"result":{}}
`

func TestConversation(t *testing.T) {
	for _, v := range versions {
		script := strings.NewReplacer("$version", v.name, "$prompt", v.prompt, "$sum", v.sum, "$progress", v.progress, "$form", v.form).Replace(conversation)
		t.Run(v.name+" over stdio", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectStdio(t, newFixture())
				play(t, script, c)
				c.end()
			})
		})
		t.Run(v.name+" over HTTP+SSE", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := http.StripPrefix("/api", newFixture().SSEHandler("/api"))
				play(t, script, openSSE(t, h, "/api/sse", ""))
			})
		})
	}
}
