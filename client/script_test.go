package client_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// A script is a server of 2026-07-28 that answers requests, but for
// server/discover, with the results it is given, one after the other and the last
// one again and again. "error …" is the error of a response.
type script struct {
	mu      sync.Mutex
	results []string
	asked   []string // "method params", less _meta
	ids     []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var m struct {
		ID     json.RawMessage            `json:"id"`
		Method string                     `json:"method"`
		Params map[string]json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	answer := `"result":{"supportedVersions":["2026-07-28"],"capabilities":{}}`
	if m.Method != "server/discover" {
		answer = s.next(string(m.ID), m.Method, m.Params)
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, m.ID, answer)
	return &http.Response{
		StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func (s *script) next(id, method string, params map[string]json.RawMessage) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(params, "_meta")
	text, _ := json.Marshal(params)
	s.asked, s.ids = append(s.asked, method+" "+string(text)), append(s.ids, id)
	result := s.results[0]
	if len(s.results) > 1 {
		s.results = s.results[1:]
	}
	if rpcErr, ok := strings.CutPrefix(result, "error "); ok {
		return `"error":` + rpcErr
	}
	return `"result":` + result
}

func (s *script) client(t *testing.T, opts ...client.Option) *client.Client {
	t.Helper()
	opts = append(opts, client.WithHTTPClient(&http.Client{Transport: s}))
	c, err := client.Connect(t.Context(), "http://server.example/mcp", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

const (
	asksState   = `{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}},"requestState":"a\u0062\/\"é"}`
	asksNoState = `{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}}}`
	onlyState   = `{"resultType":"input_required","requestState":""}`
	complete    = `{"resultType":"complete","content":[{"type":"text","text":"done"}]}`
	answerAda   = `"inputResponses":{"k":{"action":"accept","content":{"name":"Ada"}}}`
)

// A round has only the answers and the state of the round before it, and an id
// of its own.
func TestRounds(t *testing.T) {
	t.Parallel()
	s := &script{results: []string{asksState, asksNoState, onlyState, complete, `{"content":[{"type":"text","text":"input_required \"task\""}]}`}}
	c := s.client(t, client.WithHandlers(handlers()))
	if got, err := client.Call[string](t.Context(), c, "a", nil); err != nil || got != "done" {
		t.Errorf("a = %q, %v", got, err)
	}
	if got, err := client.Call[string](t.Context(), c, "b", nil); err != nil || got != `input_required "task"` {
		t.Errorf("b = %q, %v", got, err)
	}
	want := []string{
		`tools/call {"name":"a"}`,
		`tools/call {` + answerAda + `,"name":"a","requestState":"a\u0062\/\"é"}`,
		`tools/call {` + answerAda + `,"name":"a"}`,
		`tools/call {"inputResponses":{},"name":"a","requestState":""}`,
		`tools/call {"name":"b"}`,
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	seen := map[string]bool{}
	for _, id := range s.ids {
		if seen[id] {
			t.Errorf("the id %s is used twice", id)
		}
		seen[id] = true
	}
}

// The inputs that a server requires are bounded, and the client must have a
// handler for them.
func TestRoundsBounds(t *testing.T) {
	t.Parallel()
	many := `{"resultType":"input_required","inputRequests":{`
	for i := range 33 {
		many += fmt.Sprintf(`%q:{"method":"roots/list"},`, fmt.Sprint(i))
	}
	many = strings.TrimSuffix(many, ",") + `}}`
	for _, test := range []struct{ result, want string }{
		{asksState, "asked for input 3 times"},
		{many, "more than 32"},
		{`{"resultType":"input_required","inputRequests":{"k":{"method":"ping"}}}`, "does not answer ping"},
		{`{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"mode":"url","message":"","url":"https://a.example"}}}}`, "mode of elicitation"},
		{`{"resultType":"input_required","inputRequests":{"k":7}}`, "input request"},
		{`{"resultType":"input_required","inputRequests":[]}`, "inputRequests"},
		{`{"resultType":"input_required","requestState":7}`, "must be a string"},
		{`{"resultType":"task","taskId":"1","status":"working"}`, `the type "task"`},
		{`{"content":7}`, "decode the result"},
	} {
		s := &script{results: []string{test.result}}
		c := s.client(t, client.WithHandlers(handlers()), client.WithLimits(client.Limits{MaxRounds: 3}))
		_, err := c.CallTool(t.Context(), "a", nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.result, err, test.want)
		}
	}
}

// A list whose cursor repeats ends with an error.
func TestCircularList(t *testing.T) {
	t.Parallel()
	s := &script{results: []string{`{"tools":[{"name":"a","inputSchema":{}}],"nextCursor":"again","ttlMs":0,"cacheScope":"public"}`}}
	tools, err := client.Collect(s.client(t).Tools(t.Context()))
	if err == nil || !strings.Contains(err.Error(), "leads to itself") {
		t.Errorf("Collect = %d tools, %v", len(tools), err)
	}
}

// A tool with invalid annotations is left out of the list.
func TestInvalidTools(t *testing.T) {
	t.Parallel()
	s := &script{results: []string{`{"tools":[
		{"name":"good","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}},
		{"name":"bad","inputSchema":{"properties":{"a":{"type":"object","x-mcp-header":"A"}}}},
		{"name":"far","inputSchema":{"$ref":"https://elsewhere.invalid/schema.json"}}],"ttlMs":0,"cacheScope":"public"}`}}
	var names []string
	for tool, err := range s.client(t).Tools(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	if diff := cmp.Diff([]string{"good", "far"}, names); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
}

// A result is cached for as long as the server allows, by its method and
// parameters, and not if the request took more than one round.
func TestCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const kept = `{"resultType":"complete","contents":[{"uri":"a:","text":"x"}],"ttlMs":60000,"cacheScope":"private"}`
		s := &script{results: []string{kept}}
		c := s.client(t, client.WithHandlers(handlers()))
		read := func(uri string, opts ...client.CallOption) {
			t.Helper()
			if _, err := c.ReadResource(t.Context(), uri, opts...); err != nil {
				t.Fatal(err)
			}
		}
		asked := func(want int, why string) {
			t.Helper()
			if got := len(s.asked); got != want {
				t.Errorf("%s: the server was asked %d times, want %d", why, got, want)
			}
			s.asked = nil
		}
		read("a:")
		read("a:")
		asked(1, "twice the same")
		read("b:")
		asked(1, "something else")
		read("a:", client.Fresh())
		asked(1, "fresh")
		time.Sleep(59 * time.Second) // of the bubble's clock
		read("a:")
		asked(0, "just in time")
		time.Sleep(time.Second)
		read("a:")
		asked(1, "too late")
		s.results = []string{asksNoState, kept}
		read("c:")
		asked(2, "two rounds")
		read("c:")
		asked(1, "after two rounds")
		s.results = []string{`{"resultType":"complete","contents":[],"ttlMs":-5,"cacheScope":"public"}`}
		read("d:")
		read("d:")
		asked(2, "a negative time")
	})
}

// The size of the cache is bounded.
func TestCacheBound(t *testing.T) {
	t.Parallel()
	result := `{"contents":[{"uri":"a:","text":"` + strings.Repeat("x", 3000) + `"}],"ttlMs":60000,"cacheScope":"public"}`
	s := &script{results: []string{result}}
	c := s.client(t, client.WithLimits(client.Limits{CacheBytes: 10_000}))
	for range 2 {
		for i := range 10 {
			if _, err := c.ReadResource(t.Context(), fmt.Sprint("a:", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if hits := 20 - len(s.asked); hits > 3 {
		t.Errorf("%d results of 3 kB are kept in 10 kB", hits)
	}
}

// If a tool has changed which arguments it mirrors, it is listed again and
// called once more.
func TestChangedMirror(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", `,"x-mcp-header":"Y"`} {
		s := &script{results: []string{mirrors(before), `error {"code":-32020,"message":"Header mismatch"}`, mirrors(`,"x-mcp-header":"X"`), complete}}
		c := s.client(t)
		if _, err := c.CallTool(t.Context(), "a", map[string]string{"x": "1"}); err != nil {
			t.Fatal(err)
		}
		want := []string{`tools/list {}`, `tools/call {"arguments":{"x":"1"},"name":"a"}`, `tools/list {}`, `tools/call {"arguments":{"x":"1"},"name":"a"}`}
		if diff := cmp.Diff(want, s.asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	}
}

// mirrors is a list with a tool whose argument has a member more.
func mirrors(member string) string {
	return `{"tools":[{"name":"a","inputSchema":{"properties":{"x":{"type":"string"` + member + `}}}}],"ttlMs":60000,"cacheScope":"public"}`
}

// A tool that was listed, with or without mirrored arguments, is called without
// listing it again, even if the iteration ended at that tool.
func TestListedOnce(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", `,"x-mcp-header":"X"`} {
		s := &script{results: []string{strings.Replace(mirrors(header), `"ttlMs":60000`, `"ttlMs":0,"nextCursor":"more"`, 1), complete}}
		c := s.client(t)
		for _, err := range c.Tools(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if _, err := c.CallTool(t.Context(), "a", map[string]string{"x": "1"}); err != nil {
			t.Fatal(err)
		}
		want := []string{`tools/list {}`, `tools/call {"arguments":{"x":"1"},"name":"a"}`}
		if diff := cmp.Diff(want, s.asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	t.Parallel()
	c := (&script{results: []string{complete}}).client(t)
	for _, arguments := range []any{7, []int{1}, func() {}} {
		if _, err := c.CallTool(t.Context(), "a", arguments); err == nil || !strings.Contains(err.Error(), "arguments of a") {
			t.Errorf("CallTool(%T): %v", arguments, err)
		}
	}
	if _, err := client.Call[mcp.CallToolResult](t.Context(), c, "a", json.RawMessage(`null`)); err == nil {
		t.Error("text that is no JSON is decoded as a struct")
	}
}
