package remote_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/internal/bridge"
)

// A host is the other end of a bridge. It waits for each answer before it asks
// again.
type host struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// newHost starts a bridge, and makes the handshake of 2025-11-25 with it.
func newHost(t *testing.T, config bridge.Config) *host {
	t.Helper()
	toBridge, in := io.Pipe()
	out, fromBridge := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := bridge.Serve(context.WithoutCancel(t.Context()), toBridge, fromBridge, config)
		toBridge.Close()
		fromBridge.Close()
		ended <- err
	}()
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := <-ended; err != nil {
			t.Errorf("the bridge has ended with %v", err)
		}
	})
	h := &host{t, in, bufio.NewReader(out)}
	h.send(`{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"host","version":"1"}}}`)
	h.answer()
	h.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return h
}

func (h *host) send(line string) {
	if _, err := io.WriteString(h.in, line+"\n"); err != nil {
		h.t.Error(err)
	}
}

// answer returns the text of the next response's result.
func (h *host) answer() string {
	for {
		line, err := h.out.ReadBytes('\n')
		if err != nil {
			h.t.Error(err)
			return ""
		}
		var m struct {
			ID     json.RawMessage
			Error  json.RawMessage
			Result struct{ Content []struct{ Text string } }
		}
		if err := json.Unmarshal(line, &m); err != nil || m.Error != nil {
			h.t.Errorf("the host received %s", line)
			return ""
		}
		switch {
		case m.ID == nil:
		case len(m.Result.Content) == 1:
			return m.Result.Content[0].Text
		default:
			return ""
		}
	}
}

// weather asks for the weather of a city.
func (h *host) weather(city string) string {
	h.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"city":"` + city + `"}}}`)
	return h.answer()
}

type place struct {
	City string `json:"city"`
}

// newEngine returns a server with the tool weather.
func newEngine(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("fixture", append(opts, mcpengine.WithLogger(slog.New(slog.DiscardHandler)))...)
	mcpengine.AddTool(e, "weather", "", func(_ context.Context, in place) (string, error) {
		return "sunny in " + in.City, nil
	})
	return e
}
