//go:build !mcpengine_no_handshake

package mcpengine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
)

// Each session that ends is told once, with the time since it began.
func TestSessionObserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []mcpengine.Session
		e := mcpengine.New("test", quiet(), mcpengine.WithSessionObserver(func(s mcpengine.Session) { got = append(got, s) }))
		give(e, "work", "done")
		const initialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
		for _, message := range []string{call("work"), initialize} {
			in, out := io.Pipe()
			ended := make(chan error, 1)
			go func() { ended <- e.ServeStdio(t.Context(), in, io.Discard) }()
			_, _ = io.WriteString(out, message+"\n")
			<-time.After(time.Minute)
			out.Close()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		}
		for _, version := range []string{"2025-11-25", "2026-07-28"} {
			c, err := client.Connect(t.Context(), "http://test.example/mcp", client.WithProtocolVersion(version), client.WithHTTPClient(&http.Client{Transport: client.InMemory(e)}),
				client.WithSessionObserver(func(s client.Session) {
					if s != (client.Session{ProtocolVersion: "2025-11-25", Server: "http://test.example/mcp", Duration: time.Hour}) {
						t.Errorf("the client is told of %+v", s)
					}
					got = append(got, mcpengine.Session{ProtocolVersion: "of the client"})
				}))
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Hour)
			c.Close()
			c.Close()
		}
		want := []mcpengine.Session{
			{ProtocolVersion: "2026-07-28", Duration: time.Minute},
			{ProtocolVersion: "2025-06-18", Duration: time.Minute},
			{ProtocolVersion: "2025-11-25", HTTP: true, Duration: time.Hour},
			{ProtocolVersion: "of the client"},
		}
		for i := range got {
			got[i].Duration = got[i].Duration.Round(time.Minute) // an id has whole seconds
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the sessions (-want +got):\n%s", diff)
		}
	})
}

// A connection of HTTP+SSE is a session.
func TestSessionObserverOfSSE(t *testing.T) {
	t.Parallel()
	ended := make(chan mcpengine.Session, 1)
	e := mcpengine.New("test", quiet(), mcpengine.WithSessionObserver(func(s mcpengine.Session) { ended <- s }))
	server := httptest.NewServer(e.SSEHandler(""))
	defer server.Close()
	c, err := client.Connect(t.Context(), server.URL+"/sse")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if got := <-ended; !got.HTTP || got.Duration <= 0 || got.ProtocolVersion != "2025-11-25" {
		t.Errorf("the session is %+v", got)
	}
}
