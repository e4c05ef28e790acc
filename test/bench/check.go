package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-cmp/cmp"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// An answer is the HTTP response to one request.
type answer struct {
	status      int
	contentType string
	session     string // that the server has begun
	body        []byte
}

type callToolResult struct {
	IsError           bool            `json:"isError"`
	StructuredContent json.RawMessage `json:"structuredContent"`
	Content           []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"content"`
}

// open begins a session with a server that has them, and returns the row with
// its request in that session.
func (r row) open(s rival, send func(wire.Request) (answer, error)) (row, error) {
	if !s.sessions {
		return r, nil
	}
	got, err := send(wire.Initialize(r.request.Handshake))
	if err != nil {
		return r, err
	}
	if got.status != http.StatusOK || got.session == "" {
		return r, fmt.Errorf("status %d and session %q to initialize", got.status, got.session)
	}
	r.request.Session = got.session
	got, err = send(wire.Initialized(r.request.Handshake, got.session))
	if err == nil && got.status != http.StatusAccepted {
		err = fmt.Errorf("status %d to initialized", got.status)
	}
	return r, err
}

// verify checks that a server does the work of the row before it is measured:
// it answers rightly, and refuses both a header that contradicts the body, or
// names no version, and arguments of the wrong type. send carries one request
// to the server.
func (r row) verify(s rival, send func(wire.Request) (answer, error)) error {
	attempts := 1
	if s.lossy {
		attempts = 1000 // on a busy machine it loses one nearly always
	}
	if err := r.verifyAnswer(attempts, send); err != nil {
		return err
	}
	contradiction := r.request
	contradiction.Override = http.Header{"Mcp-Method": {"resources/list"}}
	if r.hasHandshake() {
		contradiction.Override = http.Header{"Mcp-Protocol-Version": {"1999-12-31"}}
	}
	got, err := send(contradiction)
	if err != nil {
		return err
	}
	if got.status != http.StatusBadRequest {
		return fmt.Errorf("status %d to a mismatched header, want 400", got.status)
	}
	if r.request.Method != "tools/call" {
		return nil
	}
	mistyped := r.request
	mistyped.Params = wire.CallTool(1, r.setup.called(), map[string]any{"city": 7}).Params
	got, err = send(mistyped)
	if err != nil {
		return err
	}
	return refused(got)
}

// verifyAnswer returns nil if one of so many answers is right.
func (r row) verifyAnswer(attempts int, send func(wire.Request) (answer, error)) error {
	var wrong error
	for range attempts {
		got, err := send(r.request)
		if err != nil {
			return err
		}
		if wrong = r.accept(got); wrong == nil {
			return nil
		}
		wrong = fmt.Errorf("%w in answer %.400q", wrong, got.body)
	}
	return wrong
}

// accept returns nil if the answer is right for the row.
func (r row) accept(got answer) error {
	if got.status != http.StatusOK {
		return fmt.Errorf("status %d", got.status)
	}
	messages, err := wire.Messages(got.contentType, got.body)
	if err != nil {
		return err
	}
	last := messages[len(messages)-1]
	if last.Error != nil || string(last.ID) != "1" {
		return errors.New("no result for id 1")
	}
	if err := r.checkType(last); err != nil {
		return err
	}
	return r.check(messages)
}

// checkType checks the result type, which a result has only in 2026-07-28.
func (r row) checkType(last wire.Message) error {
	var result struct {
		ResultType string `json:"resultType"`
	}
	if err := json.Unmarshal(last.Result, &result); err != nil {
		return fmt.Errorf("decode result: %w", err)
	}
	want := "complete"
	if r.hasHandshake() {
		want = ""
	}
	if result.ResultType != want {
		return fmt.Errorf("result type %q, want %q", result.ResultType, want)
	}
	return nil
}

// refused returns nil if the answer is an error result or a protocol error.
func refused(got answer) error {
	messages, err := wire.Messages(got.contentType, got.body)
	if err != nil {
		return err
	}
	last := messages[len(messages)-1]
	if last.Error != nil {
		return nil
	}
	result, err := decodeCall(last)
	if err == nil && !result.IsError {
		err = errors.New("a number is accepted as city")
	}
	return err
}

func checkText(messages []wire.Message) error {
	result, err := decodeCall(messages[len(messages)-1])
	if err != nil {
		return err
	}
	if len(messages) != 1 || result.IsError {
		return errors.New("not one result")
	}
	if len(result.Content) != 1 || result.Content[0].Type != "text" || result.Content[0].Text != forecast(city) {
		return errors.New("wrong text")
	}
	return nil
}

func checkStructured(messages []wire.Message) error {
	result, err := decodeCall(messages[0])
	if err != nil {
		return err
	}
	if len(messages) != 1 || result.IsError || len(result.Content) != 1 {
		return errors.New("not one result")
	}
	for _, data := range [][]byte{result.StructuredContent, []byte(result.Content[0].Text)} {
		var got Weather
		if err := json.Unmarshal(data, &got); err != nil {
			return fmt.Errorf("decode structured content: %w", err)
		}
		if diff := cmp.Diff(measured(city), got); diff != "" {
			return errors.New("wrong structured content: " + diff)
		}
	}
	return nil
}

func checkProgress(messages []wire.Message) error {
	if len(messages) != progressSteps+1 {
		return fmt.Errorf("%d messages, want %d", len(messages), progressSteps+1)
	}
	for i, message := range messages[:progressSteps] {
		var params struct {
			ProgressToken string  `json:"progressToken"`
			Progress      float64 `json:"progress"`
			Message       string  `json:"message"`
		}
		if err := json.Unmarshal(message.Params, &params); err != nil {
			return fmt.Errorf("decode progress: %w", err)
		}
		if message.Method != "notifications/progress" || params.ProgressToken != "p1" ||
			params.Progress != float64(i+1) || params.Message != stepMessage(i+1) {
			return fmt.Errorf("wrong notification %d", i+1)
		}
	}
	return checkText(messages[progressSteps:])
}

func checkList(messages []wire.Message, tools int) error {
	var result struct {
		Tools []struct {
			Name        string `json:"name"`
			Description string `json:"description"`
			InputSchema struct {
				Properties map[string]struct {
					Type        string `json:"type"`
					Description string `json:"description"`
				} `json:"properties"`
				Required []string `json:"required"`
			} `json:"inputSchema"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(messages[0].Result, &result); err != nil {
		return fmt.Errorf("decode list: %w", err)
	}
	if len(result.Tools) != tools {
		return fmt.Errorf("%d tools, want %d", len(result.Tools), tools)
	}
	for i, tool := range result.Tools {
		input := tool.InputSchema
		if tool.Name != toolName(i) || tool.Description != toolDescription ||
			input.Properties["city"].Type != "string" || input.Properties["city"].Description == "" ||
			!cmp.Equal(input.Required, []string{"city"}) {
			return fmt.Errorf("wrong tool %d", i)
		}
	}
	return nil
}

func decodeCall(message wire.Message) (callToolResult, error) {
	var result callToolResult
	if err := json.Unmarshal(message.Result, &result); err != nil {
		return result, fmt.Errorf("decode result: %w", err)
	}
	return result, nil
}
