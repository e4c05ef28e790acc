package interop_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/buildtest"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// buildBridge builds the program that hosts start, and returns its path.
func buildBridge(t *testing.T) string {
	t.Helper()
	return buildtest.Program(t, filepath.Join("..", "..", "cmd", "mcpengine"), ".")
}

// A rawHost is a host that has started a bridge. It writes and reads lines by
// hand, so that it does not depend on the code that it checks.
type rawHost struct {
	version string // that it speaks
	command *exec.Cmd
	in      io.WriteCloser
	lines   chan string // closed with the bridge's output
	stderr  *strings.Builder

	last      int               // id of a request
	kept      []wire.Message    // received while something else was waited for
	asked     []string          // by the server
	responses map[string]int    // received, by id
	wanted    map[string]int    // responses, by id
	methods   map[string]string // of requests, by id
}

// startRawHost starts a bridge. Stop it in the end.
func startRawHost(ctx context.Context, version, program, target string, env ...string) (*rawHost, error) {
	h := &rawHost{
		version: version, lines: make(chan string, 256), stderr: &strings.Builder{},
		responses: map[string]int{}, wanted: map[string]int{}, methods: map[string]string{},
	}
	h.command = exec.CommandContext(ctx, program, "bridge", target)
	h.command.Env, h.command.Stderr = append(os.Environ(), env...), h.stderr
	out, err := h.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if h.in, err = h.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := h.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(h.lines) // stop waits for it
		for lines := bufio.NewReader(out); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			h.lines <- line
		}
	}()
	return h, nil
}

// begin makes the handshake, if the host's version has one.
func (h *rawHost) begin(ctx context.Context) error {
	if h.version == wire.Version {
		return nil
	}
	result, err := h.request(ctx, "initialize", map[string]any{
		"protocolVersion": h.version, "capabilities": hostCapabilities(), "clientInfo": hostInfo(),
	}, nil)
	if err != nil {
		return err
	}
	var said struct{ ProtocolVersion string }
	if err := json.Unmarshal(result, &said); err != nil || said.ProtocolVersion != h.version {
		return fmt.Errorf("the handshake ends with %s, want version %s", result, h.version)
	}
	return h.write(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
}

func hostCapabilities() map[string]any {
	return map[string]any{"elicitation": map[string]any{"form": map[string]any{}, "url": map[string]any{}}}
}

func hostInfo() map[string]any { return map[string]any{"name": "host", "version": "1.0.0"} }

func (h *rawHost) write(message map[string]any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = h.in.Write(append(line, '\n'))
	return err
}

// send sends a request, which must get one response, and returns its id.
func (h *rawHost) send(method string, params, meta map[string]any) (string, error) {
	h.last++
	all, envelope := map[string]any{}, map[string]any{}
	maps.Copy(all, params)
	maps.Copy(envelope, meta)
	if h.version == wire.Version {
		envelope["io.modelcontextprotocol/protocolVersion"] = h.version
		envelope["io.modelcontextprotocol/clientInfo"] = hostInfo()
		envelope["io.modelcontextprotocol/clientCapabilities"] = hostCapabilities()
	}
	if len(envelope) > 0 {
		all["_meta"] = envelope
	}
	id := fmt.Sprint(h.last)
	h.wanted[id], h.methods[id] = 1, method
	return id, h.write(map[string]any{"jsonrpc": "2.0", "id": h.last, "method": method, "params": all})
}

// cancel cancels a request, which must then get no response (2026-07-28, stdio,
// "Cancellation").
func (h *rawHost) cancel(id string) error {
	h.wanted[id] = 0
	return h.write(map[string]any{
		"jsonrpc": "2.0", "method": "notifications/cancelled", "params": map[string]any{"requestId": json.RawMessage(id)},
	})
}

// next returns the next message that is not a question of the server. It
// answers the questions.
func (h *rawHost) next(ctx context.Context) (wire.Message, error) {
	for {
		select {
		case line, ok := <-h.lines:
			if !ok {
				return wire.Message{}, errors.New("the bridge has ended")
			}
			var m wire.Message
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				return m, fmt.Errorf("the bridge has written %q: %w", line, err)
			}
			if m.Method == "" {
				h.responses[string(m.ID)]++
			}
			if m.Method == "" || m.ID == nil {
				return m, nil
			}
			result, err := h.answer(m.Method, m.Params)
			if err != nil {
				return m, err
			}
			if err := h.write(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": result}); err != nil {
				return m, err
			}
		case <-ctx.Done():
			return wire.Message{}, ctx.Err()
		}
	}
}

