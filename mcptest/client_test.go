package mcptest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

type none struct{}

func text(s string) mcpengine.Handler[none, string] {
	return func(context.Context, none) (string, error) { return s, nil }
}

// textOf calls a tool and returns the text of its result.
func textOf(t *testing.T, c *mcptest.Client, tool string) string {
	t.Helper()
	result, err := c.CallTool(t.Context(), tool, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Content) != 1 {
		t.Fatalf("the result of %s has %d content blocks, want 1", tool, len(result.Content))
	}
	return result.Content[0].(mcp.TextContent).Text
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", mcpengine.WithInstructions("Be quick."))
	mcpengine.AddTool(e, "tool", "", text("done"))
	got, err := mcptest.New(e).Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Instructions != "Be quick." || got.Capabilities.Tools == nil || got.Capabilities.Prompts != nil {
		t.Errorf("Discover() = %+v", got)
	}
}

// Lists are complete, however many pages they have.
func TestPages(t *testing.T) {
	t.Parallel()
	type variable struct {
		V string `json:"v"`
	}
	e := mcpengine.New("test", mcpengine.WithPageSize(2))
	var want []string
	for i := range 5 {
		name := fmt.Sprintf("f%d", i)
		want = append(want, name)
		mcpengine.AddTool(e, name, "", text(""))
		mcpengine.AddPrompt(e, name, "", text(""))
		mcpengine.AddResource(e, "test:"+name, "", text(""), mcpengine.WithName(name))
		mcpengine.AddResource(e, "test:"+name+"/{v}", "", func(context.Context, variable) (string, error) { return "", nil }, mcpengine.WithName(name))
	}
	c := mcptest.New(e)
	tools, err1 := c.ListTools(t.Context())
	prompts, err2 := c.ListPrompts(t.Context())
	resources, err3 := c.ListResources(t.Context())
	templates, err4 := c.ListResourceTemplates(t.Context())
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	got := make([][]string, 4)
	for i := range tools {
		got[0] = append(got[0], tools[i].Name)
		got[1] = append(got[1], prompts[i].Name)
		got[2] = append(got[2], resources[i].Name)
		got[3] = append(got[3], templates[i].Name)
	}
	if diff := cmp.Diff([][]string{want, want, want, want}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestReadGetComplete(t *testing.T) {
	t.Parallel()
	type variable struct {
		City string `json:"city"`
	}
	e := mcpengine.New("test")
	greet := func(_ context.Context, in variable) (string, error) { return "hello " + in.City, nil }
	complete := mcpengine.WithCompletion("city", func(_ context.Context, value string, resolved map[string]string) ([]string, error) {
		return []string{value + "ris in " + resolved["country"]}, nil
	})
	mcpengine.AddPrompt(e, "greet", "", greet, complete)
	mcpengine.AddResource(e, "greet://{city}", "", greet, complete)
	c := mcptest.New(e)

	prompt, err := c.GetPrompt(t.Context(), "greet", map[string]string{"city": "Päris"})
	if err != nil {
		t.Fatal(err)
	}
	if got := prompt.Messages[0].Content.(mcp.TextContent).Text; got != "hello Päris" {
		t.Errorf("GetPrompt() = %q", got)
	}
	contents, err := c.ReadResource(t.Context(), "greet://P%C3%A4ris")
	if err != nil {
		t.Fatal(err)
	}
	if got := contents.Contents[0].Text; got != "hello Päris" {
		t.Errorf("ReadResource() = %q", got)
	}
	for _, ref := range []mcp.CompletionReference{mcp.PromptReference{Name: "greet"}, mcp.ResourceTemplateReference{URI: "greet://{city}"}} {
		completion, err := c.Complete(t.Context(), ref, "city", "Pa", map[string]string{"country": "France"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(mcp.List[string]{"Paris in France"}, completion.Values); diff != "" {
			t.Errorf("Complete(%T) (-want +got):\n%s", ref, diff)
		}
	}
}

// Arguments that the tool mirrors travel in header fields too, and the client's
// own fields with every request.
func TestMirroredHeaders(t *testing.T) {
	t.Parallel()
	type place struct {
		Zone string `json:"zone,omitempty" header:"Zone"`
	}
	type query struct {
		Region string `json:"region" header:"Region"`
		Days   int    `json:"days,omitempty" header:"Days"`
		Sunny  bool   `json:"sunny,omitempty" header:"Sunny"`
		Place  *place `json:"place,omitempty"`
		Plain  string `json:"plain,omitempty"`
	}
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "weather", "", func(_ context.Context, in query) (string, error) { return in.Region, nil })
	var sent http.Header
	c := mcptest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Clone()
		e.ServeHTTP(w, r)
	}))
	c.Header = http.Header{"Authorization": {"Bearer token"}}
	tests := []struct {
		name      string
		arguments any
		want      map[string]string
	}{
		{"strings", map[string]any{"region": "eu-west", "plain": "p"}, map[string]string{"Region": "eu-west"}},
		{"numbers", map[string]any{"region": "r", "days": 7}, map[string]string{"Region": "r", "Days": "7"}},
		{"large numbers", map[string]any{"region": "r", "days": 9007199254740991}, map[string]string{"Region": "r", "Days": "9007199254740991"}},
		{"booleans", map[string]any{"region": "r", "sunny": true}, map[string]string{"Region": "r", "Sunny": "true"}},
		{"inside", query{Region: "r", Place: &place{Zone: "z"}}, map[string]string{"Region": "r", "Zone": "z"}},
		{"nothing inside", map[string]any{"region": "r", "place": nil}, map[string]string{"Region": "r"}},
		{"other letters", map[string]any{"region": "Île-de-France"}, map[string]string{"Region": "=?base64?w45sZS1kZS1GcmFuY2U=?="}},
		{"spaces at the ends", map[string]any{"region": " r "}, map[string]string{"Region": "=?base64?IHIg?="}},
		{"what looks encoded", map[string]any{"region": "=?base64?x"}, map[string]string{"Region": "=?base64?PT9iYXNlNjQ/eA==?="}},
		{"empty", map[string]any{"region": ""}, map[string]string{"Region": ""}},
	}
	for _, test := range tests {
		result, err := c.CallTool(t.Context(), "weather", test.arguments)
		if err != nil || result.IsError {
			t.Errorf("%s: CallTool() = %+v, %v", test.name, result, err)
			continue
		}
		got := map[string]string{}
		for name, values := range sent {
			if field, ok := strings.CutPrefix(name, "Mcp-Param-"); ok {
				got[field] = strings.Join(values, "|")
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: mirrored (-want +got):\n%s", test.name, diff)
		}
		if sent.Get("Authorization") != "Bearer token" {
			t.Errorf("%s: Authorization = %q", test.name, sent.Get("Authorization"))
		}
	}
}

type answer struct {
	Name string `json:"name"`
}

// asking is an engine whose tool asks twice.
func asking() *mcpengine.Engine {
	e := mcpengine.New("test", mcpengine.WithKeys(make([]byte, 32)))
	mcpengine.AddTool(e, "greet", "", func(ctx context.Context, _ none) (string, error) {
		first, err := mcpengine.Elicit[answer](ctx, "first?", mcpengine.WithKey("first"))
		if err != nil {
			return "", err
		}
		second, err := mcpengine.Elicit[answer](ctx, "second?", mcpengine.WithKey("second"))
		return first.Name + " and " + second.Name, err
	})
	mcpengine.AddTool(e, "insatiable", "", func(ctx context.Context, _ none) (string, error) {
		for i := 0; ; i++ {
			if err := mcpengine.ElicitURL(ctx, "again?", fmt.Sprintf("https://server.example/%d", i)); err != nil {
				return "", err
			}
		}
	})
	return e
}

func able(e http.Handler) *mcptest.Client {
	c := mcptest.New(e)
	c.Capabilities.Elicitation = &mcp.ElicitationCapability{Form: mcp.JSONObject{}, URL: mcp.JSONObject{}}
	return c
}

func accept(content string) mcp.ElicitResult {
	return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(content)}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	c := able(asking())
	var asked []string
	c.Answer = func(key string, request mcp.InputRequest) (any, error) {
		asked = append(asked, key+" "+request.Method)
		return accept(fmt.Sprintf(`{"name":%q}`, key)), nil
	}
	if got := textOf(t, c, "greet"); got != "first and second" {
		t.Errorf("CallTool() = %q", got)
	}
	if diff := cmp.Diff([]string{"first elicitation/create", "second elicitation/create"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	_, err := able(asking()).CallTool(t.Context(), "greet", nil)
	required, ok := errors.AsType[*mcptest.InputRequiredError](err)
	if !ok {
		t.Fatalf("CallTool() = %v, want an InputRequiredError", err)
	}
	if request := required.Result.InputRequests["first"]; request.Method != mcp.MethodElicitationCreate || required.Result.RequestState == nil {
		t.Errorf("required = %+v", required.Result)
	}
	if !strings.Contains(err.Error(), "1 input") {
		t.Errorf("error is %q", err)
	}
}

func TestFailedAnswer(t *testing.T) {
	t.Parallel()
	c := able(asking())
	lost := errors.New("the user is asleep")
	c.Answer = func(string, mcp.InputRequest) (any, error) { return nil, lost }
	if _, err := c.CallTool(t.Context(), "greet", nil); !errors.Is(err, lost) || !strings.Contains(err.Error(), "first") {
		t.Errorf("CallTool() = %v, want %v with the key", err, lost)
	}
}

// A server that never has enough does not hang the test.
func TestEndlessQuestions(t *testing.T) {
	t.Parallel()
	c := able(asking())
	c.Answer = func(string, mcp.InputRequest) (any, error) { return accept(`{}`), nil }
	if _, err := c.CallTool(t.Context(), "insatiable", nil); err == nil || !strings.Contains(err.Error(), "16 times") {
		t.Errorf("CallTool() = %v, want an error", err)
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "work", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "half")
		mcpengine.Log(ctx, mcp.LoggingLevelInfo, "", "quiet")
		mcpengine.Log(ctx, mcp.LoggingLevelError, "", "loud")
		return "done", nil
	})
	c := mcptest.New(e)
	if got := textOf(t, c, "work"); got != "done" {
		t.Errorf("without Notify: CallTool() = %q", got)
	}
	c.LogLevel = mcp.LoggingLevelWarning
	var got []string
	c.Notify = func(method string, params json.RawMessage) { got = append(got, method+" "+string(params)) }
	if got := textOf(t, c, "work"); got != "done" {
		t.Errorf("CallTool() = %q", got)
	}
	want := []string{
		`notifications/progress {"progressToken":2,"progress":1,"total":2,"message":"half"}`,
		`notifications/message {"level":"error","data":"loud"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notifications (-want +got):\n%s", diff)
	}
}

// Listen returns nil when the test has heard enough, and when the server ends
// the subscription.
func TestListen(t *testing.T) {
	t.Parallel()
	ends := map[string]func(e *mcpengine.Engine, cancel func()){
		"client": func(_ *mcpengine.Engine, cancel func()) { cancel() },
		"server": func(e *mcpengine.Engine, _ func()) { e.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := mcpengine.New("test")
			mcpengine.AddTool(e, "tool", "", text(""))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var got []string
			err := mcptest.New(e).Listen(ctx, mcp.SubscriptionFilter{ToolsListChanged: true}, func(method string, _ json.RawMessage) {
				if got = append(got, method); len(got) == 1 {
					e.RemoveTools("tool")
					return
				}
				end(e, cancel)
			})
			if err != nil {
				t.Errorf("Listen() = %v, want nil", err)
			}
			want := []string{mcp.MethodNotificationsSubscriptionsAcknowledged, mcp.MethodNotificationsToolsListChanged}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("notifications (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListenRefused(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	e.Close()
	err := mcptest.New(e).Listen(t.Context(), mcp.SubscriptionFilter{}, nil)
	if _, ok := errors.AsType[*mcptest.Error](err); !ok {
		t.Errorf("Listen() = %v, want an Error", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test")
	mcpengine.AddTool(e, "refuse", "", func(context.Context, none) (string, error) {
		return "", mcp.Errorf(7, "not today").WithData([]int{1})
	})
	mcpengine.AddTool(e, "notify", "", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "")
		return "", mcp.Errorf(8, "halfway")
	})
	c := mcptest.New(e)
	c.Notify = func(string, json.RawMessage) {}
	call := func(tool string) func() error {
		return func() error {
			_, err := c.CallTool(t.Context(), tool, nil)
			return err
		}
	}
	tests := []struct {
		name string
		call func() error
		want mcptest.Error
	}{
		{"of a tool", call("refuse"), mcptest.Error{Code: 7, Message: "not today", Data: json.RawMessage(`[1]`), Status: 200}},
		{"after a notification", call("notify"), mcptest.Error{Code: 8, Message: "halfway", Status: 200}},
		{"unknown method", func() error { _, err := c.ListPrompts(t.Context()); return err }, mcptest.Error{Code: -32601, Message: `Method not found: "prompts/list"`, Status: 404}},
	}
	for _, test := range tests {
		err := test.call()
		got, ok := errors.AsType[*mcptest.Error](err)
		if !ok {
			t.Errorf("%s: error = %v, want an Error", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if want := fmt.Sprintf("%s (%d)", test.want.Message, test.want.Code); err.Error() != want {
			t.Errorf("%s: Error() = %q, want %q", test.name, err, want)
		}
	}
}

// What is no MCP server is told from one that refuses.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"plain text", "text/plain", "Unauthorized\n", 401, "HTTP 401: Unauthorized"},
		{"nothing", "", "", 202, "HTTP 202"},
		{"other JSON", "application/json", `{"hello":"world"}`, 200, "neither a response nor a notification"},
		{"no object", "application/json", `[]`, 200, "decode"},
		{"a result of another shape", "application/json", `{"result":{"content":7}}`, 200, "decode the result of tools/call"},
		{"a result that is no object", "application/json", `{"result":7}`, 200, "decode the result of tools/call"},
		{"an empty stream", "text/event-stream", "", 200, "without a response"},
		{"a stream that breaks off", "text/event-stream", "data: {\"method\":\"notifications/message\",\"params\":{}}\n\n", 200, "without a response"},
		{"a stream of something else", "text/event-stream", "data: hello\n\n", 200, "decode"},
	}
	for _, test := range tests {
		c := mcptest.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if test.contentType != "" {
				w.Header().Set("Content-Type", test.contentType)
			}
			w.WriteHeader(test.status)
			fmt.Fprint(w, test.body)
		}))
		if _, err := c.CallTool(t.Context(), "tool", nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: CallTool() = %v, want %q", test.name, err, test.want)
		}
	}
}

func TestUnencodable(t *testing.T) {
	t.Parallel()
	c := able(asking())
	if _, err := c.CallTool(t.Context(), "greet", func() {}); err == nil || !strings.Contains(err.Error(), "encode arguments") {
		t.Errorf("CallTool() with a function = %v", err)
	}
	c.Answer = func(string, mcp.InputRequest) (any, error) { return func() {}, nil }
	if _, err := c.CallTool(t.Context(), "greet", nil); err == nil || !strings.Contains(err.Error(), "encode tools/call") {
		t.Errorf("CallTool() answered with a function = %v", err)
	}
}

// A client may be used from several goroutines.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	c := able(asking())
	c.Answer = func(key string, _ mcp.InputRequest) (any, error) { return accept(fmt.Sprintf(`{"name":%q}`, key)), nil }
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 10 {
				result, err := c.CallTool(t.Context(), "greet", none{})
				if err != nil || result.IsError {
					t.Errorf("CallTool() = %+v, %v", result, err)
				}
			}
		})
	}
	wait.Wait()
}
