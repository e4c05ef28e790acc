package locallambda_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/internal/locallambda"
)

// The weather server is a bootstrap without changes: it has no code for Lambda.
func TestWeatherIsABootstrap(t *testing.T) {
	t.Parallel()
	bootstrap := buildtest.Program(t, "../../examples", "./weather")
	p, log := start(t, locallambda.Options{Bootstrap: bootstrap})
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	for _, test := range []struct{ method, name, params, want string }{
		{"tools/call", "get_weather", `{"name":"get_weather","arguments":{"city":"Tokyo"},` + meta + `}`, "The weather in Tokyo is sunny"},
		{"server/discover", "", `{` + meta + `}`, `"tools":{}`}, // no listChanged: clients could not be told
		{"tools/list", "", `{` + meta + `}`, `"ttlMs":60000`},
		{"subscriptions/listen", "", `{"notifications":{"toolsListChanged":true},` + meta + `}`, `-32601`},
	} {
		t.Run(test.method, func(t *testing.T) {
			body := `{"jsonrpc":"2.0","id":1,"method":"` + test.method + `","params":` + test.params + `}`
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL()+"/mcp", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Accept", "application/json, text/event-stream")
			req.Header.Set("Mcp-Protocol-Version", "2026-07-28")
			req.Header.Set("Mcp-Method", test.method)
			if test.name != "" {
				req.Header.Set("Mcp-Name", test.name)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), test.want) {
				t.Errorf("%s = %d %s, %v, want %s", test.method, resp.StatusCode, text, err, test.want)
			}
		})
	}
	if log.String() != "" {
		t.Errorf("the function writes %s", log)
	}
}
