package contract_test

import (
	"bytes"
	"testing"

	"github.com/mcpengine/mcpengine/contract"
)

// A lock file of a stranger is refused, or read and written without a change, and
// differs in nothing from itself.
func FuzzParse(f *testing.F) {
	lock := &contract.Lock{ProtocolVersion: "2026-07-28", Server: contract.Server{Name: "s"}}
	entry, err := contract.NewEntry([]byte(`{"name":"a","inputSchema":{"type":"object","properties":{"n":{"type":"integer","minimum":1}}}}`))
	if err != nil {
		f.Fatal(err)
	}
	lock.Tools = map[string]contract.Entry{"a": entry}
	seed, err := lock.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, text []byte) {
		lock, err := contract.Parse(text)
		if err != nil {
			return
		}
		once, err := lock.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := contract.Parse(once)
		if err != nil {
			t.Fatalf("its own encoding is refused: %v", err)
		}
		if twice, err := again.Encode(); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("the encoding changes: %v", err)
		}
		if changes := contract.Compare(lock, again); len(changes) > 0 {
			t.Errorf("it differs from itself: %s", changes.Text())
		}
	})
}

// Two definitions of strangers are compared in bounded time, and differ exactly
// when their digests do.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(`{"name":"a","inputSchema":{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}}}}`), []byte(`{"name":"a","inputSchema":true}`))
	f.Add([]byte(`{"annotations":{"readOnlyHint":true}}`), []byte(`{"annotations":1}`))
	f.Add([]byte(`{"arguments":[{"name":"x"}],"_meta":{"ui":{"csp":[1]}}}`), []byte(`{"arguments":{},"_meta":{"ui":{"csp":{"a":[2]}}}}`))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		x, err := contract.NewEntry(before)
		if err != nil {
			return
		}
		y, err := contract.NewEntry(after)
		if err != nil {
			return
		}
		lock := func(e contract.Entry) *contract.Lock { return &contract.Lock{Tools: map[string]contract.Entry{"a": e}} }
		changes := contract.Compare(lock(x), lock(y))
		if len(changes) > 0 && x.Digest == y.Digest {
			t.Errorf("equal definitions have changes: %s", changes.Text())
		}
		if _, err := changes.SARIF("x", before); err != nil {
			t.Error(err)
		}
	})
}
