package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// A pages server answers every list with another page.
type pages struct {
	script
	wait time.Duration // for each, of the bubble's clock
}

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(p.wait)
	return p.script.RoundTrip(r)
}

// endless makes a server whose list does not end.
func endless(page func(i int) string) *script {
	s := &script{}
	for i := range 20_000 {
		s.results = append(s.results, page(i))
	}
	return s
}

// A list ends at its bounds, even if the server sends more pages.
func TestEndlessList(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		limits client.Limits
		page   func(i int) string
		want   string
	}{
		{"entries", client.Limits{MaxListEntries: 1000}, func(i int) string {
			return fmt.Sprintf(`{"tools":[%s],"nextCursor":"%d"}`, strings.Repeat(`{"name":"a","inputSchema":{}},`, 9)+`{"name":"a","inputSchema":{}}`, i)
		}, "1000 entries"},
		{"bytes", client.Limits{MaxListBytes: 100_000}, func(i int) string {
			return fmt.Sprintf(`{"tools":[],"nextCursor":"%d","x":%q}`, i, strings.Repeat("x", 5000))
		}, "100000 bytes"},
		{"pages", client.Limits{}, func(i int) string { return fmt.Sprintf(`{"tools":[],"nextCursor":"%d"}`, i) }, "10000 pages"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := endless(test.page).client(t, client.WithLimits(test.limits))
			tools, err := client.Collect(c.Tools(t.Context()))
			if _, ok := errors.AsType[*client.ProtocolError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d tools, %v, want %q", len(tools), err, test.want)
			}
		})
	}
}

// The time spent waiting for pages is bounded. The caller's own time does not
// count.
func TestSlowList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := endless(func(i int) string {
			return fmt.Sprintf(`{"tools":[{"name":"a","inputSchema":{}}],"nextCursor":"%d"}`, i)
		})
		slow := &pages{script: script{results: s.results}, wait: 20 * time.Second}
		c, err := client.Connect(t.Context(), "http://server.example/mcp", client.WithHTTPClient(&http.Client{Transport: slow}))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		_, err = client.Collect(c.Tools(t.Context()))
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "longer than 5m") || took > 6*time.Minute {
			t.Errorf("%v after %v", err, took)
		}
		seen := 0
		for _, err := range c.Tools(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // of the bubble's clock
			if seen++; seen == 10 {
				break
			}
		}
	})
}

// A call lists the tools until it finds its own, and no page is read twice.
func TestListedAsFarAsNeeded(t *testing.T) {
	t.Parallel()
	page := func(i int, next string) string {
		return fmt.Sprintf(`{"tools":[{"name":"t%d","inputSchema":{}}]%s}`, i, next)
	}
	s := &script{results: []string{
		page(0, `,"nextCursor":"1"`), complete, // t0
		page(1, `,"nextCursor":"2"`), page(2, `,"nextCursor":"3"`), complete, // t2
		complete,              // t1
		page(3, ``), complete, // no such tool
		complete, complete,
	}}
	c := s.client(t)
	for _, name := range []string{"t0", "t2", "t1", "none", "t3", "none"} {
		if _, err := c.CallTool(t.Context(), name, map[string]any{}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		`tools/list {}`, `tools/call t0`,
		`tools/list {"cursor":"1"}`, `tools/list {"cursor":"2"}`, `tools/call t2`,
		`tools/call t1`,
		`tools/list {"cursor":"3"}`, `tools/call none`,
		`tools/call t3`, `tools/call none`,
	}
	if diff := cmp.Diff(want, calls(s.asked)); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// calls shortens tool calls to their names.
func calls(asked []string) (short []string) {
	for _, a := range asked {
		method, params, _ := strings.Cut(a, " ")
		var p struct{ Name string }
		if method == mcp.MethodToolsCall && json.Unmarshal([]byte(params), &p) == nil {
			a = method + " " + p.Name
		}
		short = append(short, a)
	}
	return short
}

// If a cursor has expired, the list is read from its beginning.
func TestExpiredCursor(t *testing.T) {
	t.Parallel()
	s := &script{results: []string{
		`{"tools":[{"name":"t0","inputSchema":{}}],"nextCursor":"1"}`, complete,
		`error {"code":-32602,"message":"no such cursor"}`,
		`{"tools":[{"name":"t0","inputSchema":{}}],"nextCursor":"9"}`,
		`{"tools":[{"name":"t1","inputSchema":{}}]}`, complete,
	}}
	c := s.client(t)
	for _, name := range []string{"t0", "t1"} {
		if _, err := c.CallTool(t.Context(), name, map[string]any{}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		`tools/list {}`, `tools/call t0`,
		`tools/list {"cursor":"1"}`, `tools/list {}`, `tools/list {"cursor":"9"}`, `tools/call t1`,
	}
	if diff := cmp.Diff(want, calls(s.asked)); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
