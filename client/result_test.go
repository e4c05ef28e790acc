package client

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/mcp"
)

// The fast path for text gives the same result as the general decoder.
func FuzzDecodeToolResult(f *testing.F) {
	for _, text := range []string{
		`{"content":[{"type":"text","text":"a\u00e9"}],"isError":true,"_meta":{"a":1},"resultType":"complete"}`,
		`{"content":[],"structuredContent":null}`,
		`{"content":[{"type":"text","text":"a","annotations":{}}]}`,
		`{"content":[{"type":"image","data":"","mimeType":"image/png"}],"isError":null}`,
		`{}`, `[]`, `{"content":null}`, `{"isError":1}`, `{"resultType":null}`, `{"_meta":null}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var short, long mcp.CallToolResult
		if !decodeText(raw, &short) {
			return
		}
		if err := json.Unmarshal(raw, &long); err != nil {
			t.Fatalf("%s is decoded, and is an error the long way: %v", raw, err)
		}
		if diff := cmp.Diff(long, short); diff != "" {
			t.Errorf("%s (-long way +short way):\n%s", raw, diff)
		}
	})
}

// A result is not cached if it has changed during the request.
func TestCacheGeneration(t *testing.T) {
	t.Parallel()
	var c cache
	raw := []byte(`{"ttlMs":60000}`)
	generation := c.generation()
	c.drop("tools/list")
	c.store("tools/list", nil, raw, generation, 1<<20)
	if got := c.load("tools/list", nil); got != nil {
		t.Errorf("load = %s", got)
	}
	c.store("tools/list", nil, raw, c.generation(), 1<<20)
	if got := c.load("tools/list", nil); string(got) != string(raw) {
		t.Errorf("load = %s", got)
	}
}
