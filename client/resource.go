package client

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/mcp"
)

// ReadResource reads a resource.
func (c *Client) ReadResource(ctx context.Context, uri string, opts ...CallOption) (*mcp.ReadResourceResult, error) {
	return get[mcp.ReadResourceResult](ctx, c, newRequest(mcp.MethodResourcesRead, object("uri", uri), opts))
}

// GetPrompt gets a prompt with its arguments, which may be nil.
func (c *Client) GetPrompt(ctx context.Context, name string, arguments map[string]string, opts ...CallOption) (*mcp.GetPromptResult, error) {
	params := object("name", name)
	if len(arguments) > 0 {
		encoded, err := json.Marshal(arguments, json.Deterministic(true))
		if err != nil {
			return nil, fmt.Errorf("encode the arguments of %s: %w", name, err)
		}
		params = setMember(params, "arguments", encoded)
	}
	return get[mcp.GetPromptResult](ctx, c, newRequest(mcp.MethodPromptsGet, params, opts))
}

// Complete asks for values of an argument of a prompt or a resource template.
// Value is the beginning of the argument. Resolved holds the values of other
// arguments and may be nil.
func (c *Client) Complete(ctx context.Context, ref mcp.CompletionReference, argument, value string, resolved map[string]string, opts ...CallOption) (*mcp.Completion, error) {
	p := mcp.CompleteRequestParams{Ref: ref, Argument: mcp.CompleteArgument{Name: argument, Value: value}}
	if len(resolved) > 0 {
		p.Context = &mcp.CompleteContext{Arguments: resolved}
	}
	params, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode the parameters of a completion: %w", err)
	}
	result, err := get[mcp.CompleteResult](ctx, c, newRequest(mcp.MethodCompletionComplete, params, opts))
	if err != nil {
		return nil, err
	}
	return &result.Completion, nil
}
