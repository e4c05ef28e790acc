//go:build !mcpengine_no_handshake

package mcpengine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// A build without the handshake versions has other values for these.
const servesHandshake = true

var inThisBuild = strings.NewReplacer()

// initialize returns the message that opens a connection of a handshake
// version.
func initialize(version string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":%q,`+
		`"capabilities":{"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}},"clientInfo":{"name":"c","version":"1"}}}`, version)
}

// A client gets the version it asks for, or the last handshake version when the
// server does not know that one.
func TestInitialize(t *testing.T) {
	t.Parallel()
	bare := func() *mcpengine.Engine {
		return mcpengine.New("test", quiet(), mcpengine.WithInstructions("Be quick."))
	}
	for asked, want := range map[string]string{
		"2025-11-25": "2025-11-25", "2025-06-18": "2025-06-18", "2025-03-26": "2025-03-26", "2024-11-05": "2024-11-05",
		"2026-07-28": "2025-11-25", "1999-01-01": "2025-11-25",
	} {
		for transport, got := range exchanges(t, bare, initialize(asked)) {
			if !strings.Contains(got, fmt.Sprintf(`"protocolVersion":%q`, want)) || !strings.Contains(got, `"serverInfo":{"name":"test"`) || !strings.Contains(got, "Be quick.") {
				t.Errorf("initialize %s over %s = %s, want version %s", asked, transport, got, want)
			}
		}
	}
}

// Results and definitions have only members of the client's version, and its
// replacements for the others.
func TestHandshakeVersions(t *testing.T) {
	t.Parallel()
	newEngine := func() *mcpengine.Engine {
		e := mcpengine.New("test", quiet())
		give(e, "number", 42, mcpengine.WithTitle("Number"), mcpengine.WithIcons(mcp.Icon{Src: "https://server.example/i.png"}))
		give(e, "blocks", []mcp.ContentBlock{mcp.AudioContent{Data: []byte("wav"), MIMEType: "audio/wav"}, mcp.ResourceLink{URI: "file:///a", Name: "a"}})
		hold(e, "file:///a", "text")
		return e
	}
	const (
		list   = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
		number = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"number"}}`
		blocks = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"blocks"}}`
		lost   = `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///lost"}}`
		ping   = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	)
	tests := []struct {
		version, message string
		has, lacks       []string
	}{
		{"2025-11-25", list, []string{`"icons"`, `"title"`, `"outputSchema":{"type":"object","properties":{"result":{"type":"integer"}}`}, []string{"resultType", "ttlMs", "serverInfo"}},
		{"2025-06-18", list, []string{`"title"`, `"outputSchema"`}, []string{`"icons"`, "resultType"}},
		{"2025-03-26", list, []string{`"inputSchema"`}, []string{`"icons"`, `"title"`, `"outputSchema"`}},
		{"2025-11-25", number, []string{`"structuredContent":{"result":42}`, `"text":"42"`}, []string{"resultType", "serverInfo"}},
		{"2025-03-26", number, []string{`"text":"42"`}, []string{"structuredContent"}},
		{"2025-06-18", blocks, []string{`"type":"audio"`, `"type":"resource_link"`}, nil},
		{"2025-03-26", blocks, []string{`"type":"audio"`, `"[a](file:///a)"`}, []string{"resource_link"}},
		{"2024-11-05", blocks, []string{`[audio/wav of 3 bytes`, `"[a](file:///a)"`}, []string{`"type":"audio"`}},
		{"2025-11-25", lost, []string{`"code":-32002`}, nil},
		{"2024-11-05", ping, []string{`"result":{}`}, nil},
	}
	for _, test := range tests {
		send := serveStdio(t, newEngine())
		send(initialize(test.version))
		send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
		got := send(test.message)[0]
		for _, want := range test.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s %s = %s, want it to contain %s", test.version, test.message, got, want)
			}
		}
		for _, unwanted := range test.lacks {
			if strings.Contains(got, unwanted) {
				t.Errorf("%s %s = %s, want it without %s", test.version, test.message, got, unwanted)
			}
		}
	}
}

