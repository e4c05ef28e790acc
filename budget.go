package mcpengine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A BudgetOption bounds the results of all tools of an engine, or of one tool.
type BudgetOption interface {
	Option
	ToolOption
}

type budgetOption int

func (o budgetOption) applyToTool(c *toolConfig) { c.budget = int(o) }

func (o budgetOption) applyToEngine(e *Engine) {
	first := e.budget == nil
	e.budget = &budget{tokens: int(o), kept: newKeeper()}
	if first {
		e.toolMiddleware = slices.Insert(e.toolMiddleware, 0, e.budgeted) // around the program's own
		e.given = append(e.given, func() {
			e.mustAdd("WithResultBudget", NewResource(restTemplate, "The rest of a result that was cut. Its URI is in the result, and only the caller of the tool can read it.",
				e.readRest, WithName("rest-of-result"), Public()))
		})
	}
}

// WithResultBudget cuts the result of a tool that is longer than a model should
// read. A list is cut behind a whole item, other text behind a line. The result then
// says what is missing, and has a link to a resource with the rest, which is read in
// parts of the same length. Only the caller of the tool can read it, for 15 minutes.
//
// The tokens of a text are an estimate: one for four ASCII characters, and one for
// each other character. The text and the structured content of a result each have
// the budget. Structured content is cut at its longest list, as long as what remains
// matches the output schema; otherwise the result becomes an error of the tool that
// asks for less and has the link.
//
// To read the rest, a tool that says it changes nothing (ReadOnlyHint) is called
// again with the same arguments, by any replica that has the same keys. What another
// tool has returned is kept in the memory of the process, 64 MiB at most.
//
// Given to the engine it holds for all tools. Given to a tool it replaces the
// engine's, without which the tool cannot be added. By default nothing is cut. It
// panics when tokens is not positive. The results of detached calls, such as those of
// durable tools, are not cut.
func WithResultBudget(tokens int) BudgetOption {
	mustBePositive("WithResultBudget", tokens)
	return budgetOption(tokens)
}

// A budget is what is known of results that are cut.
type budget struct {
	tokens int
	kept   *keeper
}

const (
	restPurpose  = "rest"
	restScheme   = "mcpengine-rest:"
	restTemplate = restScheme + "{part}"

	// restTTL is how long the rest can be read.
	restTTL = 15 * time.Minute

	// maxRestURI bounds the URI of a call that is made again. The result of a call
	// with longer arguments is kept.
	maxRestURI = 6 << 10
)

// A restPart says which part of which result a link is for.
type restPart struct {
	Tool      string          `json:"t"`
	Arguments json.RawMessage `json:"a,omitempty"` // of a call that is made again
	Kept      string          `json:"k,omitempty"` // or the name of a result that is kept
	Path      []string        `json:"p,omitempty"` // of the list in structured content
	List      bool            `json:"l,omitempty"`
	From      int             `json:"f"` // the first item, or character of a text
	Expires   int64           `json:"e"`
}

// budgetOf returns how many tokens a result of the tool may have.
func (e *Engine) budgetOf(t *tool) int {
	if t.budget > 0 {
		return t.budget
	}
	return e.budget.tokens
}

// rerunKey is the key of the *mcp.CallToolResult that a call which is made again
// fills in.
type rerunKey struct{}

// budgeted is the middleware that cuts results.
func (e *Engine) budgeted(next ToolHandler) ToolHandler {
	return func(ctx context.Context, params *mcp.CallToolRequestParams) (*mcp.CallToolResult, error) {
		result, err := next(ctx, params)
		if err != nil || result == nil {
			return result, err
		}
		if whole, ok := ctx.Value(rerunKey{}).(*mcp.CallToolResult); ok {
			*whole = *result
			return result, nil
		}
		req := RequestFrom(ctx)
		t := req.target.tool
		tokens := e.budgetOf(t)
		if req.journal != nil || !tooLong(result, tokens) { // the result of a detached call is kept elsewhere
			return result, nil
		}
		c := cut{source: sourceOf(result), tokens: tokens}
		link := e.restLink(req, t, params.Arguments, &c)
		shorter := c.shorten(result)
		if t.output != nil && !shorter.IsError && t.output.Validate(ctx, shorter.StructuredContent) != nil {
			shorter, c.shown = tooMuch(result), 0
		}
		return c.linked(shorter, link(c.shown)), nil
	}
}

// restLink returns the function that makes the link to the rest of a result, which
// begins at an item. Its URI is empty for a result that cannot be had again.
func (e *Engine) restLink(req *Request, t *tool, args json.RawMessage, c *cut) func(from int) string {
	part := restPart{Tool: t.name, Path: c.path, List: c.list, Expires: time.Now().Add(restTTL).Unix()}
	if t.annotations != nil && t.annotations.ReadOnlyHint && len(args) < maxRestURI/2 {
		part.Arguments = args
	} else if part.Kept = e.budget.kept.keep(callerID(req.user)+req.wire.Caller.Key(), c.source); part.Kept == "" {
		return func(int) string { return "" }
	}
	return func(from int) string {
		part.From = from
		return e.restURI(req, part)
	}
}

