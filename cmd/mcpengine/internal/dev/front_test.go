package dev

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// target is a server in memory.
func target(t *testing.T, handler http.Handler) *Target {
	t.Helper()
	base := &url.URL{Scheme: "http", Host: "localhost", Path: "/mcp"}
	transport := client.InMemory(handler)
	features, err := readFeatures(t.Context(), base, transport, nil)
	if err != nil {
		features = nil
	}
	return NewTarget(base, transport, features)
}

// engine is a server with these tools.
func engine(tools ...string) *mcpengine.Engine {
	e := mcpengine.New("test")
	for _, name := range tools {
		mcpengine.AddTool(e, name, "", func(context.Context, struct{}) (string, error) { return name, nil })
	}
	return e
}

func post(t *testing.T, f *Front, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/mcp", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	resp, err := client.InMemory(f).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const callSlow = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"slow"}}`

// A request that a replaced server does not answer in time is answered with an
// error, under its id.
func TestCutOff(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	slow := target(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "slow") {
			close(began)
			<-r.Context().Done()
		}
	}))
	f := NewFront(FrontConfig{})
	f.Use(slow)
	go func() {
		<-began
		f.Use(target(t, engine())).Drain(cancelled)
	}()
	status, answer := post(t, f, callSlow)
	if status != http.StatusOK || !strings.Contains(answer, `"id":7`) || !strings.Contains(answer, errCut.Error()) {
		t.Errorf("the answer is %d %s, want an error that says that the server was replaced", status, answer)
	}
}

// A request that a replaced server is still working on is answered by that server.
func TestDrain(t *testing.T) {
	t.Parallel()
	began, replaced := make(chan struct{}), make(chan struct{})
	e := engine()
	mcpengine.AddTool(e, "slow", "", func(context.Context, struct{}) (string, error) {
		close(began)
		<-replaced
		return "the old server", nil
	})
	f := NewFront(FrontConfig{})
	f.Use(target(t, e))
	c, err := client.Connect(t.Context(), "http://localhost/mcp", client.WithHTTPClient(&http.Client{Transport: client.InMemory(f)}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var old *Target
	go func() {
		<-began
		old = f.Use(target(t, engine("other")))
		close(replaced)
	}()
	text, err := client.Call[string](t.Context(), c, "slow", nil)
	if err != nil || text != "the old server" {
		t.Errorf("the call = %q, %v", text, err)
	}
	old.Drain(t.Context())
	if text, err := client.Call[string](t.Context(), c, "other", nil); err != nil || text != "other" {
		t.Errorf("the next call = %q, %v", text, err)
	}
}

// A server that ends in the middle of an answer leaves an error in its place.
// Requests that only read are sent to the next server instead.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	for name, prefix := range map[string]string{"before an answer": "", "in a stream": ": a comment\n\n", "in an object": `{"jsonrpc"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := NewTarget(&url.URL{Scheme: "http", Host: "localhost"}, client.InMemory(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if prefix != "" {
					kind := "application/json"
					if prefix[0] == ':' {
						kind = "text/event-stream"
					}
					w.Header().Set("Content-Type", kind)
					_, _ = io.WriteString(w, prefix)
				}
				panic(http.ErrAbortHandler)
			})), nil)
			f := NewFront(FrontConfig{})
			f.Use(broken)
			status, answer := post(t, f, callSlow)
			if status != http.StatusOK || !strings.Contains(answer, `"id":7`) || !strings.Contains(answer, "ended before it had answered") {
				t.Errorf("the answer is %d %s, want an error", status, answer)
			}
		})
	}
}

