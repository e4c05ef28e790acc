package bridge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

const (
	extensionParams = `"z":1,"a":{"big":12345678901234567890},"list":[1.0,"\u00e9"]`
	extensionResult = `{"resultType":"com.example/deferred","z":1,"a":{"big":12345678901234567890},"_meta":{"m":1}}`
	extensionNotice = `{"z":1,"a":1.0}`
)

// Between equal versions, unknown methods, result types and notifications pass
// unchanged. Extensions define their own.
func TestExtensions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{latest, previous} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newFake(t, version)
			s.handle("com.example/do", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/com.example/note\",\"params\":%s}\n\n", extensionNotice)
				fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n\n", r.Header.Get("Test-Id"), extensionResult)
			})
			s.answer("tools/call", `{"resultType":"task","taskId":"1","content":[]}`)
			h := newHost(t, bridge.Config{URL: s.url})
			h.begin(version)
			h.send(request(version, "1", "com.example/do", extensionParams))
			if got := h.result("1"); got != extensionResult {
				t.Errorf("the result is %s", got)
			}
			if n := h.notification("notifications/com.example/note"); string(n.Params) != extensionNotice {
				t.Errorf("the notification is %s", n.raw)
			}
			if got := s.last("com.example/do"); !strings.Contains(got, extensionParams) {
				t.Errorf("the server gets %s", got)
			}
			h.send(request(version, "2", "tools/call", `"name":"t","arguments":{}`))
			if got := h.result("2"); got != `{"resultType":"task","taskId":"1","content":[]}` {
				t.Errorf("the result of another type is %s", got)
			}
			if version != previous {
				return
			}
			arrived := make(chan struct{})
			s.handle("notifications/com.example/from-host", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusAccepted)
				close(arrived)
			})
			h.send(`{"jsonrpc":"2.0","method":"notifications/com.example/from-host","params":` + extensionNotice + `}`)
			within(t, arrived, "the notification reaches the server")
			if got := s.last("notifications/com.example/from-host"); !strings.Contains(got, extensionNotice) {
				t.Errorf("the server gets the notification %s", got)
			}
		})
	}
}

// The same holds for serve, whose program writes lines.
func TestExtensionsOfServe(t *testing.T) {
	t.Parallel()
	for _, version := range []string{latest, previous} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: func(ctx context.Context, config peer.Config) (*peer.Conn, error) {
				return startExtension(ctx, version, got, config)
			}}), bridge.HandlerConfig{})
			t.Cleanup(h.Close)
			c := dialAs(t, serve(t, h), "ann", version)
			notice := ""
			result, err := c.Call(t.Context(), peer.Call{
				Method: "com.example/do", Params: []byte("{" + extensionParams + "}"),
				OnNotification: func(n jsonrpc.Notification) { notice = n.Method + string(n.Params) },
			})
			if err != nil || string(result) != extensionResult {
				t.Errorf("the result is %s, %v", result, err)
			}
			if notice != "notifications/com.example/note"+extensionNotice {
				t.Errorf("the notification is %s", notice)
			}
			if params := <-got; !strings.Contains(params, extensionParams) {
				t.Errorf("the program gets %s", params)
			}
		})
	}
}

// startExtension starts a program that knows one method of an extension.
func startExtension(ctx context.Context, version string, got chan<- string, config peer.Config) (*peer.Conn, error) {
	in, out := io.Pipe()
	answers, program := io.Pipe()
	go func() {
		defer program.Close()
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			var m struct {
				ID     json.RawMessage
				Method string
				Params json.RawMessage
			}
			if json.Unmarshal(lines.Bytes(), &m) != nil || m.ID == nil {
				continue
			}
			result := `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}`
			switch {
			case m.Method == "initialize":
				result = fmt.Sprintf(`{"protocolVersion":%q,"capabilities":{},"serverInfo":{"name":"p","version":"1"}}`, version)
			case m.Method == "com.example/do":
				got <- string(m.Params)
				fmt.Fprintf(program, `{"jsonrpc":"2.0","method":"notifications/com.example/note","params":%s}`+"\n", extensionNotice)
				result = extensionResult
			}
			if m.Method == "server/discover" && version != latest {
				fmt.Fprintf(program, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}`+"\n", m.ID)
				continue
			}
			fmt.Fprintf(program, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", m.ID, result)
		}
	}()
	return peer.Attach(ctx, answers, out, config)
}
