//go:build !mcpengine_no_handshake

package handshake_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

type greeting struct {
	Name string `json:"name"`
}

// newEngine returns an engine with a tool for everything that needs a
// connection.
func newEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("test", opts...)
	mcpengine.AddTool(e, "greet", "", func(_ context.Context, in greeting) (string, error) {
		return "hello " + in.Name, nil
	})
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ struct{}) (string, error) {
		in, err := mcpengine.Elicit[greeting](ctx, "Your name?")
		return "hello " + in.Name, err
	})
	mcpengine.AddTool(e, "report", "", func(ctx context.Context, _ struct{}) (string, error) {
		mcpengine.Progress(ctx, 1, 2, "half")
		mcpengine.Log(ctx, mcp.LoggingLevelDebug, "", "too much")
		mcpengine.Log(ctx, mcp.LoggingLevelWarning, "", "enough")
		return "done", nil
	})
	return e
}

func tool(name, arguments string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + name + `","arguments":` + arguments + `,"_meta":{"progressToken":"p"}}}`
}

// A session with the engine, from the handshake to the end, in each version.
func TestEngine(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e := newEngine()
			c := connect(t, e, version)
			c.post(t.Context(), `{"jsonrpc":"2.0","method":"notifications/initialized"}`)

			for message, want := range map[string]string{
				tool("greet", `{"name":"Ann"}`):                                                       `"hello Ann"`,
				`{"jsonrpc":"2.0","id":1,"method":"ping"}`:                                            `"result":{}`,
				`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`:                                      `"name":"greet"`,
				`{"jsonrpc":"2.0","id":1,"method":"x/y"}`:                                             `"code":-32601`,
				`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x:y"}}`:           `"code":-32601`,
				`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"warning"}}`:   `"result":{}`,
				`{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"no:where"}}`: `"code":-32002`,
			} {
				resp := c.post(t.Context(), message)
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
					t.Errorf("%s: HTTP %d %s %v, want %s", message, resp.StatusCode, body, err, want)
				}
			}

			var got []string
			for _, event := range data(c.open(t.Context(), tool("report", "{}")).rest()) {
				if event != "" {
					m := parse(t, []byte(event))
					got = append(got, m.Method)
				}
			}
			if want := "[notifications/progress notifications/message ]"; fmt.Sprint(got) != want {
				t.Errorf("the messages of a report are %v, want %s", got, want)
			}

			s := c.stream(c.get(""))
			mcpengine.AddTool(e, "more", "", func(context.Context, struct{}) (string, error) { return "", nil })
			for {
				if event := s.next(); len(event.Data) > 0 {
					if got := string(event.Data); got != toolsChangedMessage {
						t.Errorf("the client receives %s", got)
					}
					break
				}
			}
			e.Close()
			s.rest()
			if resp := deleteSession(c); resp.StatusCode != http.StatusNoContent {
				t.Errorf("DELETE: HTTP %d", resp.StatusCode)
			}
		})
	}
}

// The handler asks the client, and waits for the answer.
func TestEngineAsks(t *testing.T) {
	t.Parallel()
	c := connect(t, newEngine(), "2025-06-18")
	var streams []<-chan *stream
	for range 20 {
		streams = append(streams, c.start(tool("ask", "{}")))
	}
	for _, opened := range streams {
		s := await(t, opened, "the stream")
		m := parse(t, s.next().Data)
		if m.Method != "elicitation/create" {
			t.Errorf("the client is asked %s %s", m.Method, m.Params)
		}
		name := rand.Text()
		c.post(t.Context(), `{"jsonrpc":"2.0","id":`+string(m.ID)+`,"result":{"action":"accept","content":{"name":"`+name+`"}}}`)
		if got := fmt.Sprint(data(s.rest())); !strings.Contains(got, "hello "+name) {
			t.Errorf("the answer is %s", got)
		}
	}
}

// Behind a load balancer that sends each request to another replica, no session
// is lost: replicas only have to share the keys.
func TestReplicas(t *testing.T) {
	t.Parallel()
	calls := int64(10_000)
	if testing.Short() {
		calls = 500
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	var proxies []*httputil.ReverseProxy
	for range 2 {
		replica := httptest.NewServer(newEngine(mcpengine.WithKeys(key)))
		t.Cleanup(replica.Close)
		target, err := url.Parse(replica.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxies = append(proxies, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	}
	var turn, done atomic.Int64
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxies[turn.Add(1)%2].ServeHTTP(w, r)
	}), "2025-11-25")
	want := []byte(`"hello Ann"`)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for done.Add(1) <= calls && !t.Failed() {
				resp, err := c.http.Do(newMessage(t.Context(), c.url, c.version, c.session, tool("greet", `{"name":"Ann"}`)))
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK || !bytes.Contains(body, want) {
					t.Errorf("HTTP %d %s", resp.StatusCode, body)
				}
			}
		})
	}
	wg.Wait()
	if n := turn.Load(); n < calls {
		t.Errorf("%d requests for %d calls", n, calls)
	}
}
