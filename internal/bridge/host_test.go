package bridge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// patience bounds how long a test waits for an event that normally comes at
// once.
const patience = 3 * time.Minute

const (
	latest   = "2026-07-28"
	previous = "2025-11-25"
)

// A message is one that the host has received.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
	raw string
}

// A host is the other end of a bridge.
type host struct {
	t        *testing.T
	in       io.WriteCloser
	received chan message
	ended    chan error
	stop     context.CancelCauseFunc // as a signal does

	seen  []message                         // skipped while waiting for another message
	reply map[string]func(m message) string // answers of the host, by method
}

// newHost starts a bridge and returns its host.
func newHost(t *testing.T, config bridge.Config) *host {
	t.Helper()
	toBridge, in := io.Pipe()
	out, fromBridge := io.Pipe()
	ctx, stop := context.WithCancelCause(context.WithoutCancel(t.Context()))
	h := &host{t: t, in: in, received: make(chan message, 1000), ended: make(chan error, 1), stop: stop}
	go func() {
		err := bridge.Serve(ctx, toBridge, fromBridge, config)
		toBridge.Close()
		fromBridge.Close()
		h.ended <- err
	}()
	go func() {
		defer close(h.received)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			m := message{raw: line}
			if strings.HasPrefix(line, "[") {
				m.Method = "a batch"
			} else if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Errorf("the host received %q", line)
			}
			h.received <- m
		}
	}()
	t.Cleanup(func() {
		in.Close()
		for range h.received {
		}
	})
	return h
}

func (h *host) send(line string) {
	h.t.Helper()
	if _, err := io.WriteString(h.in, line+"\n"); err != nil {
		h.t.Fatal(err)
	}
}

// close closes the host's end and returns how the bridge has ended.
func (h *host) close() error {
	h.in.Close()
	for range h.received {
	}
	return <-h.ended
}

func (h *host) next() message {
	h.t.Helper()
	select {
	case m, ok := <-h.received:
		if !ok {
			h.t.Fatal("the bridge has ended")
		}
		return m
	case <-time.After(patience):
		h.t.Fatal("the host received nothing")
	}
	return message{}
}

// wait returns the first message that is wanted. Questions of the server are
// answered in the meantime.
func (h *host) wait(what string, want func(message) bool) message {
	h.t.Helper()
	for i, m := range h.seen {
		if want(m) {
			h.seen = append(h.seen[:i:i], h.seen[i+1:]...)
			return m
		}
	}
	for {
		m := h.next()
		if want(m) {
			return m
		}
		if answer := h.reply[m.Method]; answer != nil && m.ID != nil {
			h.send(answer(m))
			continue
		}
		h.seen = append(h.seen, m)
		if len(h.seen) > 500 {
			h.t.Fatalf("no %s among 500 messages", what)
		}
	}
}

func (h *host) notification(method string) message {
	h.t.Helper()
	return h.wait(method, func(m message) bool { return m.Method == method && m.ID == nil })
}

// batch returns the answer to a batch.
func (h *host) batch() string {
	h.t.Helper()
	return h.wait("a batch", func(m message) bool { return m.Method == "a batch" }).raw
}

func (h *host) response(id string) message {
	h.t.Helper()
	return h.wait("response to "+id, func(m message) bool { return m.Method == "" && string(m.ID) == id })
}

// result returns the result of the response to a request.
func (h *host) result(id string) string {
	h.t.Helper()
	m := h.response(id)
	if m.Error != nil {
		h.t.Fatalf("the answer to %s is %s", id, m.raw)
	}
	return string(m.Result)
}

const fullCapabilities = `{"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{"listChanged":true}}`

// initialize makes the handshake in a version.
func (h *host) initialize(version string) string {
	h.t.Helper()
	h.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":%q,"capabilities":%s,"clientInfo":{"name":"host","version":"1"}}}`, version, fullCapabilities))
	result := h.result(`"init"`)
	h.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return result
}

// request returns a request of the version; params are the members of the object.
func request(version, id, method, params string) string {
	if version == latest {
		if params != "" {
			params += ","
		}
		params += fmt.Sprintf(`"_meta":{"io.modelcontextprotocol/protocolVersion":%q,"io.modelcontextprotocol/clientInfo":{"name":"host","version":"1"},"io.modelcontextprotocol/clientCapabilities":%s}`, latest, fullCapabilities)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":{%s}}`, id, method, params)
}

// begin makes the handshake if the version has one.
func (h *host) begin(version string) {
	if version != latest {
		h.initialize(version)
	}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

type none struct{}

// newEngine returns a server with one tool for each behaviour of a call.
func newEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("fixture", append(opts, mcpengine.WithLogger(slog.New(slog.DiscardHandler)), mcpengine.WithInstructions("Be quick."))...)
	type place struct {
		City   string `json:"city"`
		Region string `json:"region,omitempty" header:"Region"`
	}
	mcpengine.AddTool(e, "weather", "", func(_ context.Context, in place) (string, error) {
		return "sunny in " + in.City + in.Region, nil
	})
	mcpengine.AddTool(e, "climb", "", func(ctx context.Context, _ none) (string, error) {
		for step := range 3 {
			mcpengine.Progress(ctx, float64(step+1), 3, "")
			mcpengine.Log(ctx, "warning", "climber", "step")
		}
		return "top", nil
	})
	mcpengine.AddTool(e, "grow", "", func(context.Context, none) (string, error) {
		mcpengine.AddTool(e, "grown", "", func(context.Context, none) (string, error) { return "", nil })
		return "grown", nil
	})
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (string, error) {
		who, err := mcpengine.Elicit[struct {
			Name string `json:"name"`
		}](ctx, "Who?")
		if err != nil {
			return "", err
		}
		roots, err := mcpengine.ListRoots(ctx)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("hello %s, %d roots", who.Name, len(roots)), nil
	})
	mcpengine.AddTool(e, "visit", "", func(ctx context.Context, _ none) (string, error) {
		if err := mcpengine.ElicitURL(ctx, "Please look.", "https://example.com/consent"); err != nil {
			return "", err
		}
		return "visited", nil
	})
	mcpengine.AddTool(e, "large", "", func(context.Context, none) (string, error) { return strings.Repeat("x", 10<<20), nil })
	mcpengine.AddResource(e, "file:///readme", "", func(context.Context, none) (string, error) { return "text", nil })
	mcpengine.AddTool(e, "touch", "", func(context.Context, none) (string, error) {
		e.ResourceUpdated("file:///readme")
		return "touched", nil
	})
	mcpengine.AddPrompt(e, "greet", "", func(context.Context, none) (string, error) { return "hello", nil })
	return e
}