// answer returns the user's answer to a question of the server.
func (h *rawHost) answer(method string, params json.RawMessage) (any, error) {
	var question struct{ Mode, Message, URL string }
	if err := json.Unmarshal(params, &question); err != nil || method != "elicitation/create" {
		return nil, fmt.Errorf("the server asks %s %s", method, params)
	}
	if question.Mode == "url" {
		h.asked = append(h.asked, question.Message+" "+question.URL)
		return map[string]any{"action": "accept"}, nil
	}
	h.asked = append(h.asked, question.Message)
	return map[string]any{"action": "accept", "content": map[string]any{"user": "ada"}}, nil
}

// wait returns the first message that is wanted, and keeps the others.
func (h *rawHost) wait(ctx context.Context, wanted func(wire.Message) bool) (wire.Message, error) {
	for i, m := range h.kept {
		if wanted(m) {
			h.kept = append(h.kept[:i:i], h.kept[i+1:]...)
			return m, nil
		}
	}
	for {
		m, err := h.next(ctx)
		if err != nil || wanted(m) {
			return m, err
		}
		h.kept = append(h.kept, m)
	}
}

func (h *rawHost) notification(ctx context.Context, method string) (wire.Message, error) {
	m, err := h.wait(ctx, func(m wire.Message) bool { return m.Method == method })
	if err != nil {
		err = fmt.Errorf("wait for %s: %w", method, err)
	}
	return m, err
}

func (h *rawHost) response(ctx context.Context, id string) (json.RawMessage, error) {
	m, err := h.wait(ctx, func(m wire.Message) bool { return m.Method == "" && string(m.ID) == id })
	switch {
	case err != nil:
		return nil, fmt.Errorf("wait for the response to %s: %w", h.methods[id], err)
	case m.Error != nil:
		return nil, fmt.Errorf("%s: error %d: %s", h.methods[id], m.Error.Code, m.Error.Message)
	}
	return m.Result, nil
}

func (h *rawHost) request(ctx context.Context, method string, params, meta map[string]any) (json.RawMessage, error) {
	id, err := h.send(method, params, meta)
	if err != nil {
		return nil, err
	}
	return h.response(ctx, id)
}

// call calls a tool, answers what it requires, and returns its text.
func (h *rawHost) call(ctx context.Context, tool string, arguments, meta map[string]any) (string, error) {
	params := map[string]any{"name": tool, "arguments": arguments}
	for range 4 {
		raw, err := h.request(ctx, "tools/call", params, meta)
		if err != nil {
			return "", err
		}
		var result struct {
			ResultType    string
			RequestState  json.RawMessage
			InputRequests map[string]wire.Message
			Content       []struct{ Text string }
			IsError       bool
		}
		if err := json.Unmarshal(raw, &result); err != nil {
			return "", err
		}
		if result.ResultType != "input_required" {
			if len(result.Content) != 1 || result.IsError || (result.ResultType == "complete") != (h.version == wire.Version) {
				return "", fmt.Errorf("%s: %s", tool, raw)
			}
			return result.Content[0].Text, nil
		}
		answers := map[string]any{}
		for key, question := range result.InputRequests {
			if answers[key], err = h.answer(question.Method, question.Params); err != nil {
				return "", err
			}
		}
		params["inputResponses"] = answers
		if result.RequestState != nil {
			params["requestState"] = result.RequestState
		}
	}
	return "", fmt.Errorf("%s requires input again and again", tool)
}

// stop closes the host's end. It returns an error if the bridge fails, or if a
// request has not had the right number of responses.
func (h *rawHost) stop(ctx context.Context) (err error) {
	_ = h.in.Close() // the bridge may have ended
	for err == nil {
		_, err = h.next(ctx)
	}
	if ctx.Err() != nil {
		_ = h.command.Process.Kill()
	}
	for range h.lines {
	}
	if err := h.command.Wait(); err != nil {
		return fmt.Errorf("the bridge: %w\n%s", err, h.stderr)
	}
	for id, method := range h.methods {
		if got, want := h.responses[id], h.wanted[id]; got != want {
			return fmt.Errorf("%d responses to %s, want %d", got, method, want)
		}
	}
	return nil
}
