package aws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/aws"
)

// A cloud is AWS for a test: moto's DynamoDB, and a function whose processes are
// engines of the test.
type cloud struct {
	*testing.T
	server *httptest.Server
	table  string
	dynamo *dynamodb.Client

	timeout   time.Duration // of an invocation
	invoked   atomic.Int32
	deliver   atomic.Int32 // how often an event is delivered
	finished  atomic.Int32 // events that are answered
	down      atomic.Bool  // Invoke answers 503
	tableDown atomic.Bool  // and DynamoDB does
	running   sync.WaitGroup

	mu       sync.Mutex
	replicas []*replica
	next     int
	requests map[string]int // of DynamoDB, by operation
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	address := moto.start(t)
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{T: t, timeout: time.Minute, requests: make(map[string]int)}
	c.deliver.Store(1)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/"):
			c.invoke(w, r)
		case c.tableDown.Load():
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Throttled"}`)
		default:
			_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
			c.mu.Lock()
			c.requests[operation]++
			c.mu.Unlock()
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		for _, r := range c.replicas {
			r.engine.Close()
		}
		c.running.Wait()
		c.server.Close()
	})
	c.table, c.dynamo = newTable(t, c.server.URL)
	return c
}

// invoke takes an event and hands it to a replica, in turn.
func (c *cloud) invoke(w http.ResponseWriter, r *http.Request) {
	event, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("X-Amz-Invocation-Type") != "Event" || c.down.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	c.invoked.Add(1)
	for range c.deliver.Load() {
		c.event(event)
	}
	w.WriteHeader(http.StatusAccepted)
}

// event has a replica answer an event.
func (c *cloud) event(event []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.replicas[c.next%len(c.replicas)]
	c.next++
	c.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
		defer cancel()
		_, _ = r.extension.LambdaEvent(ctx, event) // the platform would repeat it
		c.finished.Add(1)
	})
}

// A replica is one process of the function.
type replica struct {
	*cloud
	engine    *mcpengine.Engine
	backend   *aws.Backend
	extension mcpengine.Extension
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// start starts a replica with some tools.
func (c *cloud) start(add func(*mcpengine.Engine), opts ...tasks.Option) *replica {
	c.Helper()
	backend, err := aws.Open(c.table, aws.WithConfig(config(c.server.URL)), aws.WithFunction("function"), aws.WithLogger(quiet()), aws.WithMargin(time.Second))
	if err != nil {
		c.Fatal(err)
	}
	x := tasks.Extension(backend, append([]tasks.Option{tasks.WithLogger(quiet())}, opts...)...)
	e := mcpengine.New("fixture", mcpengine.WithLogger(quiet()), mcpengine.WithExtension(x))
	add(e)
	r := &replica{c, e, backend, x}
	c.mu.Lock()
	c.replicas = append(c.replicas, r)
	c.mu.Unlock()
	r.send("server/discover", "") // the first request starts the extension
	return r
}

type reply struct {
	Result map[string]any
	Error  *struct {
		Code    int
		Message string
	}
}

// try sends a request and returns the response.
func (r *replica) try(method, params string) (got reply) {
	r.Helper()
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}}`
	var named struct{ Name, TaskID string }
	if err := json.Unmarshal([]byte("{"+params+"}"), &named); err != nil {
		r.Fatal(err)
	}
	if params != "" {
		params = "," + params
	}
	req := httptest.NewRequestWithContext(r.Context(), "POST", "/mcp", strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s%s}}`, method, meta, params)))
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": named.Name + named.TaskID,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	r.engine.ServeHTTP(w, req)
	if err := json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&got); err != nil {
		r.Fatalf("%s %.200s: %s, %v", method, params, w.Body, err)
	}
	return got
}

func (r *replica) send(method, params string) map[string]any {
	r.Helper()
	got := r.try(method, params)
	if got.Result == nil {
		r.Fatalf("%s %.200s: %+v", method, params, got.Error)
	}
	return got.Result
}

// call begins a task and returns its id.
func (r *replica) call(tool string) string {
	r.Helper()
	id, _ := r.send("tools/call", fmt.Sprintf(`"name":%q,"arguments":{}`, tool))["taskId"].(string)
	if id == "" {
		r.Fatalf("%s did not become a task", tool)
	}
	return id
}

// await waits until the task has the status.
func (r *replica) await(id, status string) map[string]any {
	r.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		got := r.send("tasks/get", fmt.Sprintf(`"taskId":%q`, id))
		switch got["status"] {
		case status:
			return got
		case "completed", "failed", "cancelled":
			r.Fatalf("the task is %v, want %s", got, status)
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			r.Fatalf("the task is %v, want %s", got, status)
		}
	}
}

func text(task map[string]any) string { return fmt.Sprint(task["result"]) }

type none struct{}

func add(e *mcpengine.Engine, name string, h func(context.Context) (string, error), opts ...tasks.DurableOption) {
	mcpengine.AddTool(e, name, "", func(ctx context.Context, _ none) (string, error) { return h(ctx) },
		tasks.Durable(append([]tasks.DurableOption{tasks.Grace(0)}, opts...)...))
}

type approval struct {
	Approve bool `json:"approve"`
}
