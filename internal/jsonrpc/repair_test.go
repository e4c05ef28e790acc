package jsonrpc_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

func TestRepairText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"plain \n \" \\ \u00e9 é"`: `"plain \n \" \\ \u00e9 é"`,
		"\"caf\xe9\"":               `"caf` + "\uFFFD" + `"`,
		`"cut \ud83d"`:              `"cut \ufffd"`,
		`"cut \uD83D\n"`:            `"cut \ufffd\n"`,
		`"\ude00 rest"`:             `"\ufffd rest"`,
		`"\ud83d\ud83d\ude00"`:      `"\ufffd\ud83d\ude00"`,
		`"\ud83d\ude00\ude00"`:      `"\ud83d\ude00\ufffd"`,
		`"\\ud83d"`:                 `"\\ud83d"`,
		`"\`:                        `"\`,
		"\"\\\xe8\"":                "\"\\\uFFFD\"",
		`"\u12`:                     `"\u12`,
	} {
		got, changed := jsonrpc.RepairText([]byte(text))
		if string(got) != want || changed != (text != want) {
			t.Errorf("RepairText(%q) = %q, %v, want %q", text, got, changed, want)
		}
	}
}

// What encoding/json takes for a text, which it repairs in the same way, is one
// that the strict reader takes once it is repaired.
func FuzzRepairText(f *testing.F) {
	for _, seed := range []string{"caf\xe9", `cut \ud83d`, `\ude00`, `\\ud83d`, "\xf0\x9f\x98", `\ud83d\u0041`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data := []byte(`{"a":"` + text + `"}`)
		before := bytes.Clone(data)
		repaired, changed := jsonrpc.RepairText(data)
		if !bytes.Equal(data, before) || changed == bytes.Equal(repaired, data) {
			t.Fatalf("RepairText(%q) = %q, %v", before, repaired, changed)
		}
		if !utf8.Valid(repaired) {
			t.Errorf("RepairText(%q) = %q is not UTF-8", before, repaired)
		}
		var loose struct{ A string }
		if json.Unmarshal(data, &loose) != nil || strings.Count(string(data), `"`) != 4 {
			return // it is not the text that is wrong
		}
		members, err := jsonrpc.ParseObject(repaired)
		if err != nil {
			t.Fatalf("the repaired %q: %v", repaired, err)
		}
		if got := jsonrpc.Text(members.Get("a")); got != loose.A {
			t.Errorf("the repaired text is %q, encoding/json reads %q", got, loose.A)
		}
	})
}