// addWait adds a tool that waits until its call is cancelled.
func addWait(e *mcpengine.Engine) (started, ended chan struct{}) {
	started, ended = make(chan struct{}), make(chan struct{})
	mcpengine.AddTool(e, "wait", "", func(ctx context.Context, _ none) (string, error) {
		close(started)
		<-ctx.Done()
		close(ended)
		return "too late", ctx.Err()
	})
	return started, ended
}

// A pair is the version of a host and the version of a server.
type pair struct{ host, server string }

func (p pair) String() string { return p.host + " to " + p.server }

// pairs returns all pairs, and HTTP+SSE as a server.
func pairs() []pair {
	return []pair{{previous, latest}, {previous, previous}, {latest, latest}, {latest, previous}, {previous, "sse"}, {latest, "sse"}, {"2024-11-05", latest}, {"2025-06-18", previous}}
}

// open serves the engine in the server's version and returns a host of a bridge to
// it, after the handshake if there is one.
func (p pair) open(t *testing.T, e *mcpengine.Engine) *host {
	t.Helper()
	return p.openWith(t, e, bridge.Config{})
}

// openWith is open with a configuration, to which it adds the server.
func (p pair) openWith(t *testing.T, e *mcpengine.Engine, config bridge.Config) *host {
	t.Helper()
	t.Cleanup(e.Close)
	if p.server == "sse" {
		mux := http.NewServeMux()
		mux.Handle("/handshake/", http.StripPrefix("/handshake", e.SSEHandler("/handshake")))
		config.URL = serve(t, mux) + "/handshake/sse"
	} else {
		config.URL = serve(t, e)
		config.Peer.Versions = []string{p.server}
	}
	h := newHost(t, config)
	h.reply = map[string]func(message) string{
		"elicitation/create": func(m message) string {
			if strings.Contains(string(m.Params), `"url"`) {
				return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept"}}`, m.ID)
			}
			return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{"name":"Ada"}}}`, m.ID)
		},
		"roots/list": func(m message) string {
			return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"roots":[{"uri":"file:///a"},{"uri":"file:///b"}]}}`, m.ID)
		},
	}
	h.begin(p.host)
	return h
}

func eachPair(t *testing.T, test func(t *testing.T, p pair)) {
	t.Helper()
	for _, p := range pairs() {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// call calls a tool and returns its text, answering what it requires.
func (h *host) call(version, id, tool, arguments string) string {
	h.t.Helper()
	params := fmt.Sprintf(`"name":%q,"arguments":%s`, tool, arguments)
	more := ""
	for round := range 10 {
		roundID := fmt.Sprintf(`"%s-%d"`, id, round)
		h.send(request(version, roundID, "tools/call", params+more))
		result := h.result(roundID)
		var r struct {
			ResultType    string
			RequestState  json.RawMessage
			InputRequests map[string]message
			Content       []struct{ Text string }
			IsError       bool
		}
		if err := json.Unmarshal([]byte(result), &r); err != nil {
			h.t.Fatal(err)
		}
		if r.ResultType != "input_required" {
			if (r.ResultType == "complete") != (version == latest) {
				h.t.Errorf("a host of %s received the result type %q", version, r.ResultType)
			}
			if len(r.Content) == 0 {
				h.t.Fatalf("the result %s has no content", result)
			}
			return r.Content[0].Text
		}
		var responses []string
		for key, question := range r.InputRequests {
			question.ID = json.RawMessage("0")
			var answered message
			if err := json.Unmarshal([]byte(h.reply[question.Method](question)), &answered); err != nil {
				h.t.Fatal(err)
			}
			responses = append(responses, fmt.Sprintf("%q:%s", key, answered.Result))
		}
		more = `,"inputResponses":{` + strings.Join(responses, ",") + `}`
		if r.RequestState != nil {
			more += `,"requestState":` + string(r.RequestState)
		}
	}
	h.t.Fatal("more than 10 rounds")
	return ""
}

// knowing is a cache of one server.
type knowing struct{ known chan peer.Known }

func newKnowing(known peer.Known) *knowing {
	k := &knowing{make(chan peer.Known, 1)}
	k.known <- known
	return k
}

func (k *knowing) Load(string) (peer.Known, bool) {
	known := <-k.known
	k.known <- known
	return known, known.Version != ""
}

func (k *knowing) Store(_ string, known peer.Known) {
	<-k.known
	k.known <- known
}
