package attack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// No request body makes the engine run a handler that its sender may not run,
// and all parts of the engine read the body in the same way.
func FuzzAuthorize(f *testing.F) {
	server := newFixture(f, fixtureConfig{engine: []mcpengine.Option{mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true})}})
	reader := server.token(nil)
	for _, touch := range touches {
		for _, name := range []string{"public", "read", "write", "secret", "staff"} {
			params := strings.ReplaceAll(touch.params, "%s", name)
			f.Add(call{method: touch.method, params: params}.handshake())
		}
	}
	f.Add("[" + call{method: "tools/call", params: `"name":"read"`}.handshake() + "," + call{method: "tools/call", params: `"name":"write"`}.handshake() + "]")
	f.Add(call{method: "tools/call", params: `"name":"read","Name":"write"`}.handshake())
	f.Add(call{method: "completion/complete", params: `"ref":{"type":"ref/prompt","name":"read","uri":"file:///write/x"},"argument":{"name":"topic","value":""}`}.handshake())
	f.Fuzz(func(t *testing.T, body string) {
		for _, token := range []string{"", reader} {
			header := handshakeHeader(bearer(token))
			a := serve(t, server.engine, http.MethodPost, "/mcp", body, header)
			for _, ran := range server.took() {
				_, feature, _ := strings.Cut(ran, " ")
				open := feature == "public" || token != "" && (feature == "plain" || feature == "read" || feature == "person")
				if !open {
					t.Errorf("%q ran for %q: %d %s", ran, token, a.status, a.body)
				}
			}
		}
	})
}
