package peer_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// The bytes of a caller's parameters and of a server's result do not change.
// Only "_meta" is adapted to the version.
func TestBytes(t *testing.T) {
	t.Parallel()
	const params = `{ "b" : 1.0e2, "a":"\u00e9\/", "arguments": {"z": [ 1 ],"y":null} , "x":{}, "_meta":{"mine":1 ,` +
		`"io.modelcontextprotocol/clientInfo":{"name":"host","version":"1"},"io.modelcontextprotocol/protocolVersion":"1999-01-01"} }`
	const result = `{ "z" : 1.0e2, "a" : "\u00e9\/" }`
	for _, test := range []struct{ version, want string }{
		{"2026-07-28", `{"b":1.0e2,"a":"\u00e9\/","arguments":{"z": [ 1 ],"y":null},"x":{},"_meta":{"mine":1,` +
			`"io.modelcontextprotocol/clientInfo":{"name":"host","version":"1"},"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
			`"io.modelcontextprotocol/clientCapabilities":{}}}`},
		{"2025-11-25", `{"b":1.0e2,"a":"\u00e9\/","arguments":{"z": [ 1 ],"y":null},"x":{},"_meta":{"mine":1}}`},
	} {
		var sent string
		url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(data)))
			switch id, method := request(r); method {
			case "server/discover":
				reply(w, id, discovered)
			case "initialize":
				reply(w, id, `{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"handshake","version":"1"}}`)
			case "notifications/initialized":
				w.WriteHeader(http.StatusAccepted)
			default:
				sent = string(data)
				reply(w, id, result)
			}
		}))
		c, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{test.version}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got, err := c.Call(t.Context(), peer.Call{Method: "custom/method", Params: []byte(params)})
		if err != nil || string(got) != result {
			t.Errorf("Call = %s, %v, want %s", got, err, result)
		}
		if _, after, _ := strings.Cut(sent, `"params":`); after != test.want+"}" {
			t.Errorf("%s: sent\n%s, want\n%s", test.version, after, test.want)
		}
	}
}
