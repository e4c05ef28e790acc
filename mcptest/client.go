// Package mcptest calls MCP servers from tests, in memory and without a
// network, through the same HTTP handler that serves clients.
//
//	c := mcptest.New(engine)
//	result, err := c.CallTool(t.Context(), "get_weather", map[string]any{"city": "Paris"})
//
// A server that asks for input is answered by [Client.Answer].
package mcptest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/mcpengine/mcpengine/mcp"
)

// A Client is a client of protocol version 2026-07-28. Set its fields before
// the first call; then it may be used from several goroutines.
type Client struct {
	// Info is how the client introduces itself.
	Info mcp.Implementation

	// Capabilities are declared with every request.
	Capabilities mcp.ClientCapabilities

	// LogLevel asks for log messages; empty asks for none.
	LogLevel mcp.LoggingLevel

	// Header is added to every HTTP request.
	Header http.Header

	// Answer answers what a server asks for: it returns an [mcp.ElicitResult],
	// an [mcp.CreateMessageResult] or an [mcp.ListRootsResult]. When it is nil,
	// a request for input ends the call with an [*InputRequiredError].
	Answer func(key string, request mcp.InputRequest) (any, error)

	// Notify gets the notifications that belong to a request, in order. Asking
	// for progress is implied by setting it.
	Notify func(method string, params json.RawMessage)

	handler http.Handler
	lastID  atomic.Int64
	tools   toolCache
}

// New returns a client of the server that handler serves: a
// *mcpengine.Engine, with or without more handlers around it.
func New(handler http.Handler) *Client {
	return &Client{
		Info:    mcp.Implementation{Name: "mcptest", Version: "1"},
		handler: handler,
	}
}

// An Error is a JSON-RPC error that the server answered with.
type Error struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`

	// Status is the HTTP status of the response.
	Status int `json:"-"`
}

// Error returns the message with its code.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// An InputRequiredError is what a call ends with when the server asks for input
// and the client has no Answer.
type InputRequiredError struct{ Result mcp.InputRequiredResult }

// Error says how much input is required.
func (e *InputRequiredError) Error() string {
	return fmt.Sprintf("the server requires %d inputs", len(e.Result.InputRequests))
}

// Discover asks the server what it is and what it can do.
func (c *Client) Discover(ctx context.Context) (*mcp.DiscoverResult, error) {
	return call[mcp.DiscoverResult](ctx, c, mcp.MethodServerDiscover, "", params{})
}

// ListTools returns all tools, page by page.
func (c *Client) ListTools(ctx context.Context) ([]mcp.Tool, error) {
	return listAll(ctx, c, mcp.MethodToolsList, func(r *mcp.ListToolsResult) ([]mcp.Tool, *mcp.Cursor) { return r.Tools, r.NextCursor })
}

// ListResources returns all resources, page by page.
func (c *Client) ListResources(ctx context.Context) ([]mcp.Resource, error) {
	return listAll(ctx, c, mcp.MethodResourcesList, func(r *mcp.ListResourcesResult) ([]mcp.Resource, *mcp.Cursor) {
		return r.Resources, r.NextCursor
	})
}

// ListResourceTemplates returns all resource templates, page by page.
func (c *Client) ListResourceTemplates(ctx context.Context) ([]mcp.ResourceTemplate, error) {
	return listAll(ctx, c, mcp.MethodResourcesTemplatesList, func(r *mcp.ListResourceTemplatesResult) ([]mcp.ResourceTemplate, *mcp.Cursor) {
		return r.ResourceTemplates, r.NextCursor
	})
}

// ListPrompts returns all prompts, page by page.
func (c *Client) ListPrompts(ctx context.Context) ([]mcp.Prompt, error) {
	return listAll(ctx, c, mcp.MethodPromptsList, func(r *mcp.ListPromptsResult) ([]mcp.Prompt, *mcp.Cursor) {
		return r.Prompts, r.NextCursor
	})
}

// CallTool calls a tool. The arguments are anything that encodes as a JSON
// object, or nil. Those that the tool mirrors into header fields are mirrored.
func (c *Client) CallTool(ctx context.Context, name string, arguments any) (*mcp.CallToolResult, error) {
	p := params{"name": name}
	header := http.Header{}
	if arguments != nil {
		encoded, err := json.Marshal(arguments)
		if err != nil {
			return nil, fmt.Errorf("encode arguments: %w", err)
		}
		p["arguments"] = json.RawMessage(encoded)
		if header, err = c.mirror(ctx, name, encoded); err != nil {
			return nil, err
		}
	}
	return callWith[mcp.CallToolResult](ctx, c, mcp.MethodToolsCall, name, p, header)
}

// ReadResource reads a resource.
func (c *Client) ReadResource(ctx context.Context, uri string) (*mcp.ReadResourceResult, error) {
	return call[mcp.ReadResourceResult](ctx, c, mcp.MethodResourcesRead, uri, params{"uri": uri})
}

// GetPrompt gets a prompt.
func (c *Client) GetPrompt(ctx context.Context, name string, arguments map[string]string) (*mcp.GetPromptResult, error) {
	p := params{"name": name}
	if arguments != nil {
		p["arguments"] = arguments
	}
	return call[mcp.GetPromptResult](ctx, c, mcp.MethodPromptsGet, name, p)
}

// Complete asks for values of an argument. Resolved holds the values of other
// arguments and may be nil.
func (c *Client) Complete(ctx context.Context, ref mcp.CompletionReference, argument, value string, resolved map[string]string) (*mcp.Completion, error) {
	p := params{"ref": ref, "argument": map[string]string{"name": argument, "value": value}}
	if resolved != nil {
		p["context"] = map[string]any{"arguments": resolved}
	}
	result, err := call[mcp.CompleteResult](ctx, c, mcp.MethodCompletionComplete, "", p)
	if err != nil {
		return nil, err
	}
	return &result.Completion, nil
}

// Listen subscribes and calls notify for each notification, the
// acknowledgement first, until ctx ends, which is no error, or the server ends
// the subscription.
func (c *Client) Listen(ctx context.Context, filter mcp.SubscriptionFilter, notify func(method string, params json.RawMessage)) error {
	listener := c.with(notify)
	_, err := call[mcp.SubscriptionsListenResult](ctx, listener, mcp.MethodSubscriptionsListen, "", params{"notifications": filter})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// with returns a client like c whose notifications go elsewhere.
func (c *Client) with(notify func(string, json.RawMessage)) *Client {
	d := &Client{Info: c.Info, Capabilities: c.Capabilities, LogLevel: c.LogLevel, Header: c.Header, Notify: notify, handler: c.handler}
	d.lastID.Store(c.lastID.Add(1))
	return d
}
