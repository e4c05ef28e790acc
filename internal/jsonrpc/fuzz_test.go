package jsonrpc_test

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// FuzzValid compares the scanner with an independent strict parser.
func FuzzValid(f *testing.F) {
	for _, seed := range []string{
		call, `[1,-0.5e+3,"\ud83d\ude00",true,false,null,{}]`, `{"a":1,"\u0061":2}`, `"\ud800"`, "\"\xff\"", `01`, `-`, `{"a":}`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if depth(data) > 100 {
			t.Skip("the limits on depth differ")
		}
		got := jsonrpc.Valid(data) == nil
		want := jsontext.Value(data).IsValid()
		if got != want {
			t.Errorf("Valid(%q) = %v, the reference says %v", data, got, want)
		}
	})
}

// FuzzParse checks what a caller of Parse relies on.
func FuzzParse(f *testing.F) {
	f.Add([]byte(call))
	f.Add([]byte(`{"jsonrpc":"2.0","id":"\u0041","method":"\u006d","params":{"_meta":{"a\"":1}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		var r jsonrpc.Request
		err := r.Parse(data)
		if !bytes.Equal(data, before) {
			t.Fatal("Parse changed the message")
		}
		if err != nil {
			if err.Code == 0 || err.Message == "" {
				t.Errorf("Parse: empty error %+v", err)
			}
			return
		}
		if !jsontext.Value(data).IsValid() {
			t.Errorf("Parse accepts invalid JSON %q", data)
		}
		if r.Method == "" {
			t.Errorf("Parse accepts %q without a method", data)
		}
		for _, m := range append(r.Params, r.Meta...) {
			if !jsontext.Value(m.Value).IsValid() {
				t.Errorf("value of %q is %q", m.Name, m.Value)
			}
		}
	})
}

func depth(data []byte) (deepest int) {
	open := 0
	for _, c := range data {
		switch c {
		case '[', '{':
			if open++; open > deepest {
				deepest = open
			}
		case ']', '}':
			open--
		}
	}
	return deepest
}
