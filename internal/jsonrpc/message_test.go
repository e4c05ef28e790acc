package jsonrpc_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestParseMessage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		code       int // 0 for accepted
		message    string
	}{
		{"result", `{"jsonrpc":"2.0","id":1,"result":{}}`, 0, ""},
		{"error", `{"jsonrpc":"2.0","id":"a","error":{"code":-1,"message":"no"}}`, 0, ""},
		{"error of no request", `{"jsonrpc":"2.0","error":{}}`, 0, ""},
		{"error with id null", `{"jsonrpc":"2.0","id":null,"error":{}}`, 0, ""},
		{"request", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, 0, ""},
		{"notification", `{"jsonrpc":"2.0","method":"a","params":{"b":1}}`, 0, ""},
		{"unknown member", `{"jsonrpc":"2.0","id":1,"result":{},"x":1}`, 0, ""},
		{"array", `[]`, mcp.CodeInvalidRequest, "batches"},
		{"text", `hello`, mcp.CodeParseError, "want a value"},
		{"nothing", ``, mcp.CodeParseError, "end of text"},
		{"version", `{"id":1,"result":{}}`, mcp.CodeInvalidRequest, "2.0"},
		{"both", `{"jsonrpc":"2.0","id":1,"result":{},"error":{}}`, mcp.CodeInvalidRequest, "either"},
		{"neither", `{"jsonrpc":"2.0","id":1}`, mcp.CodeInvalidRequest, "either"},
		{"request and response", `{"jsonrpc":"2.0","id":1,"method":"a","result":{}}`, mcp.CodeInvalidRequest, "not both"},
		{"result null", `{"jsonrpc":"2.0","id":1,"result":null}`, mcp.CodeInvalidRequest, "object"},
		{"result without id", `{"jsonrpc":"2.0","result":{}}`, mcp.CodeInvalidRequest, "id"},
		{"fraction as id", `{"jsonrpc":"2.0","id":1.5,"result":{}}`, mcp.CodeInvalidRequest, "id"},
		{"request with id null", `{"jsonrpc":"2.0","id":null,"method":"a"}`, mcp.CodeInvalidRequest, "id"},
		{"params", `{"jsonrpc":"2.0","id":1,"method":"a","params":[]}`, mcp.CodeInvalidRequest, "params"},
		{"method", `{"jsonrpc":"2.0","id":1,"method":""}`, mcp.CodeInvalidRequest, "method"},
		{"case", `{"jsonrpc":"2.0","id":1,"Result":{},"result":{}}`, mcp.CodeInvalidRequest, "by case"},
		{"duplicate", `{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}`, mcp.CodeParseError, "duplicate"},
	} {
		var m jsonrpc.Message
		err := m.Parse([]byte(test.text))
		switch {
		case test.code == 0 && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.code != 0 && (err == nil || err.Code != test.code || !strings.Contains(err.Message, test.message)):
			t.Errorf("%s: %v, want %d %q", test.name, err, test.code, test.message)
		}
	}
}

func TestParseError(t *testing.T) {
	t.Parallel()
	got, err := jsonrpc.ParseError([]byte(`{"code":-32602,"message":"n\u006f","data":{"a": 1}}`))
	if err != nil || got.Code != -32602 || got.Message != "no" || string(got.Data) != `{"a": 1}` {
		t.Errorf("ParseError = %+v, %v", got, err)
	}
	for _, text := range []string{`{}`, `{"code":"1","message":""}`, `{"code":1.5,"message":""}`, `{"code":1}`, `[]`} {
		if got, err := jsonrpc.ParseError([]byte(text)); err == nil {
			t.Errorf("ParseError(%s) = %+v", text, got)
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	got, err := jsonrpc.ParseArray([]byte(` [1, {"a":2} ,[]] `))
	if err != nil || string(bytes.Join(got, []byte("|"))) != `1|{"a":2}|[]` {
		t.Errorf("Elements = %q, %v", got, err)
	}
	for _, text := range []string{``, `{}`, `[1`, `[1]2`} {
		if got, err := jsonrpc.ParseArray([]byte(text)); err == nil {
			t.Errorf("Elements(%s) = %q", text, got)
		}
	}
}

// Whatever is accepted as a message is strict JSON.
func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{"a":[1,"\u00e9"]}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","method":"a","params":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m jsonrpc.Message
		if m.Parse(data) == nil && jsonrpc.Valid(data) != nil {
			t.Errorf("Parse accepts %q, which is not valid", data)
		}
		if m.Error != nil {
			_, _ = jsonrpc.ParseError(m.Error)
		}
	})
}

func BenchmarkParseMessage(b *testing.B) {
	data := []byte(`{"jsonrpc":"2.0","id":17,"result":{"resultType":"complete","content":[{"type":"text","text":"The weather is sunny."}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		var m jsonrpc.Message
		if err := m.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
