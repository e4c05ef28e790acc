package mcpengine

import (
	"context"
	"encoding/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// Ask puts a question to the client that was made elsewhere, such as one that a
// [Journal] has been asked, and returns the answer as the client sent it. It
// returns the same errors as [Elicit]. [CheckAnswer] tells whether the answer
// fits the question.
func Ask(ctx context.Context, question mcp.InputRequest, opts ...AskOption) (json.RawMessage, error) {
	a := newAsk(question.Method, opts)
	req, err := asking(ctx)
	if err != nil {
		return nil, err
	}
	if err := req.require(neededFor(question)); err != nil {
		return nil, err
	}
	if a.params = question.Params; a.params == nil {
		a.params = []byte("{}")
	}
	return req.ask(ctx, a)
}

// neededFor returns the capability of a client that can answer the question.
func neededFor(question mcp.InputRequest) (needed mcp.ClientCapabilities) {
	var params struct {
		Mode    mcp.ElicitMode  `json:"mode"`
		Tools   json.RawMessage `json:"tools"`
		Choice  json.RawMessage `json:"toolChoice"`
		Include json.RawMessage `json:"includeContext"`
	}
	_ = json.Unmarshal(question.Params, &params) // what is not there is not needed
	switch question.Method {
	case mcp.MethodElicitationCreate:
		needed.Elicitation = &mcp.ElicitationCapability{}
		if params.Mode == mcp.ElicitModeURL {
			needed.Elicitation.URL = mcp.JSONObject{}
		} else {
			needed.Elicitation.Form = mcp.JSONObject{}
		}
	case mcp.MethodSamplingCreateMessage:
		needed.Sampling = &mcp.SamplingCapability{}
		if params.Tools != nil || params.Choice != nil {
			needed.Sampling.Tools = mcp.JSONObject{}
		}
		if params.Include != nil && string(params.Include) != `"none"` {
			needed.Sampling.Context = mcp.JSONObject{}
		}
	case mcp.MethodRootsList:
		needed.Roots = &mcp.RootsCapability{}
	}
	return needed
}

// CheckAnswer returns nil when the answer has the form that the question asks
// for, and otherwise an error that tells the client what is wrong. A handler
// whose question was answered so gets no error about the form.
func CheckAnswer(ctx context.Context, question mcp.InputRequest, answer json.RawMessage) error {
	if jsonrpc.Valid(answer) != nil || !jsonrpc.IsObject(answer) {
		return invalidAnswer("must be an object")
	}
	switch question.Method {
	case mcp.MethodElicitationCreate:
		return checkElicitAnswer(ctx, question, answer)
	case mcp.MethodSamplingCreateMessage:
		var result mcp.CreateMessageResult
		if err := unmarshal(answer, &result); err != nil || result.Role == "" || result.Model == "" {
			return invalidAnswer("must be a CreateMessageResult with role, content and model")
		}
	case mcp.MethodRootsList:
		var result struct {
			Roots *[]mcp.Root `json:"roots"`
		}
		if err := unmarshal(answer, &result); err != nil || result.Roots == nil {
			return invalidAnswer("must be a ListRootsResult with roots")
		}
	}
	return nil
}

func checkElicitAnswer(ctx context.Context, question mcp.InputRequest, answer []byte) error {
	var result mcp.ElicitResult
	if err := unmarshal(answer, &result); err != nil {
		return invalidAnswer("must be an object with an action")
	}
	switch result.Action {
	case mcp.ElicitActionDecline, mcp.ElicitActionCancel:
		return nil
	case mcp.ElicitActionAccept:
	default:
		return invalidAnswer(`action must be "accept", "decline" or "cancel"`)
	}
	params, err := jsonrpc.ParseObject(question.Params)
	if err != nil || params.Get("requestedSchema") == nil {
		return nil // a URL has no form
	}
	form, err := schema.Compile(params.Get("requestedSchema"))
	if err != nil {
		return internalf("compile the form of a question: %w", err)
	}
	content := []byte(result.Content)
	if content == nil {
		content = []byte("{}")
	}
	if err := form.Validate(ctx, form.DropNulls(ctx, content)); err != nil {
		return invalidAnswer("content %v", err)
	}
	return nil
}

func invalidAnswer(format string, args ...any) error {
	return mcp.Errorf(mcp.CodeInvalidParams, format, args...)
}
