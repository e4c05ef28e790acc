package mcpengine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/mcp"
)

// A notebook is a journal in memory.
type notebook struct {
	answers, steps map[string]json.RawMessage
	questions      map[string]mcp.InputRequest
	received       []string
	suspended      bool
}

func newNotebook() *notebook {
	return &notebook{answers: map[string]json.RawMessage{}, steps: map[string]json.RawMessage{}}
}

var errUnanswered = errors.New("not answered yet")

func (n *notebook) Ask(key string, question mcp.InputRequest) (json.RawMessage, error) {
	if answer, ok := n.answers[key]; ok {
		return answer, nil
	}
	n.questions[key], n.suspended = question, true
	return nil, errUnanswered
}

func (n *notebook) Step(ctx context.Context, step mcpengine.StepInfo, run func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	if value, ok := n.steps[step.Name]; ok {
		return value, nil
	}
	value, err := run(ctx)
	if err == nil {
		n.steps[step.Name] = value
		n.received = append(n.received, fmt.Sprintf("step %s, option %v", step.Name, step.Value(optionKey{})))
	}
	return value, err
}

func (n *notebook) Suspended() bool { return n.suspended }

func (n *notebook) Progress(_ context.Context, progress, total float64, message string) {
	n.received = append(n.received, fmt.Sprintf("progress %g of %g: %s", progress, total, message))
}

func (n *notebook) Log(_ context.Context, level mcp.LoggingLevel, logger string, data any) {
	n.received = append(n.received, fmt.Sprintf("log %s %s: %v", level, logger, data))
}

type optionKey struct{}

// run runs the call with the journal, as a new process would.
func (n *notebook) run(t *testing.T, e *mcpengine.Engine, call mcpengine.DetachedCall) (string, error) {
	t.Helper()
	n.questions, n.suspended = map[string]mcp.InputRequest{}, false
	kept, err := json.Marshal(call)
	if err != nil {
		t.Fatal(err)
	}
	var again mcpengine.DetachedCall
	if err := json.Unmarshal(kept, &again); err != nil {
		t.Fatal(err)
	}
	result, err := e.CallDetached(t.Context(), again, n)
	return string(result.JSON()), err
}

// keep is an execution that keeps the call and answers it with a text.
func keep(calls *[]mcpengine.DetachedCall) mcpengine.ToolOption {
	return mcpengine.WithExecution(func(*mcpengine.Engine, string) (mcpengine.Execution, error) {
		return mcpengine.Execution{Call: func(_ context.Context, call mcpengine.DetachedCall) (mcpengine.Result, error) {
			*calls = append(*calls, call)
			return mcpengine.NewResult(json.RawMessage(`{"content":[{"type":"text","text":"kept"}]}`)), nil
		}}, nil
	})
}

type order struct {
	Item  string `json:"item"`
	Count int    `json:"count,omitempty" default:"2"`
}

type approval struct {
	Approve bool `json:"approve"`
}

// buy takes a step, asks, and reports.
func buy(ctx context.Context, in order) (string, error) {
	number, err := mcpengine.Step(ctx, "reserve", func(context.Context) (int, error) { return 41, nil }, mcpengine.StepValue(optionKey{}, "on"))
	if err != nil {
		return "", err
	}
	mcpengine.Progress(ctx, 1, 2, "reserved")
	mcpengine.Log(ctx, mcp.LoggingLevelInfo, "shop", "reserved")
	answer, err := mcpengine.Elicit[approval](ctx, "Buy?", mcpengine.WithKey("approve"))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %s, order %d, approved %t", in.Count, in.Item, number, answer.Approve), nil
}

// A call is taken out of its request, with valid arguments, and goes on where the
// last run ended.
func TestDetachedCall(t *testing.T) {
	t.Parallel()
	var calls []mcpengine.DetachedCall
	e := mcpengine.New("fixture", quiet())
	mcpengine.AddTool(e, "buy", "", buy, keep(&calls))
	post(t, e, call("buy")).response()
	if len(calls) != 0 {
		t.Fatalf("a call with invalid arguments reached the execution: %+v", calls)
	}
	got := post(t, e, message("tools/call", `"name":"buy","arguments":{"item":"pens"}`)).response()
	if !strings.Contains(got, `"text":"kept"`) || !strings.Contains(got, `"resultType":"complete"`) || len(calls) != 1 {
		t.Fatalf("response = %s, %d calls", got, len(calls))
	}
	calls[0].Meta[mcp.MetaClientCapabilities] = json.RawMessage(`{"elicitation":{}}`)
	n := newNotebook()
	if got, err := n.run(t, e, calls[0]); !errors.Is(err, mcpengine.ErrSuspended) {
		t.Fatalf("first run = %s, %v, want ErrSuspended", got, err)
	}
	if n.questions["approve"].Method != mcp.MethodElicitationCreate {
		t.Errorf("questions = %v", n.questions)
	}
	n.answers["approve"] = json.RawMessage(`{"action":"accept","content":{"approve":true}}`)
	got, err := n.run(t, e, calls[0])
	if err != nil || !strings.Contains(got, "2 pens, order 41, approved true") {
		t.Errorf("second run = %s, %v", got, err)
	}
	want := []string{
		"step reserve, option on", "progress 1 of 2: reserved", "log info shop: reserved", // the first run
		"progress 1 of 2: reserved", "log info shop: reserved",
	}
	if diff := cmp.Diff(want, n.received); diff != "" {
		t.Errorf("the journal received (-want +got):\n%s", diff)
	}
}

