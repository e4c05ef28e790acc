package peer_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// lostSessions are responses to requests with an unknown session, as the
// sources of the official SDKs and popular examples have them.
var lostSessions = []struct {
	name   string
	status int
	body   string // ID stands for the request's id
}{
	{"a bare 404", 404, ""},
	{"a bare 410", 410, ""},
	{"TypeScript, C#", 404, `{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}`},
	{"C# with the id", 404, `{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":ID}`},
	{"TypeScript, a transport that was made anew", 400, `{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}`},
	{"TypeScript's examples, Kotlin", 400, `{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}`},
	{"an example's own words", 400, `{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID or not an initialize request"},"id":null}`},
	{"text of an example", 400, "Invalid or missing session ID"},
	{"Python 1", 400, "Bad Request: No valid session ID provided"},
	{"Python 1 with an id of its own", 400, `{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Bad Request: No valid session ID provided"}}`},
	{"Python 2", 404, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Session not found"}}`},
	{"Python, ended", 404, `{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Not Found: Session has been terminated"}}`},
	{"Java", 404, `{"code":-32603,"message":"Session not found: abc"}`},
	{"Java, with the id", 404, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32603,"message":"Session not found: abc"}}`},
	{"Rust", 404, "Not Found: Session not found"},
	{"Rust, previous releases", 401, "Unauthorized: Session not found"},
	{"Go", 404, "session not found\n"},
	{"Go, previous releases", 400, "invalid session"},
	{"PHP", 404, `{"jsonrpc":"2.0","id":"","error":{"code":-32600,"message":"Session not found or has expired."}}`},
	{"PHP, with the id", 400, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32600,"message":"A valid session id is REQUIRED for non-initialize requests."}}`},
	{"Ruby", 404, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Session not found"}}`},
	{"Elixir", 400, "No active session"},
	{"with another status", 403, `{"error":"Session expired"}`},
	{"as a conflict", 409, `{"error":"the session does not exist any more"}`},
	{"as an error of the server", 500, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32603,"message":"Session abc not found"}}`},
	{"with success", 200, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32001,"message":"Session not found"}}`},
	{"with success and an own code", 200, `{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"Invalid session ID"}}`},
	{"with success and no id", 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"No valid session ID provided"}}`},
}

// sessions is a server of a handshake version. Its first session is lost at
// once, and it refuses requests with the status and the body.
func sessions(status int, body string) (h http.Handler, asked *[]string) {
	asked = new([]string)
	begun := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, method := request(r)
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		*asked = append(*asked, method)
		switch {
		case method == "initialize":
			begun++
			w.Header().Set("Mcp-Session-Id", fmt.Sprint("s", begun))
			reply(w, id, initialized)
		case method == "notifications/initialized":
			w.WriteHeader(http.StatusAccepted)
		case r.Header.Get("Mcp-Session-Id") == "s1":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			io.WriteString(w, strings.ReplaceAll(body, `"id":ID`, `"id":`+id))
		default:
			reply(w, id, `{"done":true}`)
		}
	}), asked
}

// After each of these responses the client begins another session and sends the
// request again, because the server has not acted on it.
func TestLostSession(t *testing.T) {
	t.Parallel()
	for _, lost := range lostSessions {
		t.Run(lost.name, func(t *testing.T) {
			t.Parallel()
			handler, asked := sessions(lost.status, lost.body)
			c, err := peer.Dial(t.Context(), serve(t, handler), peer.Config{Versions: []string{"2025-06-18"}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			result, err := c.Call(t.Context(), peer.Call{Method: "tools/call"})
			const want = "initialize notifications/initialized tools/call initialize notifications/initialized tools/call"
			if got := strings.Join(*asked, " "); err != nil || string(result) != `{"done":true}` || got != want {
				t.Errorf("Call = %s, %v; asked for %s", result, err, got)
			}
		})
	}
}

// A tool's error about sessions of its own is an answer.
func TestOwnSessions(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":ID,"error":{"code":-32602,"message":"the browser session is not found"}}`,
		`{"jsonrpc":"2.0","id":ID,"error":{"code":-32603,"message":"session not found"}}`,
		`{"jsonrpc":"2.0","id":ID,"error":{"code":-32001,"message":"the board is full"}}`,
		`{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"this obsession with names is not helpful"}}`,
	} {
		handler, asked := sessions(200, body)
		c, err := peer.Dial(t.Context(), serve(t, handler), peer.Config{Versions: []string{"2025-06-18"}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Call(t.Context(), peer.Call{Method: "tools/call"})
		if !strings.HasPrefix(kind(err), "rpc") || len(*asked) != 3 {
			t.Errorf("%s: %v after %v", body, err, *asked)
		}
		c.Close()
	}
}

// A server that forgets every session at once gets the request twice and no more.
func TestForgetfulServer(t *testing.T) {
	t.Parallel()
	asked := 0
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch id, method := request(r); {
		case method == "initialize":
			w.Header().Set("Mcp-Session-Id", "s")
			reply(w, id, initialized)
		case method == "tools/call":
			asked++
			http.Error(w, "Session not found", http.StatusNotFound)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{"2025-06-18"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Call(t.Context(), peer.Call{Method: "tools/call"})
	if lost, ok := errors.AsType[*peer.SessionError](err); !ok || lost.Sent || asked != 2 || !strings.Contains(err.Error(), "Session not found") {
		t.Errorf("Call: %v after %d requests, want a lost session in the server's words after 2", err, asked)
	}
}
