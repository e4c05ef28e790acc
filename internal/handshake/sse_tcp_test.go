package handshake_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

func newTCPFixture(t *testing.T) http.Handler {
	t.Helper()
	b := newBackend()
	s := handshake.NewSSE(b, streamable.New(b, streamable.Config{MaxBody: 1000}), handshake.SSEConfig{})
	mux := http.NewServeMux()
	mux.HandleFunc("/sse", s.ServeStream)
	mux.HandleFunc("/messages", s.ServeMessage)
	return mux
}

// talk opens a stream, does the handshake and answers a question.
func talk(ctx context.Context, url string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/sse", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	events := sse.NewReader(resp.Body, 1<<20)
	endpoint, err := events.Next()
	if err != nil {
		return err
	}
	for _, turn := range []struct{ send, want string }{
		{initializeRequest("0", "2024-11-05", everything), success("0", "{}")},
		{initialized, ""},
		{request("1", "ask", ""), request(`"s-1"`, "question", "")},
		{success(`"s-1"`, `"yes"`), success("1", `"yes"`)},
	} {
		if err := turnTo(ctx, url+string(endpoint.Data), turn.send); err != nil {
			return err
		}
		if turn.want == "" {
			continue
		}
		event, err := events.Next()
		if err != nil || string(event.Data) != turn.want {
			return fmt.Errorf("received %s, %w, want %s", event.Data, err, turn.want)
		}
	}
	return nil
}

func turnTo(ctx context.Context, url, message string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(message))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("POST is answered with %s: %s (%w)", resp.Status, body, err)
	}
	return nil
}
