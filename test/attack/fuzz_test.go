package attack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
)

// Whatever the body of a request is, it runs no handler that its sender may not
// run, and no two places read it differently.
func FuzzAuthorize(f *testing.F) {
	fort := newFort(f, fortConfig{engine: []mcpengine.Option{mcpengine.WithHTTP(mcpengine.HTTPConfig{NoSessions: true})}})
	reader := fort.token(nil)
	for _, touch := range touches {
		for _, name := range []string{"public", "read", "write", "secret", "staff"} {
			params := strings.ReplaceAll(touch.params, "%s", name)
			f.Add(call{method: touch.method, params: params}.earlier())
		}
	}
	f.Add("[" + call{method: "tools/call", params: `"name":"read"`}.earlier() + "," + call{method: "tools/call", params: `"name":"write"`}.earlier() + "]")
	f.Add(call{method: "tools/call", params: `"name":"read","Name":"write"`}.earlier())
	f.Add(call{method: "completion/complete", params: `"ref":{"type":"ref/prompt","name":"read","uri":"file:///write/x"},"argument":{"name":"topic","value":""}`}.earlier())
	f.Fuzz(func(t *testing.T, body string) {
		for _, token := range []string{"", reader} {
			header := handshakeHeader(bearer(token))
			a := serve(t, fort.engine, http.MethodPost, "/mcp", body, header)
			for _, ran := range fort.took() {
				_, feature, _ := strings.Cut(ran, " ")
				open := feature == "public" || token != "" && (feature == "plain" || feature == "read" || feature == "person")
				if !open {
					t.Errorf("%q ran for %q: %d %s", ran, token, a.status, a.body)
				}
			}
		}
	})
}