// Outside of a durable tool nothing would act on the option of a step.
func TestStepOptionNeedsJournal(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("fixture", quiet())
	mcpengine.AddTool(e, "buy", "", buy)
	got := post(t, e, message("tools/call", `"name":"buy","arguments":{"item":"pens"}`)).response()
	if !strings.Contains(got, `"code":-32603`) {
		t.Errorf("response = %s, want -32603", got)
	}
}

// A handler that fails in whatever way fails its own call and nothing else.
func TestDetachedFailure(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("fixture", quiet())
	handlers := map[string]func() error{
		"panic":    func() error { panic("secret") },
		"goexit":   func() error { runtime.Goexit(); return nil },
		"protocol": func() error { return mcp.Errorf(-31000, "out of stock") },
		"tool":     func() error { return errors.New("out of pens") },
	}
	for name, fail := range handlers {
		mcpengine.AddTool(e, name, "", func(context.Context, none) (string, error) { return "", fail() })
	}
	tests := []struct{ tool, want string }{
		{"panic", "internal error (-32603)"},
		{"goexit", "internal error (-32603)"},
		{"protocol", "out of stock (-31000)"},
		{"gone", `Unknown tool: "gone" (-32602)`},
	}
	for _, test := range tests {
		_, err := e.CallDetached(t.Context(), mcpengine.DetachedCall{Tool: test.tool, Arguments: json.RawMessage("{}")}, newNotebook())
		if public, ok := errors.AsType[*mcp.Error](err); !ok || public.Error() != test.want {
			t.Errorf("%s: error = %v, want %s", test.tool, err, test.want)
		}
	}
	result, err := e.CallDetached(t.Context(), mcpengine.DetachedCall{Tool: "tool", Arguments: json.RawMessage("{}")}, newNotebook())
	if err != nil || result.ToolError() == nil || !strings.Contains(string(result.JSON()), `"isError":true`) {
		t.Errorf("tool: result = %s, %v", result.JSON(), err)
	}
}

// The policy is asked of the caller that the call holds, as it is when the call
// runs.
func TestDetachedPolicy(t *testing.T) {
	t.Parallel()
	resource, err := auth.NewResource("https://server.example/mcp", auth.Custom("https://id.example", func(context.Context, string) (*auth.User, error) {
		return nil, auth.ErrInvalidToken
	}))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("fixture", quiet(), mcpengine.WithAuth(resource))
	mcpengine.AddTool(e, "whoami", "", func(ctx context.Context, _ none) (string, error) {
		u := auth.UserFrom(ctx)
		return fmt.Sprintf("%s %v", u.Subject, u.Claims["account"]), nil
	}, mcpengine.RequireScopes("read"))
	call := mcpengine.DetachedCall{Tool: "whoami", Arguments: json.RawMessage("{}")}
	if got, err := newNotebook().run(t, e, call); err == nil {
		t.Errorf("without a caller: %s", got)
	}
	call.User = &auth.User{Issuer: "https://id.example", Subject: "ann", Claims: map[string]any{"account": json.Number("12345678901234567890")}}
	if got, err := newNotebook().run(t, e, call); err == nil {
		t.Errorf("without the scope: %s", got)
	}
	call.User.Scopes = []string{"read"}
	if got, err := newNotebook().run(t, e, call); err != nil || !strings.Contains(got, "ann 12345678901234567890") {
		t.Errorf("with the scope: %s, %v", got, err)
	}
}

// An answer is checked before it is kept, by the question alone.
func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	form := mcp.InputRequest{Method: mcp.MethodElicitationCreate, Params: json.RawMessage(
		`{"mode":"form","message":"?","requestedSchema":{"type":"object","properties":{"approve":{"type":"boolean"},"note":{"type":"string"}},"required":["approve"]}}`)}
	visit := mcp.InputRequest{Method: mcp.MethodElicitationCreate, Params: json.RawMessage(`{"mode":"url","message":"?","url":"https://id.example/"}`)}
	sample := mcp.InputRequest{Method: mcp.MethodSamplingCreateMessage, Params: json.RawMessage(`{}`)}
	roots := mcp.InputRequest{Method: mcp.MethodRootsList}
	tests := []struct {
		question mcp.InputRequest
		answer   string
		ok       bool
	}{
		{form, `{"action":"accept","content":{"approve":true}}`, true},
		{form, `{"action":"accept","content":{"approve":true,"note":null}}`, true},
		{form, `{"action":"decline"}`, true},
		{form, `{"action":"cancel"}`, true},
		{form, `{"action":"accept","content":{"approve":"yes"}}`, false},
		{form, `{"action":"accept","content":{}}`, false},
		{form, `{"action":"accept"}`, false},
		{form, `{"action":"agree"}`, false},
		{form, `{}`, false},
		{form, `[]`, false},
		{form, `"accept"`, false},
		{form, `{"action":"accept","action":"decline"}`, false},
		{form, ``, false},
		{visit, `{"action":"accept"}`, true},
		{visit, `{"action":1}`, false},
		{sample, `{"role":"assistant","model":"m","content":{"type":"text","text":"hi"}}`, true},
		{sample, `{"role":"assistant"}`, false},
		{roots, `{"roots":[]}`, true},
		{roots, `{"roots":null}`, false},
		{roots, `{}`, false},
	}
	for _, test := range tests {
		err := mcpengine.CheckAnswer(t.Context(), test.question, json.RawMessage(test.answer))
		if ok := err == nil; ok != test.ok {
			t.Errorf("CheckAnswer(%s, %s) = %v, want ok = %t", test.question.Method, test.answer, err, test.ok)
		}
	}
}

