package jsonrpc_test

import (
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// An error has the id of the message if the id can be read.
func TestIDOfMalformedRequest(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 130) + strings.Repeat("]", 130)
	for text, want := range map[string]string{
		`{"jsonrpc":"2.0","id":5,"method":"m","params":{"x":"\ud83d"}}`:       "5",
		`{"jsonrpc":"2.0","id":5,"method":"m","params":{"x":1,"x":2}}`:        "5",
		"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"m\",\"params\":\"\xe9\"}": "5",
		`{"jsonrpc":"2.0","id":5,"method":"m","params":` + deep + `}`:         "5",
		`{"jsonrpc":"2.0","method":"m","params":{"id":1,"x":NaN},"id":"a b"}`: `"a b"`,
		`{"jsonrpc":"2.0","id":5,"method":"m","params":{"x":"`:                "5",
		`{"jsonrpc":"2.0","id":5,"method":"m",}`:                              "5",
		`{"jsonrpc":"2.0","id":5,"method":"m"} x`:                             "5",
		`{"jsonrpc":"2.0","id":5,"method":"m\x"}`:                             "5",
		` {"id" : -1 , "method":"m", "a":'1'}`:                                "-1",
		`{"Method":"m","id":5,"jsonrpc":"2.0"}`:                               "5",
		`{"jsonrpc":"1.0","id":5,"method":"m"}`:                               "5",
		`{"jsonrpc":"2.0","method":"m","params":[],"id":5}`:                   "5",

		`{"id":5,"id":6,"method":"m"}`:                       "",
		`{"id":5,"\u0069d":6,"method":"m"}`:                  "",
		`{"id":5,"method":"m"}{"id":6,"method":"m"}`:         "",
		`{"id":5,"result":{"a":"\ud83d"}}`:                   "",
		`{"id":5,"method":"m","result":{"a":"\ud83d"}}`:      "",
		`{"id":5,"params":{"method":"\ud83d"}}`:              "",
		`{"id":null,"method":"m","params":NaN}`:              "",
		`{"id":1.5,"method":"m","params":NaN}`:               "",
		`{"id":{"a":1},"method":"m","params":NaN}`:           "",
		`{"id":05,"method":"m"}`:                             "",
		`{"id":"\ud83d","method":"m"}`:                       "",
		`[{"id":5,"method":"m","params":NaN}]`:               "",
		`{"method":"m","params":{"id":5,"method":"\ud83d"}}`: "",
		`id 5`: "", ``: "", `{`: "", `{"`: "", `{"id":5`: "", `{"id":5,"method"`: "", `{}}`: "",
		`{"id":"` + strings.Repeat("a", 300) + `","method":"m",}`: "",
	} {
		var r jsonrpc.Request
		if err := r.Parse([]byte(text)); err == nil {
			t.Errorf("Parse(%s) has no error", text)
		}
		if string(r.ID) != want {
			t.Errorf("the id of %s is %q, want %q", text, r.ID, want)
		}
	}
}

// The id that is recovered is the one that strict reading would have found: a
// message stays the same request when something wrong is added to it.
func FuzzRecoverID(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":5,"method":"m","params":{"a":[1,"}"]}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":"\"","method":"m"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r, broken jsonrpc.Request
		err := r.Parse(data)
		if len(r.ID) > 0 && jsonrpc.Valid(r.ID) != nil {
			t.Fatalf("the id of %s is %s", data, r.ID)
		}
		if err != nil || r.IsNotification() {
			return
		}
		id := string(r.ID)
		added := append([]byte(`{"broken":"\ud83d",`), strings.TrimLeft(string(data), " \t\r\n")[1:]...)
		if broken.Parse(added) == nil {
			t.Fatalf("%s is accepted", added)
		}
		if got := string(broken.ID); got != id && got != "" {
			t.Errorf("the id of %s is %q, want %q", added, got, id)
		}
	})
}
