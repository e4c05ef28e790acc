package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// python returns the interpreter of a Python peer.
func python(t *testing.T, peer string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".tools", "python-peers", peer))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "stamp")); err != nil {
		t.Skipf("the Python peer %s is not installed: run scripts/install-python-peers", peer)
	}
	return filepath.Join(dir, "bin", "python")
}

// TestPythonClients has the Python SDKs' clients use the fixture.
func TestPythonClients(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e := newFixture()
	mux := http.NewServeMux()
	mux.Handle("/mcp", e)
	mux.Handle("/", e.SSEHandler(""))
	server := newHTTPServer(t, mux)
	// The Python MCPEngine's client over HTTP sends no session id and reads no event stream.
	plain := newHTTPServer(t, newFixture(mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true, JSONOnly: true})))
	targets := map[string]string{"stdio": self, "http": server + "/mcp", "sse": server + "/sse", "http plain": plain + "/mcp"}
	for _, way := range []struct{ peer, sdk, transport, version string }{
		{"sdk2", "client", "stdio", "2026-07-28"},
		{"sdk2", "client", "http", "2026-07-28"},
		{"sdk2", "client-handshake", "stdio", "2025-11-25"},
		{"sdk2", "client-handshake", "http", "2025-11-25"},
		{"sdk2", "fastmcp", "stdio", ""},
		{"sdk2", "fastmcp", "http", ""},
		{"sdk1", "session", "stdio", "2024-11-05"},
		{"sdk1", "session", "http", "2024-11-05"},
		{"sdk1", "session", "sse", "2024-11-05"},
		{"mcpengine", "session", "stdio", "2024-11-05"},
		{"mcpengine", "session", "sse", "2024-11-05"},
		{"mcpengine", "session", "http plain", "2024-11-05"},
	} {
		t.Run(way.peer+"/"+way.sdk+"/"+way.transport, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var out, log bytes.Buffer
			command := exec.CommandContext(ctx, python(t, way.peer), filepath.Join("python", "client.py"), way.sdk, targets[way.transport])
			command.Env = append(os.Environ(), fixtureVariable+"=stdio")
			command.Stdout, command.Stderr = &out, &log
			if err := command.Run(); err != nil {
				t.Fatalf("%v\n%s", err, log.String())
			}
			var got any
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s", err, out.String())
			}
			tools := make([]any, len(allTools))
			for i, name := range allTools {
				tools[i] = name
			}
			want := map[string]any{
				"tools": tools, "greet": "Hello, Ada!", "add": map[string]any{"sum": 5.0}, "complain": "complained",
				"note": "Welcome!", "prompt": "Review main.go.",
			}
			if way.version != "" {
				want["version"] = way.version
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what it saw (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPythonServers has our client use servers on the Python SDKs. Over stdio
// the servers on version 1 and on the Python MCPEngine exit when they get an
// unknown method, and they do not know server/discover.
func TestPythonServers(t *testing.T) {
	t.Parallel()
	for _, way := range []struct{ peer, sdk, transport string }{
		{"sdk2", "", "stdio"},
		{"sdk2", "", "http"},
		{"sdk2", "fastmcp", "stdio"},
		{"sdk2", "fastmcp", "http"},
		{"sdk1", "", "stdio"},
		{"sdk1", "", "http"},
		{"sdk1", "", "sse"},
		{"mcpengine", "", "stdio"},
		{"mcpengine", "", "sse"},
		{"mcpengine", "", "http"},
	} {
		t.Run(way.peer+way.sdk+"/"+way.transport, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			interpreter := python(t, way.peer)
			args := []string{filepath.Join("python", "server.py"), way.transport, "0"}
			if way.sdk != "" {
				args = append(args, way.sdk)
			}
			var c *client.Client
			var err error
			if way.transport == "stdio" {
				c, err = client.Command(ctx, client.Process{Path: interpreter, Args: args, Stderr: os.Stderr})
			} else {
				c, err = client.Connect(ctx, startPython(ctx, t, interpreter, args))
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			visitPython(ctx, t, c)
			checkLock(ctx, t, c)
		})
	}
}

// startPython starts a server on a free port and returns its URL when it answers.
func startPython(ctx context.Context, t *testing.T, interpreter string, args []string) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	args = slices.Clone(args)
	args[2] = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), interpreter, args...)
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the server does not listen: %v", errors.Join(err, ctx.Err()))
		case <-time.After(20 * time.Millisecond):
		}
	}
	path := map[string]string{"http": "/mcp", "sse": "/sse"}[args[1]]
	return fmt.Sprintf("http://%s%s", address, path)
}

func visitPython(ctx context.Context, t *testing.T, c *client.Client) {
	t.Helper()
	var tools []string
	for tool, err := range c.Tools(ctx) {
		if err != nil {
			t.Fatalf("list tools: %v", err)
		}
		tools = append(tools, tool.Name)
	}
	if diff := cmp.Diff([]string{"add", "fail"}, tools); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	result, err := c.CallTool(ctx, "add", map[string]any{"a": 2, "b": 3})
	if err != nil || result.IsError || len(result.Content) == 0 || result.Content[0].(mcp.TextContent).Text != "5" {
		t.Errorf("add = %+v, %v", result, err)
	}
	if result, err := c.CallTool(ctx, "fail", nil); err != nil || !result.IsError {
		t.Errorf("fail = %+v, %v, want a result that is an error", result, err)
	}
	read, err := c.ReadResource(ctx, "note://welcome")
	if err != nil || read.Contents[0].Text != "Welcome!" {
		t.Errorf("read note://welcome = %+v, %v", read, err)
	}
	prompt, err := c.GetPrompt(ctx, "review", map[string]string{"file": "main.go"})
	if err != nil || len(prompt.Messages) != 1 {
		t.Errorf("get review = %+v, %v", prompt, err)
	}
}
