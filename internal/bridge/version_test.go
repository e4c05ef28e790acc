package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// These are messages of a server that sends everything of every version,
// whatever version it speaks.
const (
	audioBlock    = `{"type":"audio","data":"AAAA","mimeType":"audio/wav"}`
	linkBlock     = `{"type":"resource_link","uri":"a:b","name":"n","title":"T","icons":[]}`
	embeddedBlock = `{"type":"resource","_meta":{"m":1},"resource":{"uri":"a:b","text":"x","_meta":{"m":1}},"annotations":{"priority":1,"lastModified":"2025-01-01"}}`
	allBlocks     = audioBlock + `,` + linkBlock + `,` + embeddedBlock
)

var everyResult = map[string]string{
	"tools/list":               `{"tools":[{"name":"t","title":"T","icons":[],"execution":{},"annotations":{"title":"A"},"_meta":{"m":1},"inputSchema":{"type":"object"},"outputSchema":{"type":["object","null"]}}]}`,
	"tools/call":               `{"content":[` + allBlocks + `],"structuredContent":{"a":1}}`,
	"prompts/list":             `{"prompts":[{"name":"p","title":"T","icons":[],"arguments":[{"name":"a","title":"T"}],"_meta":{"m":1}}]}`,
	"prompts/get":              `{"messages":[{"role":"user","content":` + audioBlock + `},{"role":"user","content":` + linkBlock + `}]}`,
	"resources/list":           `{"resources":[{"uri":"a:b","name":"r","title":"T","icons":[],"annotations":{"lastModified":"2025-01-01"},"_meta":{"m":1}}]}`,
	"resources/templates/list": `{"resourceTemplates":[{"uriTemplate":"a:{b}","name":"r","title":"T","icons":[]}]}`,
	"resources/read":           `{"contents":[{"uri":"a:b","text":"x","_meta":{"m":1}}]}`,
}

// shapedResults has, in the order of versions, the results that a host of a
// version gets. An empty text stands for the text before it.
var shapedResults = map[string][]string{
	"tools/list": {
		everyResult["tools/list"],
		`{"tools":[{"name":"t","title":"T","icons":[],"execution":{},"annotations":{"title":"A"},"_meta":{"m":1},"inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"result":{"type":["object","null"]}},"required":["result"]}}]}`,
		`{"tools":[{"name":"t","title":"T","annotations":{"title":"A"},"_meta":{"m":1},"inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"result":{"type":["object","null"]}},"required":["result"]}}]}`,
		`{"tools":[{"name":"t","annotations":{"title":"A"},"inputSchema":{"type":"object"}}]}`,
		`{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}`,
	},
	"tools/call": {
		everyResult["tools/call"],
		`{"content":[` + allBlocks + `],"structuredContent":{"result":{"a":1}}}`,
		`{"content":[` + audioBlock + `,{"type":"resource_link","uri":"a:b","name":"n","title":"T"},` + embeddedBlock + `],"structuredContent":{"result":{"a":1}}}`,
		`{"content":[` + audioBlock + `,{"type":"text","text":"[n](a:b)"},{"type":"resource","resource":{"uri":"a:b","text":"x"},"annotations":{"priority":1}}]}`,
		`{"content":[{"type":"text","text":"[audio/wav of 3 bytes: protocol version 2024-11-05 has no audio]"},{"type":"text","text":"[n](a:b)"},{"type":"resource","resource":{"uri":"a:b","text":"x"},"annotations":{"priority":1}}]}`,
	},
	"prompts/list": {
		everyResult["prompts/list"], "",
		`{"prompts":[{"name":"p","title":"T","arguments":[{"name":"a","title":"T"}],"_meta":{"m":1}}]}`,
		`{"prompts":[{"name":"p","arguments":[{"name":"a"}]}]}`, "",
	},
	"prompts/get": {
		everyResult["prompts/get"], "",
		`{"messages":[{"role":"user","content":` + audioBlock + `},{"role":"user","content":{"type":"resource_link","uri":"a:b","name":"n","title":"T"}}]}`,
		`{"messages":[{"role":"user","content":` + audioBlock + `},{"role":"user","content":{"type":"text","text":"[n](a:b)"}}]}`,
		`{"messages":[{"role":"user","content":{"type":"text","text":"[audio/wav of 3 bytes: protocol version 2024-11-05 has no audio]"}},{"role":"user","content":{"type":"text","text":"[n](a:b)"}}]}`,
	},
	"resources/list": {
		everyResult["resources/list"], "",
		`{"resources":[{"uri":"a:b","name":"r","title":"T","annotations":{"lastModified":"2025-01-01"},"_meta":{"m":1}}]}`,
		`{"resources":[{"uri":"a:b","name":"r","annotations":{}}]}`, "",
	},
	"resources/templates/list": {
		everyResult["resources/templates/list"], "",
		`{"resourceTemplates":[{"uriTemplate":"a:{b}","name":"r","title":"T"}]}`,
		`{"resourceTemplates":[{"uriTemplate":"a:{b}","name":"r"}]}`, "",
	},
	"resources/read": {everyResult["resources/read"], "", "", `{"contents":[{"uri":"a:b","text":"x"}]}`, ""},
}

