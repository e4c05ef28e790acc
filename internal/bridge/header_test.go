package bridge_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A request over HTTP whose header fields contradict its message is refused,
// whether the program knows about header fields or not.
func TestHeaderMismatch(t *testing.T) {
	t.Parallel()
	for _, version := range []string{latest, previous} {
		f := &fakeProcesses{version: version}
		h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{Start: f.start}), bridge.HandlerConfig{})
		t.Cleanup(h.Close)
		url := serve(t, h)
		for name, row := range map[string]struct {
			change    map[string]string // of the header, "" takes a field out
			arguments string
			want      string // in the answer
			status    int
		}{
			"all agree":              {nil, `{"city":"Nice","region":"Var"}`, "sunny in NiceVar", 200},
			"nothing to mirror":      {map[string]string{"Mcp-Param-Region": ""}, `{"city":"Nice"}`, "sunny in Nice", 200},
			"null is not mirrored":   {map[string]string{"Mcp-Param-Region": ""}, `{"city":"Nice","region":null}`, "sunny in Nice", 200},
			"another version":        {map[string]string{"Mcp-Protocol-Version": "2025-11-25"}, `{"city":"Nice"}`, "-32020", 400},
			"another method":         {map[string]string{"Mcp-Method": "tools/list"}, `{"city":"Nice"}`, "-32020", 400},
			"no method":              {map[string]string{"Mcp-Method": ""}, `{"city":"Nice"}`, "-32020", 400},
			"another tool":           {map[string]string{"Mcp-Name": "climb"}, `{"city":"Nice"}`, "-32020", 400},
			"no tool":                {map[string]string{"Mcp-Name": ""}, `{"city":"Nice"}`, "-32020", 400},
			"another argument":       {map[string]string{"Mcp-Param-Region": "Ain"}, `{"city":"Nice","region":"Var"}`, "-32020", 400},
			"an argument not named":  {map[string]string{"Mcp-Param-Region": ""}, `{"city":"Nice","region":"Var"}`, "-32020", 400},
			"an argument not there":  {map[string]string{"Mcp-Param-Region": "Var"}, `{"city":"Nice"}`, "-32020", 400},
			"an argument that hides": {map[string]string{"Mcp-Param-Region": "Var"}, `{"city":"Nice","region":{"a":"Var"}}`, "-32020", 400},
			"a field of no argument": {map[string]string{"Mcp-Param-Other": "x"}, `{"city":"Nice","region":"Var"}`, "sunny in NiceVar", 200},
		} {
			t.Run(name+" to "+version, func(t *testing.T) {
				t.Parallel()
				fields := map[string]string{
					"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
					"Mcp-Protocol-Version": latest, "Mcp-Method": "tools/call", "Mcp-Name": "weather", "Mcp-Param-Region": "Var",
				}
				maps.Copy(fields, row.change)
				body := request(latest, "1", "tools/call", `"name":"weather","arguments":`+row.arguments)
				fields["Authorization"] = name // a process of its own: its first call is checked
				if status, answer := post(t, url, fields, body); status != row.status || !strings.Contains(answer, row.want) {
					t.Errorf("the answer is %d %s, want %d with %q", status, answer, row.status, row.want)
				}
			})
		}
	}
}

// post sends a message with header fields, of which an empty one is left out.
func post(t *testing.T, url string, fields map[string]string, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for field, value := range fields {
		if value != "" {
			r.Header.Set(field, value)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// If the program does not list its tools, a call cannot be checked and is
// refused.
func TestHeaderUnchecked(t *testing.T) {
	t.Parallel()
	s := newFake(t, latest)
	s.answer("tools/call", `{"content":[]}`)
	s.handle("tools/list", func(w http.ResponseWriter, r *http.Request) {
		reply(w, `{"jsonrpc":"2.0","id":`+r.Header.Get("Test-Id")+`,"error":{"code":-32603,"message":"not now"}}`)
	})
	h := bridge.NewHandler(bridge.NewProcesses(bridge.ProcessConfig{
		Start: func(ctx context.Context, config peer.Config) (*peer.Conn, error) {
			return peer.Dial(ctx, s.url, config)
		},
	}), bridge.HandlerConfig{})
	t.Cleanup(h.Close)
	url := serve(t, h)
	call := func() string {
		_, answer := post(t, url, map[string]string{
			"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
			"Mcp-Protocol-Version": latest, "Mcp-Method": "tools/call", "Mcp-Name": "act", "Mcp-Param-Region": "Var",
		}, request(latest, "1", "tools/call", `"name":"act","arguments":{"region":"Ain"}`))
		return answer
	}
	for range 2 {
		if answer := call(); !strings.Contains(answer, "not now") || s.count("tools/call") != 0 {
			t.Errorf("the answer is %s, after %d calls", answer, s.count("tools/call"))
		}
	}
	s.handle("tools/list", nil)
	s.answer("tools/list", `{"tools":[{"name":"act","inputSchema":{"properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}`)
	if answer := call(); !strings.Contains(answer, "-32020") || s.count("tools/call") != 0 {
		t.Errorf("the answer is %s, after %d calls", answer, s.count("tools/call"))
	}
}
