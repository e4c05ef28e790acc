package toy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"

	"example.com/toy"
)

// build builds a program once.
func build(folder, pkg string) func(t *testing.T) string {
	var once sync.Once
	var file string
	var failure error
	return func(t *testing.T) string {
		t.Helper()
		once.Do(func() {
			file = filepath.Join(programs, filepath.Base(folder)+"-program")
			cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "build", "-trimpath", "-o", file, pkg)
			cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0") // as other tests build it: it is compiled already
			if out, err := cmd.CombinedOutput(); err != nil {
				failure = fmt.Errorf("build %s in %s: %w\n%s", pkg, folder, err, out)
			}
		})
		if failure != nil {
			t.Fatal(failure)
		}
		return file
	}
}

var (
	server  = build(".", "./server")
	program = build("../../cmd/mcpengine", ".")
)

// newEngine returns a server like the program's.
func newEngine() *mcpengine.Engine {
	e := mcpengine.New("toy", mcpengine.WithExtension(toy.Extension(10)))
	hello := func(context.Context, struct{}) (string, error) { return "hello", nil }
	mcpengine.AddTool(e, "hello", "Greets.", hello)
	mcpengine.AddTool(e, "counted", "Greets, and counts.", hello, toy.Counted())
	return e
}

// A way is how a client reaches the server.
type way struct {
	name    string
	connect func(t *testing.T, opts ...client.Option) (*client.Client, error)

	// translates says that the server is spoken to in 2026-07-28, whatever the
	// client speaks.
	translates bool
}

var ways = []way{
	{name: "in memory", connect: func(t *testing.T, opts ...client.Option) (*client.Client, error) {
		e := newEngine()
		t.Cleanup(e.Close)
		opts = append(opts, client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}))
		return client.Connect(t.Context(), "http://toy.example/mcp", opts...)
	}},
	{name: "HTTP", connect: func(t *testing.T, opts ...client.Option) (*client.Client, error) {
		return client.Connect(t.Context(), serveEngine(t), opts...)
	}},
	{name: "stdio", connect: func(t *testing.T, opts ...client.Option) (*client.Client, error) {
		return client.Command(t.Context(), client.Process{Path: server(t)}, opts...)
	}},
	{name: "bridge", translates: true, connect: func(t *testing.T, opts ...client.Option) (*client.Client, error) {
		url := serveEngine(t)
		return client.Command(t.Context(), client.Process{Path: program(t), Args: []string{"bridge", url}}, opts...)
	}},
	{name: "serve", translates: true, connect: func(t *testing.T, opts ...client.Option) (*client.Client, error) {
		return client.Connect(t.Context(), serveProgram(t), opts...)
	}},
}

func serveEngine(t *testing.T) string {
	t.Helper()
	e := newEngine()
	s := httptest.NewServer(e)
	t.Cleanup(func() { e.Close(); s.Close() })
	return s.URL
}

var address = regexp.MustCompile(`http://[0-9.:]+/mcp`)

// serveProgram serves the program over HTTP with mcpengine serve.
func serveProgram(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program(t), "serve", "--port", "0", "--", server(t))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadString('\n')
		if url := address.FindString(line); url != "" {
			go func() { _, _ = io.Copy(io.Discard, lines) }()
			return url
		}
		if err != nil {
			t.Fatalf("mcpengine serve: %q, %v", line, err)
		}
	}
}

// changes collects the values that a client hears of.
type changes chan toy.Counter

func (c changes) add(counter toy.Counter) { c <- counter }

// want waits for a value.
func (c changes) want(t *testing.T, value int) {
	t.Helper()
	for {
		select {
		case got := <-c:
			if got.Value == value {
				return
			}
		case <-time.After(3 * time.Minute):
			t.Fatalf("the client does not hear of %d", value)
		}
	}
}

// Every part of the extension works in every way to reach the server, in 2026-07-28
// and, as far as a handshake version has it, in 2025-11-25.
func TestToy(t *testing.T) {
	t.Parallel()
	for _, w := range ways {
		for _, version := range []string{"2026-07-28", "2025-11-25"} {
			t.Run(w.name+" "+version, func(t *testing.T) {
				t.Parallel()
				heard := make(changes, 100)
				c, err := w.connect(t, toy.Client(toy.Settings{Max: 5}, heard.add), client.WithProtocolVersion(version))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if got := string(c.Capabilities().Extensions[toy.ID]); got != `{"max":10}` {
					t.Errorf("the server declares %s", got)
				}
				testMethods(t, c)
				testWatch(t, c)
				testCalls(t, c, version == "2026-07-28" || w.translates)
				if version == "2026-07-28" {
					testListen(t, c, heard)
				}
			})
		}
	}
}