// shapedFor returns the result of a method that a host of a version gets.
func shapedFor(method, version string) string {
	want := ""
	for i, name := range protocol.Names(nil) {
		if text := shapedResults[method][i]; text != "" {
			want = text
		}
		if name == version {
			return want
		}
	}
	return ""
}

const samplingParams = `{"messages":[{"role":"user","content":[` + audioBlock + `,{"type":"text","text":"b"}]}],"maxTokens":1,"tools":[]}`

// sampledBy has the question that a host of a version gets.
var sampledBy = map[string]string{
	"2026-07-28": samplingParams,
	"2025-11-25": samplingParams,
	"2025-06-18": `{"messages":[{"role":"user","content":` + audioBlock + `},{"role":"user","content":{"type":"text","text":"b"}}],"maxTokens":1}`,
	"2025-03-26": `{"messages":[{"role":"user","content":` + audioBlock + `},{"role":"user","content":{"type":"text","text":"b"}}],"maxTokens":1}`,
	"2024-11-05": `{"messages":[{"role":"user","content":{"type":"text","text":"[audio/wav of 3 bytes: protocol version 2024-11-05 has no audio]"}},{"role":"user","content":{"type":"text","text":"b"}}],"maxTokens":1}`,
}

// An everything is a server of one version that answers with everything, reports
// progress, and asks for a sample when the tool ask is called.
type everything struct {
	version string

	answers chan string // to its question
}

func newEverything(version string) *everything {
	return &everything{version: version, answers: make(chan string, 1)}
}

func (s *everything) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var m struct {
		ID     json.RawMessage
		Method string
		Result json.RawMessage
		Params struct {
			Name           string
			InputResponses map[string]json.RawMessage
		}
	}
	_ = json.Unmarshal(body, &m)
	stateless := s.version == latest
	result := everyResult[m.Method]
	switch {
	case r.Method != http.MethodPost, stateless && m.Method == "initialize", !stateless && m.Method == "server/discover":
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case m.Method == "" && m.ID != nil:
		s.answers <- string(m.Result)
		w.WriteHeader(http.StatusAccepted)
		return
	case m.ID == nil:
		w.WriteHeader(http.StatusAccepted)
		return
	case m.Method == "server/discover":
		result = `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}`
	case m.Method == "initialize":
		result = fmt.Sprintf(`{"protocolVersion":%q,"capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}`, s.version)
	case m.Params.Name == "ask":
		s.ask(w, r, m.ID, m.Params.InputResponses != nil)
		return
	}
	if stateless {
		result = string(protocol.Complete(m.Method, []byte(result)))
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if m.Method == "tools/call" {
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s,\"progress\":1,\"message\":\"half\"}}\n\n", m.ID)
	}
	fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n\n", m.ID, result)
}

// ask answers a call by a question, in the way of the version.
func (s *everything) ask(w http.ResponseWriter, r *http.Request, id []byte, answered bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	switch {
	case s.version != latest:
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"sampling/createMessage\",\"params\":%s}\n\n", samplingParams)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-s.answers:
		case <-r.Context().Done():
			return
		}
	case !answered:
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":{\"q\":{\"method\":\"sampling/createMessage\",\"params\":%s}}}}\n\n", id, samplingParams)
		return
	}
	fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"resultType\":\"complete\",\"content\":[]}}\n\n", id)
}