func TestReadAgain(t *testing.T) {
	t.Parallel()
	f := NewFront(FrontConfig{})
	asked := make(chan struct{}, 10)
	f.Use(NewTarget(&url.URL{Scheme: "http", Host: "localhost"}, client.InMemory(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		panic(http.ErrAbortHandler)
	})), nil))
	go func() {
		<-asked
		f.Use(target(t, engine("present")))
	}()
	c, err := client.Connect(t.Context(), "http://localhost/mcp", client.WithHTTPClient(&http.Client{Transport: client.InMemory(f)}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tools, err := client.Collect(c.Tools(t.Context()))
	if err != nil || len(tools) != 1 {
		t.Errorf("the tools are %v, %v", tools, err)
	}
}

// A subscription outlives its server, and tells of the lists that differ and of no
// others.
func TestListen(t *testing.T) {
	t.Parallel()
	f := NewFront(FrontConfig{})
	f.Use(target(t, engine("a", "b")))
	c, err := client.Connect(t.Context(), "http://localhost/mcp", client.WithHTTPClient(&http.Client{Transport: client.InMemory(f)}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var seen []string
	filter := mcp.SubscriptionFilter{ToolsListChanged: true, PromptsListChanged: true}
	for change, err := range c.Listen(t.Context(), filter) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, change.Method)
		switch len(seen) {
		case 1:
			if !change.Honoured.ToolsListChanged || !change.Honoured.PromptsListChanged {
				t.Errorf("the server honours %+v, want all that was asked for", change.Honoured)
			}
			f.Use(target(t, engine("a", "b"))) // nothing differs
			f.Use(target(t, engine("b", "c")))
		case 2:
			e := engine("b", "c")
			mcpengine.AddPrompt(e, "p", "", func(context.Context, struct{}) (string, error) { return "", nil })
			f.Use(target(t, e))
		}
		if len(seen) == 3 {
			break
		}
	}
	want := strings.Join([]string{mcp.MethodNotificationsSubscriptionsAcknowledged, mcp.MethodNotificationsToolsListChanged, mcp.MethodNotificationsPromptsListChanged}, " ")
	if got := strings.Join(seen, " "); got != want {
		t.Errorf("the notifications are %s, want %s", got, want)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	lock := func(tools ...string) *contract.Lock {
		features := target(t, engine(tools...)).features
		if features == nil {
			t.Fatal("the server cannot be asked")
		}
		return features
	}
	changed := lock("a", "c")
	entry := changed.Tools["a"]
	entry.Digest = "another"
	changed.Tools["a"] = entry
	for _, test := range []struct {
		name          string
		before, after *contract.Lock
		want          string
	}{
		{"nothing", lock("a"), lock("a"), ""},
		{"everything", lock("a", "b"), changed, "+c -b ~a"},
	} {
		if got := describe(compare(test.before, test.after)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if got := len(compare(nil, lock())); got != len(kinds) {
		t.Errorf("%d lists may differ from those of an unknown server, want all", got)
	}
}

func TestIsLocal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		host, origin string
		want         bool
	}{
		{"127.0.0.1:8000", "", true},
		{"localhost:8000", "http://localhost:3000", true},
		{"[::1]:8000", "", true},
		{"127.0.0.1:8000", "https://evil.example", false},
		{"127.0.0.1:8000", "null", false},
		{"evil.example:8000", "", false},
		{"evil.example", "http://127.0.0.1:8000", false},
		{"", "", false},
	} {
		r := &http.Request{Host: test.host, Header: http.Header{}}
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		if got := isLocal(r); got != test.want {
			t.Errorf("isLocal(%q, %q) = %v, want %v", test.host, test.origin, got, test.want)
		}
	}
	f := NewFront(FrontConfig{Local: true})
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://evil.example/mcp", strings.NewReader("{}")))
	if w.Code != http.StatusForbidden {
		t.Errorf("a request for another host is answered with %d", w.Code)
	}
}

// Whatever a server sends, what the client gets is JSON if that was, and stays the
// answer to its request.
func FuzzEdit(f *testing.F) {
	f.Add("tools/call", `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x"}]}}`)
	f.Add("tools/call", `{"jsonrpc":"2.0","id":1,"result":{"content":[]}}`)
	f.Add("prompts/list", `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}`)
	f.Add("server/discover", `{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"tools":{}}}}`)
	f.Add("initialize", `{"jsonrpc":"2.0","id":1,"result":{}}`)
	f.Fuzz(func(t *testing.T, method, data string) {
		front := NewFront(FrontConfig{Announce: true})
		front.Note("a note")
		edited, _ := front.edit(&jsonrpc.Message{ID: []byte("1"), Method: method}, []byte(data))
		var before, after jsonrpc.Message
		if before.Parse([]byte(data)) != nil {
			if string(edited) != data {
				t.Errorf("%q becomes %q", data, edited)
			}
			return
		}
		if err := after.Parse(edited); err != nil || string(after.ID) != string(before.ID) {
			t.Errorf("%q becomes %q: %v", data, edited, err)
		}
	})
}

func TestNote(t *testing.T) {
	t.Parallel()
	front := NewFront(FrontConfig{})
	request := &jsonrpc.Message{ID: []byte("1"), Method: mcp.MethodToolsCall}
	text := []byte(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x"}],"structuredContent":{"a":1}}}`)
	if edited, _ := front.edit(request, text); string(edited) != string(text) {
		t.Errorf("without a note the result becomes %s", edited)
	}
	front.Note("mind")
	edited, _ := front.edit(request, text)
	var answer struct{ Result mcp.CallToolResult }
	if err := json.Unmarshal(edited, &answer); err != nil || len(answer.Result.Content) != 2 || answer.Result.Content[1].(mcp.TextContent).Text != "mind" {
		t.Errorf("the result becomes %s", edited)
	}
	asks := []byte(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{}}}`)
	if edited, _ := front.edit(request, asks); string(edited) != string(asks) {
		t.Errorf("a question becomes %s", edited)
	}
}