func testMethods(t *testing.T, c *client.Client) {
	if got, err := toy.Add(t.Context(), c, "apples", 3); err != nil || got != (toy.Counter{Name: "apples", Value: 3}) {
		t.Errorf("Add = %v, %v", got, err)
	}
	if got, err := toy.Get(t.Context(), c, "apples"); err != nil || got.Value != 3 {
		t.Errorf("Get = %v, %v", got, err)
	}
	list, err := client.Do[toy.List](t.Context(), c, toy.MethodList, nil)
	if err != nil || strings.Join(list.Names, " ") != "apples zero" {
		t.Errorf("list = %v, %v", list, err)
	}
	for what, do := range map[string]func() error{
		"there is no counter": func() error { _, err := toy.Get(t.Context(), c, "pears"); return err },
		"at most 5":           func() error { _, err := toy.Add(t.Context(), c, "apples", 6); return err }, // the client's own settings
		"params: by":          func() error { _, err := toy.Add(t.Context(), c, "apples", -1); return err },
		"params: name": func() error {
			_, err := client.Do[toy.Counter](t.Context(), c, toy.MethodGet, nil, client.WithMirror("-"))
			return err
		},
	} {
		err := do()
		rpcErr, ok := errors.AsType[*mcp.Error](err)
		if !ok || !strings.Contains(err.Error(), what) && rpcErr.Code != mcp.CodeHeaderMismatch {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func testWatch(t *testing.T, c *client.Client) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watched, ended := make(changes, 100), make(chan error, 1)
	go func() { ended <- toy.Watch(ctx, c, "apples", watched.add) }()
	watched.want(t, 3)
	if _, err := toy.Add(t.Context(), c, "apples", 1); err != nil {
		t.Errorf("Add beside Watch: %v", err)
	}
	watched.want(t, 4)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch = %v", err)
	}
}

// testCalls calls tools. Typed says that results have types.
func testCalls(t *testing.T, c *client.Client, typed bool) {
	want := "counted was called 1 times"
	if !typed {
		want = "hello"
	}
	if got, err := client.Call[string](t.Context(), c, "counted", nil); err != nil || got != want {
		t.Errorf("counted = %q, %v, want %q", got, err, want)
	}
	if got, err := toy.Get(t.Context(), c, "counted"); err != nil || got.Value != 1 {
		t.Errorf("Get = %v, %v", got, err)
	}
	if got, err := client.Call[string](t.Context(), c, "hello", nil); err != nil || got != "hello" {
		t.Errorf("hello = %q, %v", got, err)
	}
}

func testListen(t *testing.T, c *client.Client, heard changes) {
	for change, err := range c.Listen(t.Context(), mcp.SubscriptionFilter{}, client.WithListenField(toy.Field, []string{"apples", "pears"})) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Method == mcp.MethodNotificationsSubscriptionsAcknowledged {
			if got := string(change.Fields[toy.Field]); got != `["apples"]` {
				t.Errorf("honoured: %s", got)
			}
			if _, err := toy.Add(t.Context(), c, "apples", 2); err != nil {
				t.Error(err)
			}
			continue
		}
		if change.Method != toy.Notification || !strings.Contains(string(change.Params), `"value":6`) {
			t.Errorf("change %s %s", change.Method, change.Params)
		}
		break
	}
	heard.want(t, 6) // by the handler of the client too
}

// A client that does not declare the extension may list counters, gets an error
// that names it from everything else, and the result of the tool itself.
func TestUndeclared(t *testing.T) {
	t.Parallel()
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			c, err := w.connect(t)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if list, err := client.Do[toy.List](t.Context(), c, toy.MethodList, nil); err != nil || len(list.Names) != 1 {
				t.Errorf("list = %v, %v", list, err)
			}
			_, err = toy.Get(t.Context(), c, "zero")
			if rpcErr, ok := errors.AsType[*mcp.Error](err); !ok || rpcErr.Code != mcp.CodeMissingRequiredClientCapability || !strings.Contains(string(rpcErr.Data), toy.ID) {
				t.Errorf("Get = %v, want -32021 with the extension", err)
			}
			if got, err := client.Call[string](t.Context(), c, "counted", nil); err != nil || got != "hello" {
				t.Errorf("counted = %q, %v", got, err)
			}
			// For one call it may be declared.
			if got, err := toy.Get(t.Context(), c, "counted", client.Declare(toy.ID, nil)); err != nil || got.Value != 1 {
				t.Errorf("Get = %v, %v", got, err)
			}
		})
	}
}