// normal returns a result without the members that all results of 2026-07-28
// have, in one spelling.
func normal(t *testing.T, result string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(result), &members); err != nil {
		t.Fatalf("%v: %s", err, result)
	}
	for _, name := range []string{"resultType", "ttlMs", "cacheScope", "_meta"} {
		delete(members, name)
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A host gets only what its version allows, as it would from the engine itself:
// some hosts refuse a whole list because of one definition. A host of
// 2026-07-28 gets everything.
func TestShapes(t *testing.T) {
	t.Parallel()
	for _, server := range protocol.Names(nil) {
		for _, hosts := range protocol.Names(nil) {
			if hosts == server {
				continue // relayed as it is
			}
			t.Run(hosts+" to "+server, func(t *testing.T) {
				t.Parallel()
				h := newHost(t, bridge.Config{URL: serve(t, newEverything(server))})
				h.begin(hosts)
				for method := range shapedResults {
					params := ""
					switch method {
					case "tools/call":
						params = `"name":"t","arguments":{}`
					case "prompts/get":
						params = `"name":"p"`
					case "resources/read":
						params = `"uri":"a:b"`
					}
					h.send(request(hosts, `"`+method+`"`, method, params))
					got := h.result(`"` + method + `"`)
					if got, want := normal(t, got), normal(t, shapedFor(method, hosts)); got != want {
						t.Errorf("%s: the host gets\n%s, want\n%s", method, got, want)
					}
					if (hosts == latest) != strings.Contains(got, `"resultType":"complete"`) {
						t.Errorf("%s: the host gets %s", method, got)
					}
				}
			})
		}
	}
}

// A server's question has only what the host's version allows.
func TestShapesOfQuestions(t *testing.T) {
	t.Parallel()
	for _, server := range protocol.Names(nil) {
		for _, hosts := range protocol.Names(nil) {
			if hosts == server || hosts == latest && server == latest {
				continue
			}
			t.Run(hosts+" to "+server, func(t *testing.T) {
				t.Parallel()
				h := newHost(t, bridge.Config{URL: serve(t, newEverything(server))})
				h.begin(hosts)
				asked := ""
				h.reply = map[string]func(message) string{"sampling/createMessage": func(m message) string {
					asked = string(m.Params)
					return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"role":"assistant","model":"m","content":{"type":"text","text":"a"}}}`, m.ID)
				}}
				h.send(request(hosts, "1", "tools/call", `"name":"ask","arguments":{}`))
				result := h.result("1")
				if hosts == latest {
					var required struct {
						InputRequests map[string]struct{ Params json.RawMessage }
					}
					if err := json.Unmarshal([]byte(result), &required); err != nil {
						t.Fatal(err)
					}
					for _, q := range required.InputRequests {
						asked = string(q.Params)
					}
				}
				if asked != sampledBy[hosts] {
					t.Errorf("the host is asked\n%s, want\n%s", asked, sampledBy[hosts])
				}
			})
		}
	}
}

// The same holds for progress, which 2024-11-05 has without a message.
func TestShapesOfProgress(t *testing.T) {
	t.Parallel()
	for _, hosts := range protocol.Names(protocol.IsHandshake) {
		h := newHost(t, bridge.Config{URL: serve(t, newEverything(latest))})
		h.initialize(hosts)
		h.send(request(hosts, "1", "tools/call", `"name":"t","arguments":{},"_meta":{"progressToken":7}`))
		progress := h.notification("notifications/progress").raw
		if has := strings.Contains(progress, `"message":"half"`); has != (hosts != "2024-11-05") {
			t.Errorf("%s: progress is %s", hosts, progress)
		}
		h.result("1")
	}
}

// Callers of serve get the same, also when they have not listed the tools.
func TestShapesOfServe(t *testing.T) {
	t.Parallel()
	for _, server := range []string{latest, "2025-11-25"} {
		for _, hosts := range protocol.Names(nil) {
			if hosts == server {
				continue
			}
			t.Run(hosts+" to "+server, func(t *testing.T) {
				t.Parallel()
				s := serve(t, newEverything(server))
				h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: func(ctx context.Context, config peer.Config) (*peer.Conn, error) {
					return peer.Dial(ctx, s, config)
				}}), bridge.HandlerConfig{})
				t.Cleanup(h.Close)
				c := dialAs(t, serve(t, h), "ann", hosts)
				for _, method := range []string{"tools/call", "tools/list", "prompts/get", "resources/read"} {
					result, err := c.Call(t.Context(), peer.Call{Method: method, Params: []byte(`{"name":"t","uri":"a:b"}`)})
					if err != nil {
						t.Fatal(err)
					}
					if got, want := normal(t, string(result)), normal(t, shapedFor(method, hosts)); got != want {
						t.Errorf("%s: the host gets\n%s, want\n%s", method, got, want)
					}
				}
			})
		}
	}
}

// An error has the code of the host's version.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	for _, p := range []pair{{previous, latest}, {latest, previous}} {
		want := map[string]int{previous: -32002, latest: -32602}
		f := newFake(t, p.server)
		for method, data := range map[string]string{"resources/read": `,"data":{"uri":"a:b"}`, "tools/call": ""} {
			f.handle(method, func(w http.ResponseWriter, r *http.Request) {
				reply(w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":"Resource not found"%s}}`, r.Header.Get("Test-Id"), want[p.server], data))
			})
		}
		h := newHost(t, bridge.Config{URL: f.url})
		h.begin(p.host)
		h.send(request(p.host, "1", "resources/read", `"uri":"a:b"`))
		if m := h.response("1"); m.Error == nil || m.Error.Code != want[p.host] || string(m.Error.Data) != `{"uri":"a:b"}` {
			t.Errorf("%v: a missing resource is answered with %s", p, m.raw)
		}
		if p.server == latest { // where the code says nothing by itself
			h.send(request(p.host, "2", "tools/call", `"name":"t"`))
			if m := h.response("2"); m.Error == nil || m.Error.Code != mcp.CodeInvalidParams {
				t.Errorf("%v: wrong arguments are answered with %s", p, m.raw)
			}
		}
	}
}
