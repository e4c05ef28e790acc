package jsonrpc_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "city", `"`, `a"b`, `\`, "a\\", "é", "9 °C", "a\nb", "\x00", "a\x7fb", "\xff", "a\xff", "a\u2028<b>", "😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, _ := jsontext.AppendQuote([]byte("x"), s)
		if got := jsonrpc.AppendString([]byte("x"), s); string(got) != string(want) {
			t.Errorf("AppendString(%q) = %q, want %q", s, got, want)
		}
		if got := jsonrpc.AppendString(nil, []byte(s)); string(got) != string(want[1:]) {
			t.Errorf("AppendString(%q) = %q, want %q", []byte(s), got, want[1:])
		}
	})
}
