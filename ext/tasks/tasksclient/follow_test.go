package tasksclient_test

import (
	"context"
	"encoding/json"
	"errors"
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
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/mcp"
)

// A taskScript is a server that answers requests, but for server/discover, with
// the results it is given, the last one again and again. It notes what is asked,
// and whether the client declares the extension and mirrors the id.
type taskScript struct {
	mu       sync.Mutex
	results  func(i int) string
	asked    []string
	mistakes []string
}

func (s *taskScript) RoundTrip(r *http.Request) (*http.Response, error) {
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
	result := `{"supportedVersions":["2026-07-28"],"capabilities":{}}`
	if m.Method != "server/discover" {
		result = s.answer(r, m.Method, m.Params)
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, result)
	return &http.Response{
		StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func (s *taskScript) answer(r *http.Request, method string, params map[string]json.RawMessage) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.Contains(string(params["_meta"]), `"io.modelcontextprotocol/tasks":{}`) {
		s.mistakes = append(s.mistakes, method+" does not declare the extension")
	}
	if name := r.Header.Get("Mcp-Name"); strings.HasPrefix(method, "tasks/") && name != "t1" {
		s.mistakes = append(s.mistakes, method+" has the Mcp-Name "+name)
	}
	delete(params, "_meta")
	text, _ := json.Marshal(params)
	s.asked = append(s.asked, method+" "+string(text))
	return s.results(len(s.asked) - 1)
}

func (s *taskScript) client(t *testing.T, opts ...client.Option) *client.Client {
	t.Helper()
	opts = append([]client.Option{client.WithHTTPClient(&http.Client{Transport: s}), client.WithHandlers(client.Handlers{
		ElicitForm: func(context.Context, mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
			return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(`{"name":"Ada"}`)}, nil
		},
	})}, opts...)
	c, err := client.Connect(t.Context(), "http://server.example/mcp", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if len(s.mistakes) > 0 {
			t.Errorf("requests of the client: %q", s.mistakes)
		}
	})
	return c
}

func inOrder(results ...string) func(int) string {
	return func(i int) string { return results[min(i, len(results)-1)] }
}

const finished = `{"resultType":"complete","content":[{"type":"text","text":"done"}]}`

// A call waits for the result of its task, and answers each question of the task
// once.
func TestFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		state := func(status, rest string) string {
			return `{"resultType":"complete","taskId":"t1","status":"` + status + `","pollIntervalMs":5000` + rest + `}`
		}
		asks := state("input_required", `,"inputRequests":{"k":{"method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}}`)
		s := &taskScript{results: inOrder(
			`{"resultType":"task","taskId":"t1","status":"working","pollIntervalMs":5000,"ttlMs":null}`,
			asks, `{"resultType":"complete"}`, asks, state("completed", `,"result":`+finished),
		)}
		c := s.client(t, tasksclient.Follow(0))
		start := time.Now()
		if got, err := client.Call[string](t.Context(), c, "a", nil); err != nil || got != "done" {
			t.Errorf("a = %q, %v", got, err)
		}
		want := []string{
			`tools/call {"name":"a"}`, `tasks/get {"taskId":"t1"}`,
			`tasks/update {"inputResponses":{"k":{"action":"accept","content":{"name":"Ada"}}},"taskId":"t1"}`,
			`tasks/get {"taskId":"t1"}`, `tasks/get {"taskId":"t1"}`,
		}
		if diff := cmp.Diff(want, s.asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		if took := time.Since(start); took != 15*time.Second {
			t.Errorf("it took %v, want three times 5s", took)
		}
	})
}

// A task is cancelled when its call is.
func TestFollowCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &taskScript{results: inOrder(`{"resultType":"task","taskId":"t1","status":"working"}`)}
		c := s.client(t, tasksclient.Follow(-1))
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		if _, err := c.CallTool(ctx, "a", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("CallTool: %v", err)
		}
		if last := s.asked[len(s.asked)-1]; last != `tasks/cancel {"taskId":"t1"}` {
			t.Errorf("the last request is %s", last)
		}
	})
}

// A task is cancelled when its call is given up while a question of it is open.
func TestFollowCancelsQuestions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &taskScript{results: inOrder(
			`{"resultType":"task","taskId":"t1","status":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}}}`,
			`{"resultType":"complete"}`,
		)}
		ctx, cancel := context.WithCancel(t.Context())
		c := s.client(t, tasksclient.Follow(-1), client.WithHandlers(client.Handlers{
			ElicitForm: func(ctx context.Context, _ mcp.ElicitRequestFormParams) (answer mcp.ElicitResult, err error) {
				cancel()
				<-ctx.Done()
				return answer, ctx.Err()
			},
		}))
		if _, err := c.CallTool(ctx, "a", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("CallTool: %v", err)
		}
		if last := s.asked[len(s.asked)-1]; last != `tasks/cancel {"taskId":"t1"}` {
			t.Errorf("the last request is %s", last)
		}
	})
}

// What a server says of a task is checked and bounded.
func TestFollowMistakes(t *testing.T) {
	t.Parallel()
	input := func(name string) string {
		return fmt.Sprintf(`{"resultType":"task","taskId":"t1","status":"input_required","pollIntervalMs":50,"inputRequests":{%q:{"method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}}}`, name)
	}
	for _, test := range []struct {
		name    string
		results func(i int) string
		want    string
	}{
		{"no id", inOrder(`{"resultType":"task","status":"working"}`), "no taskId"},
		{"a number as id", inOrder(`{"resultType":"task","taskId":1,"status":"working"}`), "read a task"},
		{"unknown status", inOrder(`{"resultType":"task","taskId":"t1","status":"strange"}`), "strange"},
		{"no result", inOrder(`{"resultType":"task","taskId":"t1","status":"completed"}`), "no result"},
		{"no error", inOrder(`{"resultType":"task","taskId":"t1","status":"failed"}`), "no error"},
		{"failed", inOrder(`{"resultType":"task","taskId":"t1","status":"failed","error":{"code":-32000,"message":"out of ink"}}`), "out of ink"},
		{"cancelled", inOrder(`{"resultType":"task","taskId":"t1","status":"cancelled"}`), "cancelled"},
		{"a list as result", inOrder(`{"resultType":"task","taskId":"t1","status":"completed","result":[]}`), "not an object"},
		{"inputs that are a list", inOrder(`{"resultType":"task","taskId":"t1","status":"input_required","inputRequests":[]}`), "inputRequests"},
		{"inputs without end", func(i int) string { return input(fmt.Sprint("k", i/2)) }, "more than 512 inputs"}, // every other one answers tasks/update
		{"a long name", func(int) string { return input(strings.Repeat("k", 2000)) }, "more than 1024 bytes"},
		{"no end", inOrder(`{"resultType":"task","taskId":"t1","status":"working","pollIntervalMs":99999999999999999999}`), client.ErrIdle.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &taskScript{results: test.results}
				c := s.client(t, tasksclient.Follow(time.Hour))
				began := time.Now()
				_, err := c.CallTool(t.Context(), "a", nil)
				if err == nil || !strings.Contains(err.Error(), test.want) || time.Since(began) > time.Hour+time.Minute {
					t.Errorf("CallTool: %v after %v, want %q", err, time.Since(began), test.want)
				}
			})
		})
	}
}
