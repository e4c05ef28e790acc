package jsonrpc_test

import (
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestResponse(t *testing.T) {
	r := jsonrpc.NewResponse()
	r.BeginResult([]byte(`"a"`))
	r.Body = append(r.Body, `{}`...)
	r.EndResult()
	if got, want := string(r.Body), `{"jsonrpc":"2.0","id":"a","result":{}}`; got != want {
		t.Errorf("Body = %s, want %s", got, want)
	}
	if r.Code != 0 || r.Status != http.StatusOK {
		t.Errorf("Code, Status = %d, %d, want 0, 200", r.Code, r.Status)
	}
	r.Release()
}

func TestErrorResponse(t *testing.T) {
	for _, test := range []struct {
		name   string
		id     string
		err    *jsonrpc.Error
		body   string
		status int
	}{
		{"unknown method", `1`, jsonrpc.Errorf(mcp.CodeMethodNotFound, "no %q", "m"), `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no \"m\""}}`, 404},
		{"unreadable id", ``, jsonrpc.Errorf(mcp.CodeParseError, "bad"), `{"jsonrpc":"2.0","error":{"code":-32700,"message":"bad"}}`, 400},
		{"header", `1`, jsonrpc.Errorf(mcp.CodeHeaderMismatch, "bad"), `{"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"bad"}}`, 400},
		{"malformed", `1`, jsonrpc.Malformedf(mcp.CodeInvalidParams, "bad"), `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"bad"}}`, 400},
		{"unknown tool", `1`, jsonrpc.Errorf(mcp.CodeInvalidParams, "bad"), `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"bad"}}`, 200},
		{"data", `1`, &jsonrpc.Error{Code: 7, Message: "m\xff", Data: []byte(`{"a":1}`)}, `{"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"m` + "\ufffd" + `","data":{"a":1}}}`, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			var id []byte
			if test.id != "" {
				id = []byte(test.id)
			}
			r := jsonrpc.ErrorResponse(id, test.err)
			defer r.Release()
			if string(r.Body) != test.body || r.Status != test.status || r.Code != test.err.Code {
				t.Errorf("ErrorResponse = %s (%d, HTTP %d), want %s (HTTP %d)", r.Body, r.Code, r.Status, test.body, test.status)
			}
		})
	}
}

func TestNotification(t *testing.T) {
	n := jsonrpc.Notification{Method: "notifications/progress", Params: []byte(`{"progress":1}`)}
	if got, want := string(n.Append(nil)), `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}`; got != want {
		t.Errorf("Append = %s, want %s", got, want)
	}
}
