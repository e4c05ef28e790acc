package stdio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/stdio"
)

// fuzzMax is small, so that long lines are found soon.
const fuzzMax = 200

// FuzzServe checks two guarantees for arbitrary input: Serve writes only
// messages, one a line, and answers each request once.
func FuzzServe(f *testing.F) {
	for _, seed := range []string{
		"", "\n\r\n", "garbage\n{}\n[]", request("1", "echo"), request("1", "echo") + "\r\n" + request("1", "echo"),
		request(`"a"`, "echo") + "\n" + request(`"\u0061"`, "echo") + "\n" + request("0", "m") + "\n" + request("-0", "m"),
		request("1", "m") + "\n" + cancelled("1") + "\n" + cancelled(`"1"`),
		request("1", "subscriptions/listen") + "\n" + `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{}}`,
		`{"jsonrpc":"2.0","id":1}` + "\n" + request("1", "m") + "\n" + `{"jsonrpc":"2.0","id":1,"result":{}}`,
		strings.Repeat("x", fuzzMax) + "\n" + strings.Repeat("y", fuzzMax+1) + "\n" + request("1", "m"),
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	h := handlerFunc(func(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		notify(jsonrpc.Notification{Method: "progress", Params: []byte(`{}`)})
		resp := jsonrpc.NewResponse()
		resp.BeginResult(req.ID)
		resp.Body = append(resp.Body, `{}`...)
		resp.EndResult()
		return resp
	})
	f.Fuzz(func(t *testing.T, input []byte, slowly bool) {
		var in io.Reader = bytes.NewReader(input)
		if slowly {
			in = iotest.OneByteReader(in)
		}
		var out bytes.Buffer
		if err := stdio.Serve(t.Context(), h, in, &out, stdio.Config{MaxMessage: fuzzMax, MaxConcurrent: 2}); err != nil {
			t.Fatalf("Serve: %v", err)
		}
		want := expect(input)
		answered, anonymous := responses(t, out.String())
		if anonymous < want.anonymous {
			t.Errorf("%d errors without id, want at least %d", anonymous, want.anonymous)
		}
		for id, lines := range want.lines {
			switch got := answered[id]; {
			case lines == 1 && got == 1:
			case lines == 1 && got == 0 && want.cancelled[id]: // it may have been in time
			case lines > 1 && got <= lines: // some may have met another under way
			default:
				t.Errorf("id %s got %d responses to %d lines", id, got, lines)
			}
		}
		for id := range answered {
			if want.lines[id] == 0 {
				t.Errorf("a response to id %s, which was never sent", id)
			}
		}
	})
}

// An expectation describes the answers that an input needs. Ids are keyed by
// their value.
type expectation struct {
	lines     map[any]int // how many lines have this id
	cancelled map[any]bool
	anonymous int // lines that can only be answered without an id
}

func expect(input []byte) expectation {
	want := expectation{lines: map[any]int{}, cancelled: map[any]bool{}}
	for line := range bytes.SplitSeq(input, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			continue
		}
		if len(line) > fuzzMax {
			want.anonymous++
			continue
		}
		var req jsonrpc.Request
		err := req.Parse(line)
		switch id := req.Params.Get("requestId"); {
		case req.ID != nil:
			want.lines[value(req.ID)]++
		case err != nil && req.Method == "":
			want.anonymous++
		case id != nil:
			want.cancelled[value(id)] = true
		}
	}
	return want
}

// responses counts the responses by id, and those without one.
func responses(t *testing.T, out string) (answered map[any]int, anonymous int) {
	answered = make(map[any]int)
	for line := range strings.Lines(out) {
		text, ok := strings.CutSuffix(line, "\n")
		if !ok {
			t.Errorf("half a line: %q", line)
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &m); err != nil || string(m["jsonrpc"]) != `"2.0"` {
			t.Errorf("not a message: %q", line)
		}
		switch id := m["id"]; {
		case m["method"] != nil:
		case id != nil:
			answered[value(id)]++
		default:
			anonymous++
		}
	}
	return answered, anonymous
}

// value is a comparable form of an id.
func value(id []byte) any {
	d := json.NewDecoder(bytes.NewReader(id))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(id)
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		if v == "-0" {
			return json.Number("0")
		}
		return v
	}
	return string(id)
}
