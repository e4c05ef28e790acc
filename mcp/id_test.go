package mcp_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/mcpengine/mcpengine/mcp"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	testRoundTrip(t, []wireForm{
		{mcp.StringID("abc"), `"abc"`},
		{mcp.StringID(""), `""`},
		{mcp.StringID("1"), `"1"`},
		{mcp.StringID("a\"b\n"), `"a\"b\n"`},
		{mcp.IntegerID(1), `1`},
		{mcp.IntegerID(0), `0`},
		{mcp.IntegerID(-7), `-7`},
		{mcp.IntegerID(1<<53 + 1), `9007199254740993`},
		{mcp.IntegerID(math.MaxInt64), `9223372036854775807`},
		{mcp.IntegerID(math.MinInt64), `-9223372036854775808`},
	})
	testRefusals(t, []refusal{
		{mcp.RequestID{}, `null`, `want a string or an integer, have "null"`},
		{mcp.RequestID{}, `1.5`, `want a string or an integer, have "1.5"`},
		{mcp.RequestID{}, `1.0`, `want a string or an integer`},
		{mcp.RequestID{}, `1e3`, `want a string or an integer`},
		{mcp.RequestID{}, `9223372036854775808`, `want a string or an integer`},
		{mcp.RequestID{}, `true`, `want a string or an integer`},
		{mcp.RequestID{}, `{}`, `want a string or an integer`},
		{mcp.RequestID{}, `[1]`, `want a string or an integer`},
	})
}

func TestRequestIDFormsDiffer(t *testing.T) {
	t.Parallel()
	pending := map[mcp.RequestID]string{
		mcp.StringID("1"):  "string",
		mcp.IntegerID(1):   "integer",
		mcp.StringID(""):   "empty",
		mcp.IntegerID(0):   "zero",
		(mcp.RequestID{}):  "absent",
		mcp.StringID("-1"): "negative",
	}
	if len(pending) != 6 {
		t.Errorf("%d different ids, want 6", len(pending))
	}
	for id, want := range map[mcp.RequestID]string{mcp.StringID("1"): "1", mcp.IntegerID(1): "1", {}: ""} {
		if got := id.String(); got != want {
			t.Errorf("%#v.String() = %q, want %q", id, got, want)
		}
	}
}

func TestAbsentRequestIDDoesNotEncode(t *testing.T) {
	t.Parallel()
	for _, c := range codecs {
		if data, err := c.marshal(mcp.CancelledNotificationParams{}); err == nil {
			t.Errorf("%s: encode = %s, want an error", c.name, data)
		}
	}
}

func FuzzRequestID(f *testing.F) {
	for _, seed := range []string{`"a"`, `1`, `-0`, `1.0`, `null`, `"\ud800"`, `99999999999999999999`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// The decoder is also called by itself, on bytes nobody has checked.
		var id mcp.RequestID
		if err := id.UnmarshalJSON(data); err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is not JSON but decodes to %v", data, id)
		}
		checkStable(t, id)
	})
}
