package main_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/examples/internal/servertest"
)

// Clients with a session, which a load balancer sends from one replica to the
// next, post to all of them when the replicas have the same keys. Without keys
// the warning at the start says what they lose.
func TestReplicas(t *testing.T) {
	t.Parallel()
	program := servertest.Program(t, "board")
	const variable = "MCPENGINE_KEYS="
	for _, test := range []struct {
		name, keys string
		status     int // of a call to another replica than the session's
	}{
		{"keys", variable + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")), http.StatusOK},
		{"no keys", variable, http.StatusNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := "SQLITE_FILE=" + filepath.Join(t.TempDir(), "messages.db")
			one, two := servertest.Start(t, program, file, test.keys), servertest.Start(t, program, file, test.keys)
			session := send(t, one.URL, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`).Header.Get("Mcp-Session-Id")
			if session == "" {
				t.Fatal("no session")
			}
			for server, want := range map[string]int{one.URL: http.StatusOK, two.URL: test.status} {
				resp := send(t, server, session, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"post_message","arguments":{"username":"alice","text":"hello"}}}`)
				if resp.StatusCode != want {
					t.Errorf("a call to %s with the session of %s: status %d, want %d", server, one.URL, resp.StatusCode, want)
				}
			}
			if warned := strings.Contains(one.Log(), "MCPENGINE_KEYS or WithKeys"); warned != (test.status != http.StatusOK) {
				t.Errorf("warned %t: %s", warned, one.Log())
			}
		})
	}
}

func send(t *testing.T, server, session, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		req.Header.Set("Mcp-Session-Id", session)
		req.Header.Set("MCP-Protocol-Version", "2025-11-25")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}
