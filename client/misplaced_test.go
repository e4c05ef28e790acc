package client_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// A misplacing server of 2025-11-25 sends notifications on the wrong stream
// (2025-11-25, transports, "Sending Messages to the Server"), as some servers
// do.
type misplacing struct {
	told     chan string   // messages for the stream of unrelated messages
	received chan struct{} // closed when the client has received one
}

func (s *misplacing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		select {
		case event := <-s.told:
			fmt.Fprintf(w, "data: %s\n\n", event)
		case <-r.Context().Done():
		}
		return
	}
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			Name string `json:"name"`
			Meta struct {
				Token json.RawMessage `json:"progressToken"`
			} `json:"_meta"`
		} `json:"params"`
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.ID == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	result := `{"content":[]}`
	switch {
	case m.Method == "initialize":
		result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"misplacing","version":"1"}}`
	case m.Params.Name == "change":
		fmt.Fprint(w, `data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`, "\n\n")
	case m.Params.Name == "climb":
		s.told <- fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":1}}`, m.Params.Meta.Token)
		select {
		case <-s.received:
		case <-r.Context().Done():
		}
	}
	fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n\n", m.ID, result)
}

func (s *misplacing) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.Connect(t.Context(), serve(t, s), client.WithProtocolVersion("2025-11-25"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// The client handles a change notification on the stream of a call.
func TestChangeOnStreamOfCall(t *testing.T) {
	t.Parallel()
	c := (&misplacing{}).client(t)
	for change, err := range c.Listen(t.Context(), mcp.SubscriptionFilter{ToolsListChanged: true}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case change.Method == mcp.MethodNotificationsToolsListChanged:
			return
		}
		if _, err := c.CallTool(t.Context(), "change", nil); err != nil {
			t.Fatal(err)
		}
	}
}

// The client handles progress of a call on the stream of unrelated messages,
// before the call returns.
func TestProgressOnOtherStream(t *testing.T) {
	t.Parallel()
	s := &misplacing{told: make(chan string, 1), received: make(chan struct{})}
	c := s.client(t)
	progress := client.WithProgress(func(mcp.ProgressNotificationParams) { close(s.received) })
	if _, err := c.CallTool(t.Context(), "climb", nil, progress); err != nil {
		t.Error(err)
	}
}
