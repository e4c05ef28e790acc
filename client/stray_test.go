package client_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// A stray is a server of 2025-11-25 that tells of things on the other stream than
// it should (2025-11-25, transports, "Sending Messages to the Server"), as some
// do.
type stray struct {
	told  chan string   // what it tells on the stream of what belongs to no call
	heard chan struct{} // closed when the client has heard of it
}

func (s *stray) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"stray","version":"1"}}`
	case m.Params.Name == "change":
		fmt.Fprint(w, `data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`, "\n\n")
	case m.Params.Name == "climb":
		s.told <- fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":1}}`, m.Params.Meta.Token)
		select {
		case <-s.heard:
		case <-r.Context().Done():
		}
	}
	fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n\n", m.ID, result)
}

func (s *stray) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.Connect(t.Context(), serve(t, s), client.WithProtocolVersion("2025-11-25"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A change that is told of on the stream of a call is heard of.
func TestChangeOnStreamOfCall(t *testing.T) {
	t.Parallel()
	c := (&stray{}).client(t)
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

// Progress of a call that is told of on the stream of what belongs to no call is
// heard of before the call returns.
func TestProgressOnOtherStream(t *testing.T) {
	t.Parallel()
	s := &stray{told: make(chan string, 1), heard: make(chan struct{})}
	c := s.client(t)
	progress := client.WithProgress(func(mcp.ProgressNotificationParams) { close(s.heard) })
	if _, err := c.CallTool(t.Context(), "climb", nil, progress); err != nil {
		t.Error(err)
	}
}
