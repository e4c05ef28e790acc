package peer_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A malformed answer ends the call at once on every transport, with the error
// that it means or with a ProtocolError.
var wrongAnswers = []struct{ name, answer, want string }{
	{"half of a surrogate pair", `{"jsonrpc":"2.0","id":ID,"result":{"a":"cut \ud83d"}}`, `{"a":"cut \ufffd"}`},
	{"Latin-1", "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"a\":\"caf\xe9\"}}", "{\"a\":\"caf\uFFFD\"}"},
	{"an id as a string", `{"jsonrpc":"2.0","id":"ID","result":{"a":1}}`, `{"a":1}`},
	{"a result and no error", `{"jsonrpc":"2.0","id":ID,"result":{"a":1},"error":null}`, `{"a":1}`},
	{"an error and no result", `{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"no"},"result":null}`, "no (-32000)"},
	{"duplicate names", `{"jsonrpc":"2.0","id":ID,"result":{"a":1,"a":2}}`, "protocol: duplicate"},
	{"too deep", `{"jsonrpc":"2.0","id":ID,"result":` + strings.Repeat(`{"a":`, 140) + "1" + strings.Repeat("}", 141), "protocol: nested"},
	{"no result and no error", `{"jsonrpc":"2.0","id":ID,"result":null,"error":null}`, "protocol:"},
	{"both", `{"jsonrpc":"2.0","id":ID,"result":{},"error":{"code":1,"message":"m"}}`, "protocol: either"},
	{"a result that is no object", `{"jsonrpc":"2.0","id":ID,"result":[1]}`, "protocol: object"},
	{"an error that is no object", `{"jsonrpc":"2.0","id":ID,"error":"no"}`, "protocol: object"},
	{"an error without a code", `{"jsonrpc":"2.0","id":ID,"error":{"message":"m"}}`, "protocol: code"},
	{"another version", `{"jsonrpc":"1.0","id":ID,"result":{}}`, "protocol: jsonrpc"},
	{"half of it", `{"jsonrpc":"2.0","id":ID,"result":{"a":`, "protocol: parse error"},
	{"a name of another case", `{"jsonrpc":"2.0","id":ID,"Result":{},"result":{}}`, "protocol: "},
}

func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range wrongAnswers {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for transport, dial := range map[string]func(*testing.T, string) *peer.Conn{"stdio": dialWrong, "http": dialWrongHTTP} {
				c := dial(t, test.answer)
				result, err := c.Call(t.Context(), peer.Call{Method: "tools/call", Params: []byte(`{"name":"t"}`)})
				if got := outcomeOf(result, err); !matches(got, test.want) {
					t.Errorf("%s: the call ends with %s, want %s", transport, got, test.want)
				}
				c.Close()
			}
		})
	}
}

func outcomeOf(result []byte, err error) string {
	var rpcErr *jsonrpc.Error
	var protocol *peer.ProtocolError
	switch {
	case err == nil:
		return string(result)
	case errors.As(err, &rpcErr):
		return rpcErr.Error()
	case errors.As(err, &protocol):
		return "protocol: " + protocol.Error()
	}
	return "unexpected: " + err.Error()
}

func matches(got, want string) bool {
	kind, text, ok := strings.Cut(want, ": ")
	if !ok {
		return strings.HasPrefix(got, want)
	}
	return strings.HasPrefix(got, kind+": ") && strings.Contains(got, text)
}

// dialWrong connects to a server on two streams that answers tool calls with
// answer.
func dialWrong(t *testing.T, answer string) *peer.Conn {
	t.Helper()
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	go func() {
		defer serverOut.Close()
		lines := bufio.NewScanner(serverIn)
		for lines.Scan() {
			var m jsonrpc.Message
			if m.Parse(lines.Bytes()) != nil || m.ID == nil {
				continue
			}
			line := wrongFor(m.Method, answer)
			_, _ = serverOut.Write(append(bytes.ReplaceAll([]byte(line), []byte("ID"), m.ID), '\n'))
		}
	}()
	c, err := peer.Attach(t.Context(), in, out, peer.Config{Versions: []string{"2025-11-25"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wrongFor(method, answer string) string {
	if method == "initialize" {
		return `{"jsonrpc":"2.0","id":ID,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}`
	}
	return answer
}

func dialWrongHTTP(t *testing.T, answer string) *peer.Conn {
	t.Helper()
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, method := request(r)
		if id == "" {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, strings.ReplaceAll(wrongFor(method, answer), "ID", id))
	}))
	c, err := peer.Dial(t.Context(), url, peer.Config{Versions: []string{"2025-11-25"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A question of the server that cannot be read is answered, with its id, and is
// not taken for the answer to a call with the same id.
func TestWrongQuestion(t *testing.T) {
	t.Parallel()
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	answered := make(chan string, 1)
	go func() {
		defer serverOut.Close()
		lines := bufio.NewScanner(serverIn)
		for lines.Scan() {
			var m jsonrpc.Message
			if m.Parse(lines.Bytes()) != nil || m.ID == nil {
				continue
			}
			switch {
			case m.Method == "initialize":
				_, _ = io.WriteString(serverOut, strings.ReplaceAll(wrongFor(m.Method, ""), "ID", string(m.ID))+"\n")
			case m.Method == "tools/call":
				_, _ = io.WriteString(serverOut, strings.ReplaceAll(`{"jsonrpc":"2.0","id":ID,"method":"roots/list","params":{"a":1,"a":2}}`, "ID", string(m.ID))+"\n")
			case m.IsResponse():
				answered <- lines.Text()
				_, _ = io.WriteString(serverOut, `{"jsonrpc":"2.0","id":`+string(m.ID)+`,"result":{"done":true}}`+"\n")
			}
		}
	}()
	c, err := peer.Attach(context.WithoutCancel(t.Context()), in, out, peer.Config{Versions: []string{"2025-11-25"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	result, err := c.Call(t.Context(), peer.Call{Method: "tools/call", Params: []byte(`{"name":"t"}`)})
	if err != nil || string(result) != `{"done":true}` {
		t.Errorf("the call ends with %s, %v", result, err)
	}
	if got := <-answered; !strings.Contains(got, `"error":{"code":-32700`) {
		t.Errorf("the question is answered with %s", got)
	}
}