func (e *Engine) restURI(req *Request, part restPart) string {
	plain, err := json.Marshal(part)
	if err != nil {
		return "" // cannot happen: the arguments are JSON
	}
	return restScheme + e.ring.Seal(restPurpose, plain, []byte(callerID(req.user)))
}

type restIn struct {
	Part string `json:"part"`
}

// readRest reads a part of a result that was cut.
func (e *Engine) readRest(ctx context.Context, in restIn) (*mcp.ReadResourceResult, error) {
	req := RequestFrom(ctx)
	var part restPart
	plain, err := e.ring.Open(restPurpose, in.Part, []byte(callerID(req.user)))
	if err != nil || json.Unmarshal(plain, &part) != nil || time.Now().Unix() >= part.Expires {
		return nil, ResourceNotFound(req.Name())
	}
	t, _ := req.catalog.tools.names.get(part.Tool)
	if t == nil {
		return nil, ResourceNotFound(req.Name())
	}
	source, err := e.restOf(ctx, req, t, &part)
	if err != nil {
		return nil, err
	}
	page := cut{source: source, tokens: e.budgetOf(t)}
	text, next := page.from(part.From)
	result := &mcp.ReadResourceResult{Contents: []mcp.ResourceContents{{URI: req.Name(), MIMEType: page.mimeType(), Text: text}}}
	if next < source.len() {
		part.From = next
		uri := e.restURI(req, part)
		result.Contents = append(result.Contents, mcp.ResourceContents{
			URI: uri, MIMEType: "text/plain", Text: fmt.Sprintf("%s. Read %s for more.", page.says(next), uri),
		})
	}
	return result, nil
}

// restOf returns what is left of a result: it is kept, or the tool is called again.
// The caller must have the right to use the tool still.
func (e *Engine) restOf(ctx context.Context, req *Request, t *tool, part *restPart) (source, error) {
	if part.Kept == "" {
		return e.callAgain(ctx, req, part)
	}
	if e.auth != nil {
		if err := req.useFeature(ctx, &t.feature); err != nil {
			return source{}, ResourceNotFound(req.Name())
		}
	}
	kept, ok := e.budget.kept.get(part.Kept)
	if !ok {
		return source{}, ResourceNotFound(req.Name())
	}
	return kept, nil
}

// callAgain calls a tool with the arguments of the first call, as a request of its
// own: observers, policy, limits and middleware see it.
func (e *Engine) callAgain(ctx context.Context, req *Request, part *restPart) (source, error) {
	params, err := json.Marshal(mcp.CallToolRequestParams{Name: part.Tool, Arguments: part.Arguments})
	if err != nil {
		return source{}, internalf("call %s again: %w", part.Tool, err)
	}
	wire := new(jsonrpc.Request)
	if err := wire.Parse(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, req.wire.ID, mcp.MethodToolsCall, params)); err != nil {
		return source{}, internalf("call %s again: %w", part.Tool, err)
	}
	wire.Meta, wire.HasMeta, wire.ClientInfo = req.wire.Meta, req.wire.HasMeta, req.wire.ClientInfo
	wire.Handshake, wire.Began, wire.Caller = req.wire.Handshake, req.wire.Began, req.wire.Caller
	var whole mcp.CallToolResult
	ctx = context.WithValue(ctx, rerunKey{}, &whole)
	if req.user != nil {
		ctx = auth.ContextWithUser(ctx, req.user)
	}
	resp := core{Engine: e, hangup: req.hangup, local: req.local}.Handle(ctx, wire, func(jsonrpc.Notification) {})
	defer resp.Release()
	switch {
	case resp.Code != 0:
		return source{}, errorOf(resp)
	case whole.IsError || whole.Content == nil && whole.StructuredContent == nil:
		return source{}, jsonrpc.Errorf(mcp.CodeInternalError, "the tool %s fails now: call it again, and ask for less at once", part.Tool)
	}
	again := sourceAt(&whole, part.List, part.Path)
	if again.len() < part.From {
		again = source{list: part.List} // there is less than before
	}
	return again, nil
}

// errorOf returns the error of a response.
func errorOf(resp *jsonrpc.Response) error {
	members, err := jsonrpc.ParseObject(bytes.Clone(resp.Whole()))
	if err != nil {
		return err
	}
	rpcErr, err := jsonrpc.ParseError(members.Get("error"))
	if err != nil {
		return err
	}
	rpcErr.Refusal = resp.Refusal
	return rpcErr
}

// linked adds what a result does not show, and the link to it.
func (c *cut) linked(result *mcp.CallToolResult, uri string) *mcp.CallToolResult {
	note := c.says(c.shown) + "."
	if uri == "" {
		note += " The rest is not kept: ask for less at once."
		result.Content = append(result.Content, mcp.TextContent{Text: note})
		return result
	}
	note += " Read the resource " + uri + " for the rest, or ask for less at once."
	result.Content = append(result.Content, mcp.TextContent{Text: note}, mcp.ResourceLink{
		URI: uri, Name: "rest-of-result", Description: strings.TrimSuffix(c.rest(), "."), MIMEType: c.mimeType(),
	})
	return result
}
