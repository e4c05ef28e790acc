package inspector_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/inspector"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/mcp"
)

type none struct{}

// newServer is the server of the tests.
func newServer() *mcpengine.Engine {
	quiet := slog.New(slog.DiscardHandler)
	e := mcpengine.New("weather", mcpengine.WithKeys(make([]byte, 32)), mcpengine.WithLogger(quiet), mcpengine.WithPageSize(3),
		mcpengine.WithImplementation(mcp.Implementation{Version: "1.0"}), mcpengine.WithInstructions("Ask for a city."),
		mcpengine.WithExtension(tasks.Extension(tasks.Memory(), tasks.WithLogger(quiet))))
	type place struct {
		City string `json:"city" jsonschema:"name of the city"`
	}
	mcpengine.AddTool(e, "get_weather", "Return the current weather for a city.",
		func(_ context.Context, in place) (string, error) {
			return fmt.Sprintf("The weather in %s is sunny and 72°F.", in.City), nil
		})
	mcpengine.AddTool(e, "work", "Tell how it goes.", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "half")
		mcpengine.Log(ctx, mcp.LoggingLevelWarning, "oven", "hot")
		return "done", nil
	})
	mcpengine.AddTool(e, "refuse", "Fail as a request does.", func(context.Context, none) (string, error) {
		return "", mcp.Errorf(-32050, "closed").WithData([]int{1})
	})
	mcpengine.AddTool(e, "wait", "Wait until it is cancelled.", func(ctx context.Context, _ none) (string, error) {
		mcpengine.Progress(ctx, 1, 0, "waiting")
		<-ctx.Done()
		return "", ctx.Err()
	})
	addQuestions(e)
	mcpengine.AddTool(e, "rename", "Change the resource and the list of tools.", func(context.Context, none) (string, error) {
		mcpengine.AddTool(e, "new_tool", "It is new.", func(context.Context, none) (string, error) { return "", nil })
		e.RemoveTools("wait")
		e.ResourceUpdated("weather://today")
		return "renamed", nil
	})
	mcpengine.AddResource(e, "weather://today", "Today.", func(context.Context, none) (string, error) { return "sunny", nil })
	mcpengine.AddResource(e, "weather://{city}/now", "Now.", func(_ context.Context, in place) (string, error) { return in.City, nil },
		mcpengine.WithCompletion("city", func(_ context.Context, value string, _ map[string]string) ([]string, error) {
			return []string{value + "ma"}, nil
		}))
	mcpengine.AddPrompt(e, "pack", "What to pack.", func(_ context.Context, in place) (string, error) { return "Pack for " + in.City + ".", nil })
	return e
}

func addQuestions(e *mcpengine.Engine) {
	type name struct {
		Name string `json:"name"`
	}
	mcpengine.AddTool(e, "ask", "Ask for a name.", func(ctx context.Context, _ none) (string, error) {
		got, err := mcpengine.Elicit[name](ctx, "Your name?")
		if errors.Is(err, mcpengine.ErrDeclined) {
			return "declined", nil
		}
		return "Hello " + got.Name, err
	})
	mcpengine.AddTool(e, "visit", "Ask to open a page.", func(ctx context.Context, _ none) (string, error) {
		return "visited", mcpengine.ElicitURL(ctx, "Please pay.", "https://pay.example.com/1")
	})
	mcpengine.AddTool(e, "sample", "Ask the model.", func(ctx context.Context, _ none) (string, error) {
		result, err := mcpengine.CreateMessage(ctx, mcp.CreateMessageRequestParams{
			Messages: []mcp.SamplingMessage{{Role: mcp.RoleUser, Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "?"}}}}, MaxTokens: 9,
		})
		if err != nil {
			return "", err
		}
		return "model " + result.Model, nil
	})
	mcpengine.AddTool(e, "roots", "Ask for folders.", func(ctx context.Context, _ none) (string, error) {
		roots, err := mcpengine.ListRoots(ctx)
		return fmt.Sprintf("%d folders", len(roots)), err
	})
	mcpengine.AddTool(e, "task", "Become a task.", func(ctx context.Context, _ none) (string, error) {
		got, err := mcpengine.Elicit[name](ctx, "Whose?")
		return "task of " + got.Name, err
	}, tasks.Durable(tasks.Grace(0)))
}

// An httpTarget is a server that is reached through HTTP.
type httpTarget struct {
	handler http.Handler
	url     string
	header  map[string]string // by identity
	policy  mcpengine.Policy
}

func (t *httpTarget) Kind() string { return "url" }
func (t *httpTarget) Text() string { return "http://server.example/mcp" }

func (t *httpTarget) Connect(ctx context.Context, c inspector.Connection) (*inspector.Connected, error) {
	opts := append(c.Options, client.WithHTTPClient(&http.Client{Transport: c.HTTP(client.InMemory(t.handler))}))
	if value := t.header[c.Identity]; value != "" {
		opts = append(opts, client.WithHeader("Authorization", value), client.WithHeader("X-Api-Key", value))
	}
	if c.Version != "" {
		opts = append(opts, client.WithProtocolVersion(c.Version))
	}
	target := t.url
	if target == "" {
		target = "http://localhost/mcp" // the context of a request from the page tells the engine that it serves this machine
	}
	conn, err := client.Connect(ctx, target, opts...)
	if err != nil {
		return nil, err
	}
	return &inspector.Connected{Client: conn, Policy: func() (mcpengine.Policy, string) { return t.policy, "of the test" }}, nil
}