// An execution that returns the error of a question has its tool asked again, with
// the answers and the steps of the rounds before.
func TestExecutionAsks(t *testing.T) {
	t.Parallel()
	question := mcp.InputRequest{Method: mcp.MethodElicitationCreate, Params: json.RawMessage(
		`{"mode":"form","message":"Buy?","requestedSchema":{"type":"object","properties":{"approve":{"type":"boolean"}}}}`)}
	started := 0
	e := mcpengine.New("fixture", quiet(), mcpengine.WithKeys(key(1)))
	mcpengine.AddTool(e, "buy", "", buy, mcpengine.WithExecution(func(*mcpengine.Engine, string) (mcpengine.Execution, error) {
		return mcpengine.Execution{Call: func(ctx context.Context, _ mcpengine.DetachedCall) (mcpengine.Result, error) {
			id, err := mcpengine.Step(ctx, "id", func(context.Context) (int, error) { started++; return started, nil })
			if err != nil {
				return mcpengine.Result{}, err
			}
			answer, err := mcpengine.Ask(ctx, question, mcpengine.WithKey("q-1"))
			if err != nil {
				return mcpengine.Result{}, err
			}
			text, _ := json.Marshal(fmt.Sprintf("task %d: %s", id, answer))
			return mcpengine.NewResult(json.RawMessage(`{"content":[{"type":"text","text":` + string(text) + `}]}`)), nil
		}}, nil
	}))
	first := post(t, e, message("tools/call", `"name":"buy","arguments":{"item":"pens"}`)).response()
	if !strings.Contains(first, `"inputRequests":{"q-1":`) {
		t.Fatalf("first response = %s", first)
	}
	second := post(t, e, message("tools/call", fmt.Sprintf(
		`"name":"buy","arguments":{"item":"pens"},"requestState":%q,"inputResponses":{"q-1":{"action":"decline"}}`, stateOf(t, first)))).response()
	if !strings.Contains(second, `task 1: {\"action\":\"decline\"}`) {
		t.Errorf("second response = %s", second)
	}
}

// A step needs no client that can be asked: without a question nothing runs again.
func TestStepWithoutSession(t *testing.T) {
	t.Parallel()
	if !servesHandshake {
		t.Skip("it speaks a handshake version")
	}
	e := mcpengine.New("fixture", quiet(), mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true}))
	mcpengine.AddTool(e, "count", "", func(ctx context.Context, _ none) (int, error) {
		return mcpengine.Step(ctx, "one", func(context.Context) (int, error) { return 1, nil })
	})
	r := newRequest(t.Context(), "http://server.example/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"count","arguments":{}}}`)
	r.Header.Set("MCP-Protocol-Version", mcp.TasksProtocolVersion)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `"text":"1"`) {
		t.Errorf("response = %s", w.Body)
	}
}

// A method may belong to a version that does not have its extension, and is answered
// to every client there.
func TestInVersions(t *testing.T) {
	t.Parallel()
	extension := func(versions ...string) mcpengine.Extension {
		return mcpengine.Extension{
			ID:       "com.example/notes",
			Settings: func(string) any { return nil },
			Features: []mcpengine.Feature{nothing("notes/list", mcpengine.InVersions(versions...))},
			Value:    "the value",
		}
	}
	e := mcpengine.New("fixture", quiet(), mcpengine.WithExtension(extension(mcp.LatestProtocolVersion)))
	if got := post(t, e, message("notes/list", "")).response(); !strings.Contains(got, `"resultType":"complete"`) {
		t.Errorf("response = %s", got)
	}
	if got := e.ExtensionValue("com.example/notes"); got != "the value" || e.ExtensionValue("com.example/other") != nil {
		t.Errorf("ExtensionValue = %v", got)
	}
	e = mcpengine.New("fixture", quiet(), mcpengine.WithExtension(extension(mcp.TasksProtocolVersion)))
	if got := post(t, e, message("notes/list", "")).response(); !strings.Contains(got, `"code":-32601`) {
		t.Errorf("response in another version = %s, want -32601", got)
	}
	defer func() {
		if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "2025-01-01") {
			t.Errorf("panic = %v, want one that names the version", v)
		}
	}()
	mcpengine.New("fixture", quiet(), mcpengine.WithExtension(extension("2025-01-01")))
}