// On a connection of a handshake version a question is a request to the client,
// and the handler waits for the answer.
func TestAskHandshake(t *testing.T) {
	t.Parallel()
	runs := 0
	e := mcpengine.New("test", quiet())
	mcpengine.AddTool(e, "greet", "", func(ctx context.Context, _ none) (string, error) {
		runs++
		in, err := mcpengine.Elicit[login](ctx, "Your name?")
		return "hello " + in.User, err
	})
	conn := dialStdio(t, e)
	conn.write(initialize("2025-06-18"))
	conn.read()
	conn.write(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	conn.write(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet"}}`)
	question := conn.read()
	if !strings.Contains(question, `"method":"elicitation/create"`) || strings.Contains(question, `"mode"`) {
		t.Fatalf("first message = %s, want a question without a mode", question)
	}
	_, id, _ := strings.Cut(question, `"id":`)
	id, _, _ = strings.Cut(id, ",")
	conn.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{"user":"octocat"}}}`, strings.TrimSuffix(id, "}")))
	if got := conn.read(); !strings.Contains(got, "hello octocat") || runs != 1 {
		t.Errorf("response = %s after %d runs, want hello octocat after one", got, runs)
	}
}

// In versions that only allow objects, a tool's results satisfy the listed
// output schema, even if only some of its values are objects.
func TestOutputsThatMayBeObjects(t *testing.T) {
	t.Parallel()
	type point struct {
		X int `json:"x"`
	}
	e := mcpengine.New("test", quiet())
	give(e, "pointer", &point{1})
	give[*point](e, "nil", nil)
	give(e, "map", map[string]int{"x": 1})
	give(e, "list", []point{{1}})
	mcpengine.AddTool(e, "union", "", func(context.Context, none) (any, error) { return point{1}, nil },
		mcpengine.WithOutputSchema(`{"anyOf":[{"type":"object"},{"type":"string"}]}`))
	mcpengine.AddTool(e, "whole", "", func(context.Context, none) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{StructuredContent: []byte(`{"x":1}`)}, nil
	}, mcpengine.WithOutputSchema(`{"anyOf":[{"type":"object"},{"type":"string"}]}`))
	for _, version := range []string{"2025-11-25", "2025-06-18"} {
		call := serveStdio(t, e)
		call(initialize(version))
		list := call(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)[0]
		for tool, want := range map[string]string{
			"pointer": `{"result":{"x":1}}`, "nil": `{"result":null}`, "map": `{"x":1}`, "list": `{"result":[{"x":1}]}`,
			"union": `{"result":{"x":1}}`, "whole": `{"result":{"x":1}}`,
		} {
			got := call(fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":%q}}`, tool))[0]
			if !strings.Contains(got, `"structuredContent":`+want) {
				t.Errorf("%s in %s = %s, want %s", tool, version, got, want)
			}
			_, definition, _ := strings.Cut(list, fmt.Sprintf(`{"name":%q`, tool))
			_, schema, _ := strings.Cut(definition, `"outputSchema":`)
			if wrapped := strings.HasPrefix(schema, `{"type":"object","properties":{"result":`); wrapped != strings.HasPrefix(want, `{"result":`) {
				t.Errorf("%s in %s has the output schema %.100s, and results like %s", tool, version, schema, want)
			}
		}
	}
}

// Fields that mirror the message are compared with it in every protocol
// version, even if clients need not send them: an intermediary that reads the
// fields and the engine must not be told different things.
func TestMirroredFieldsInEveryVersion(t *testing.T) {
	t.Parallel()
	type query struct {
		Region string `json:"region,omitempty" header:"Region"`
	}
	e := mcpengine.New("test", quiet(), mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true}))
	mcpengine.AddTool(e, "weather", "", func(context.Context, query) (string, error) { return "sunny", nil })
	hold(e, "a:b", "text")
	type fields map[string]string
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"region":"eu"}}}`
	for _, test := range []struct {
		name, message string
		fields        fields
		ok            bool
	}{
		{"none", call, nil, true},
		{"the same", call, fields{"Mcp-Method": "tools/call", "Mcp-Name": "weather", "Mcp-Param-Region": "eu"}, true},
		{"encoded", call, fields{"Mcp-Name": "=?base64?d2VhdGhlcg==?="}, true},
		{"a field that no argument mirrors", call, fields{"Mcp-Param-Other": "x"}, true},
		{"another method", call, fields{"Mcp-Method": "tools/list"}, false},
		{"another tool", call, fields{"Mcp-Name": "public"}, false},
		{"another argument", call, fields{"Mcp-Param-Region": "us"}, false},
		{"another case", call, fields{"Mcp-Method": "Tools/Call"}, false},
		{"an empty name", call, fields{"Mcp-Name": ""}, false},
		{"the name of a list", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, fields{"Mcp-Name": "weather"}, true},
		{"another resource", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a:b"}}`, fields{"Mcp-Name": "a:c"}, false},
		{"a notification", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, fields{"Mcp-Method": "tools/list"}, false},
		{"a response", `{"jsonrpc":"2.0","id":1,"result":{}}`, fields{"Mcp-Method": "tools/list"}, false},
		{"initialize", initialize("2025-06-18"), fields{"Mcp-Method": "tools/list"}, false},
		{"a batch", `[` + call + `]`, fields{"Mcp-Method": "tools/call"}, false},
		{"an argument of a batch", `[` + call + `]`, fields{"Mcp-Param-Region": "eu"}, false},
	} {
		for _, version := range []string{"2025-11-25", "2025-06-18", "2025-03-26"} {
			r := newRequest(t.Context(), "http://server.example/mcp", test.message)
			for _, name := range []string{"Mcp-Method", "Mcp-Name"} {
				r.Header.Del(name)
			}
			r.Header.Set("Mcp-Protocol-Version", version)
			for name, value := range test.fields {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if refused := strings.Contains(w.Body.String(), `"code":-32020`); refused == test.ok || test.ok && w.Code != http.StatusOK {
				t.Errorf("%s in %s: status %d, %s", test.name, version, w.Code, w.Body)
			}
		}
	}
	r := newRequest(t.Context(), "http://server.example/mcp", call)
	r.Header.Del("Mcp-Name")
	r.Header.Set("Mcp-Protocol-Version", "2025-06-18")
	r.Header.Add("Mcp-Method", "tools/call")
	r.Header.Add("Mcp-Method", "tools/list")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("a method given twice: status %d, %s", w.Code, w.Body)
	}
}

// The error says that the client cannot be asked without a session, not that it
// lacks a capability.
func TestQuestionWithoutSession(t *testing.T) {
	t.Parallel()
	e := mcpengine.New("test", quiet(), mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true}))
	mcpengine.AddTool(e, "ask", "", func(ctx context.Context, _ none) (string, error) {
		_, err := mcpengine.ListRoots(ctx)
		return "", err
	})
	r := newRequest(t.Context(), "http://server.example/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask"}}`)
	r.Header.Set("Mcp-Protocol-Version", "2025-06-18")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if got := w.Body.String(); !strings.Contains(got, "cannot carry") || strings.Contains(got, "lacks a capability") {
		t.Errorf("the answer is %s", got)
	}
}