// A pipeTarget is a server on two streams.
type pipeTarget struct{ engine *mcpengine.Engine }

func (t *pipeTarget) Kind() string { return "command" }
func (t *pipeTarget) Text() string { return "weather" }

func (t *pipeTarget) Connect(ctx context.Context, c inspector.Connection) (*inspector.Connected, error) {
	fromServer, toClient := io.Pipe()
	fromClient, toServer := io.Pipe()
	go func() {
		_ = t.engine.ServeStdio(ctx, fromClient, toClient)
		toClient.Close()
	}()
	opts := c.Options
	if c.Version != "" {
		opts = append(opts, client.WithProtocolVersion(c.Version))
	}
	in, out := c.Streams(fromServer, toServer)
	conn, err := client.Attach(ctx, in, out, opts...)
	if err != nil {
		return nil, err
	}
	return &inspector.Connected{Client: conn}, nil
}

// A page speaks to an inspector as its page does.
type page struct {
	t      *testing.T
	base   string
	token  string
	stream *http.Client
}

// start serves an inspector until the test ends.
func start(t *testing.T, o inspector.Options) *page {
	t.Helper()
	if o.Name == "" {
		o.Name = "test"
	}
	i := inspector.New(o)
	if err := i.Listen(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	return serve(t, i)
}

// serve serves an inspector that listens.
func serve(t *testing.T, i *inspector.Inspector) *page {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- i.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	u, err := url.Parse(i.URL())
	if err != nil {
		t.Fatal(err)
	}
	p := &page{t: t, base: "http://" + u.Host, token: u.Query().Get("token"), stream: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(p.stream.CloseIdleConnections)
	return p
}

// connected is start, and waits until the server is connected to.
func connected(t *testing.T, o inspector.Options) *page {
	t.Helper()
	p := start(t, o)
	events := p.events(0)
	for {
		if e := events.next(); e["type"] == "state" {
			if state, _ := e["state"].(map[string]any); state["connected"] != true {
				t.Fatalf("the server is not connected to: %v", state["error"])
			}
			return p
		}
	}
}

func (p *page) request(method, path, body string) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (p *page) do(r *http.Request) (int, string) {
	p.t.Helper()
	resp, err := p.stream.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (p *page) get(path string) (int, string) { return p.do(p.request(http.MethodGet, path, "")) }

func (p *page) post(path, body string) (int, string) {
	return p.do(p.request(http.MethodPost, path, body))
}

// lines are the lines of a stream.
type lines struct {
	t       *testing.T
	body    io.ReadCloser
	scanner *bufio.Scanner
}

func (p *page) open(r *http.Request) *lines {
	p.t.Helper()
	resp, err := p.stream.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "application/x-ndjson" {
		text, _ := io.ReadAll(resp.Body)
		p.t.Fatalf("%s %s: HTTP %d %s %s", r.Method, r.URL, resp.StatusCode, kind, text)
	}
	s := bufio.NewScanner(resp.Body)
	s.Buffer(nil, 64<<20)
	return &lines{p.t, resp.Body, s}
}

func (p *page) events(after int) *lines {
	return p.open(p.request(http.MethodGet, fmt.Sprintf("/api/events?after=%d", after), ""))
}

func (p *page) send(method, params string) *lines {
	return p.open(p.request(http.MethodPost, "/api/request", fmt.Sprintf(`{"method":%q,"params":%s}`, method, params)))
}

func (p *page) call(tool string) *lines {
	return p.send("tools/call", fmt.Sprintf(`{"name":%q,"arguments":{}}`, tool))
}

// next returns the next line, and nil after the last.
func (l *lines) next() map[string]any {
	l.t.Helper()
	for l.scanner.Scan() {
		if len(bytes.TrimSpace(l.scanner.Bytes())) == 0 {
			continue
		}
		var line map[string]any
		if err := json.Unmarshal(l.scanner.Bytes(), &line); err != nil {
			l.t.Fatalf("%s: %v", l.scanner.Text(), err)
		}
		return line
	}
	return nil
}

// until returns the next line of a type.
func (l *lines) until(kind string) map[string]any {
	l.t.Helper()
	var seen []any
	for line := l.next(); line != nil; line = l.next() {
		if line["type"] == kind {
			return line
		}
		seen = append(seen, line)
	}
	l.t.Fatalf("the stream ended without %s, after %v", kind, seen)
	return nil
}

// text returns the text of a result line.
func text(line map[string]any) string {
	result, _ := line["result"].(map[string]any)
	content, _ := result["content"].([]any)
	if len(content) == 0 {
		return fmt.Sprint(line)
	}
	block, _ := content[0].(map[string]any)
	return fmt.Sprint(block["text"])
}
