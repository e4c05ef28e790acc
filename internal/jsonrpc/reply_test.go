package jsonrpc_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestParseReply(t *testing.T) {
	for _, test := range []struct {
		name, text string
		code       int // 0 for accepted
		message    string
	}{
		{"result", `{"jsonrpc":"2.0","id":"a","result":{}}`, 0, ""},
		{"result null", `{"jsonrpc":"2.0","id":1,"result":null}`, 0, ""},
		{"error", `{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}`, 0, ""},
		{"both", `{"jsonrpc":"2.0","id":1,"result":{},"error":{}}`, mcp.CodeInvalidRequest, "either"},
		{"neither", `{"jsonrpc":"2.0","id":1}`, mcp.CodeInvalidRequest, "either"},
		{"no id", `{"jsonrpc":"2.0","result":{}}`, mcp.CodeInvalidRequest, "id"},
		{"id null", `{"jsonrpc":"2.0","id":null,"result":{}}`, mcp.CodeInvalidRequest, "id"},
		{"error text", `{"jsonrpc":"2.0","id":1,"error":"no"}`, mcp.CodeInvalidRequest, "object"},
		{"version", `{"id":1,"result":{}}`, mcp.CodeInvalidRequest, "2.0"},
		{"array", `[]`, mcp.CodeInvalidRequest, "batches"},
		{"duplicate", `{"jsonrpc":"2.0","id":1,"result":1,"result":2}`, mcp.CodeParseError, "duplicate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			reply, err := jsonrpc.ParseReply([]byte(test.text))
			if test.code == 0 {
				if err != nil || (reply.Result == nil) == (reply.Error == nil) {
					t.Errorf("ParseReply = %s, %v", reply, err)
				}
				return
			}
			if err == nil || err.Code != test.code || !strings.Contains(err.Message, test.message) {
				t.Errorf("ParseReply: %v, want %d %q", err, test.code, test.message)
			}
		})
	}
}

func TestSplitBatch(t *testing.T) {
	for _, test := range []struct {
		name, text, want string // the messages joined by "|", or a part of the error
		code             int
	}{
		{"two", ` [ {"a":1} , 2 ] `, `{"a":1}|2`, 0},
		{"one", `[{}]`, `{}`, 0},
		{"nested", `[[1,2],{"a":[3]}]`, `[1,2]|{"a":[3]}`, 0},
		{"empty", `[]`, "the batch is empty", mcp.CodeInvalidRequest},
		{"not an array", `{}`, "a batch is an array", mcp.CodeInvalidRequest},
		{"cut", `[{}`, "unexpected end", mcp.CodeParseError},
		{"trailing", `[{}]x`, "goes on", mcp.CodeParseError},
		{"trailing comma", `[{},]`, "want a value", mcp.CodeParseError},
		{"too many", `[` + strings.Repeat(`1,`, 64) + `1]`, "at most 64", mcp.CodeInvalidRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			batch, err := jsonrpc.SplitBatch([]byte(test.text))
			var got []string
			for _, m := range batch {
				got = append(got, string(m))
			}
			text, code := strings.Join(got, "|"), 0
			if err != nil {
				text, code = err.Message, err.Code
			}
			if !strings.Contains(text, test.want) || code != test.code {
				t.Errorf("SplitBatch(%s) = %s (%d), want %s (%d)", test.text, text, code, test.want, test.code)
			}
		})
	}
}
