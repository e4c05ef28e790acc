package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/sse"
)

// useFleetSessions does with sessions of 2025-11-25 what one replica is told and
// others must know. Each of a client's requests goes to the next replica. Streams
// are resumed where the replicas share an event store.
func useFleetSessions(t *testing.T, front string, replicas []*replica, resume bool) {
	t.Helper()
	const n = 50
	cancelled, levels, resumed, ended := 0, 0, 0, 0
	for range n {
		c := newFleetClient(front)
		if err := c.initialize(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c.cancel(t) {
			cancelled++
		}
		if c.setLevel(t) {
			levels++
		}
		if resume && c.resume(t) {
			resumed++
		}
		if c.end(t, replicas) {
			ended++
		}
	}
	t.Logf("of %d sessions: %d cancelled at another replica, %d log levels, %d streams resumed, %d ended everywhere", n, cancelled, levels, resumed, ended)
	if want := map[bool]int{true: n, false: 0}[resume]; cancelled != n || levels != n || resumed != want || ended != n {
		t.Errorf("want %d of each", n)
	}
}

// start calls a tool and returns the events of its answer after the first log
// message, and the id of that event.
func (c *fleetClient) start(t *testing.T, tool string) (resp *http.Response, events *sse.Reader, id string) {
	t.Helper()
	resp, err := c.request(t.Context(), http.MethodPost, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"name":%q,"arguments":{}}}`, tool, tool))
	if err != nil {
		t.Fatal(err)
	}
	events = sse.NewReader(resp.Body, 1<<20)
	for {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(event.Data), "begun") {
			return resp, events, event.ID
		}
	}
}

// rest returns the data of the remaining events.
func rest(events *sse.Reader) (data string, err error) {
	for {
		event, err := events.Next()
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return data, err
		}
		data += string(event.Data) + "\n"
	}
}

func (c *fleetClient) notify(t *testing.T, message string) {
	t.Helper()
	resp, err := c.request(t.Context(), http.MethodPost, []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// cancel cancels a call. Its stream ends without a response.
func (c *fleetClient) cancel(t *testing.T) bool {
	t.Helper()
	resp, events, _ := c.start(t, "wait")
	defer resp.Body.Close()
	defer time.AfterFunc(time.Minute, func() { resp.Body.Close() }).Stop()
	c.notify(t, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"wait"}}`)
	data, err := rest(events)
	return err == nil && data == ""
}

// setLevel sets a log level, and waits until it holds on all replicas.
func (c *fleetClient) setLevel(t *testing.T) bool {
	t.Helper()
	c.notify(t, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"error"}}`)
	right := 0
	for end := time.Now().Add(time.Minute); right < 10 && time.Now().Before(end); right++ {
		resp, err := c.request(t.Context(), http.MethodPost, []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"report","arguments":{}}}`))
		if err != nil {
			t.Fatal(err)
		}
		data, err := rest(sse.NewReader(resp.Body, 1<<20))
		resp.Body.Close()
		if err != nil || strings.Contains(data, "too much") || !strings.Contains(data, "enough") {
			right = -1
		}
	}
	return right == 10
}

// resume fetches the rest of a stream that the server has broken off.
func (c *fleetClient) resume(t *testing.T) bool {
	t.Helper()
	first, events, id := c.start(t, "leave")
	defer first.Body.Close()
	if _, err := rest(events); err != nil {
		t.Fatal(err)
	}
	c.lastEvent = id
	defer func() { c.lastEvent = "" }()
	resp, err := c.request(t.Context(), http.MethodGet, nil)
	if err != nil {
		t.Error(err)
		return false
	}
	defer resp.Body.Close()
	data, err := rest(sse.NewReader(resp.Body, 1<<20))
	return err == nil && strings.Contains(data, `"text":"done"`)
}

// end deletes the session, and waits until no replica serves it.
func (c *fleetClient) end(t *testing.T, replicas []*replica) bool {
	t.Helper()
	resp, err := c.request(t.Context(), http.MethodDelete, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, r := range replicas {
		there := *c
		there.url = "http://" + r.address + "/mcp"
		if !there.isUnknown(t.Context()) {
			return false
		}
	}
	return true
}

func (c *fleetClient) isUnknown(ctx context.Context) bool {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		resp, err := c.request(ctx, http.MethodPost, []byte(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
		if err != nil {
			return strings.Contains(err.Error(), "HTTP 404")
		}
		resp.Body.Close()
	}
	return false
}
