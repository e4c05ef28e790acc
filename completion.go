package mcpengine

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxCompletions is how many values a result may hold (completion, "Completion
// Results").
const maxCompletions = 100

// A completer suggests values for an argument.
type completer func(ctx context.Context, value string, resolved map[string]string) ([]string, error)

// completions holds the completers of a feature by argument.
type completions map[string]completer

// check refuses completers for arguments that do not exist.
func (c completions) check(arguments []argument) error {
	for name, complete := range c {
		if complete == nil {
			return fmt.Errorf("WithCompletion: there is no function for %q", name)
		}
		if !slices.ContainsFunc(arguments, func(a argument) bool { return a.name == name }) {
			return fmt.Errorf("WithCompletion: there is no argument %q", name)
		}
	}
	return nil
}

type completionOption func(completions)

func (o completionOption) applyToResource(c *resourceConfig) { o(c.completions) }
func (o completionOption) applyToPrompt(c *promptConfig)     { o(c.completions) }

// WithCompletion suggests values for an argument of a prompt or a variable of a
// resource template while the user types. The function gets the value so far
// and the arguments that are already settled, and returns suggestions, best
// first; the client gets the first 100.
func WithCompletion(argument string, complete func(ctx context.Context, value string, resolved map[string]string) ([]string, error)) CompletionOption {
	return completionOption(func(c completions) { c[argument] = complete })
}

// A reference names the prompt or template that is completed: the ref of
// completion/complete.
type reference struct {
	kind, name, uri string
}

// referenceOf reads a reference. A member that is absent or not a string is "",
// which refers to nothing.
func referenceOf(raw []byte) *reference {
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return new(reference)
	}
	text := func(name string) string { return jsonrpc.Text(members.Get(name)) }
	return &reference{text("type"), text("name"), text("uri")}
}

// unknown returns the error for a reference to a prompt or template that does not
// exist.
func (r *reference) unknown() error {
	if r.kind == mcp.RefResource {
		return ResourceNotFound(r.uri)
	}
	return unknownPrompt(r.name)
}

// completeParams are the parameters of completion/complete without the
// reference, which [referenceOf] reads.
type completeParams struct {
	Argument struct {
		Name  string  `json:"name"`
		Value *string `json:"value"`
	} `json:"argument"`
	Context struct {
		Arguments map[string]string `json:"arguments"`
	} `json:"context"`
}

// complete answers completion/complete.
func (e *Engine) complete(ctx context.Context, req *Request, dst []byte) ([]byte, error) {
	var p completeParams
	if err := unmarshal(req.Params(), &p); err != nil {
		return dst, jsonrpc.Errorf(mcp.CodeInvalidParams, "params must have ref, argument and strings in them")
	}
	if p.Argument.Name == "" {
		return dst, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.argument.name must be a non-empty string")
	}
	if p.Argument.Value == nil {
		return dst, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.argument.value must be a string")
	}
	complete, err := req.target.completer(p.Argument.Name)
	if err != nil {
		return dst, err
	}
	var result mcp.CompleteResult
	result.ResultType, result.Meta = req.complete(nil)
	if complete != nil {
		values, err := complete(ctx, *p.Argument.Value, p.Context.Arguments)
		if err != nil {
			return dst, err
		}
		total := int64(len(values))
		result.Completion.Total = &total
		result.Completion.HasMore = total > maxCompletions
		result.Completion.Values = values[:min(total, maxCompletions)]
	}
	return appendJSON(dst, result)
}

// completer finds the completer of an argument of the prompt or template that a
// request refers to. An argument without one has no suggestions; one that does
// not exist is an error.
func (t *target) completer(name string) (completer, error) {
	var completers completions
	var arguments []argument
	switch {
	case t.prompt != nil:
		completers, arguments = t.prompt.completions, t.prompt.arguments
	case t.resource != nil:
		completers, arguments = t.resource.completions, t.resource.arguments
	case t.ref.kind == mcp.RefPrompt || t.ref.kind == mcp.RefResource:
		return nil, t.ref.unknown()
	default:
		return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, `params.ref.type must be "ref/prompt" or "ref/resource"`)
	}
	if !slices.ContainsFunc(arguments, func(a argument) bool { return a.name == name }) {
		return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "Unknown argument: %.64q", name)
	}
	return completers[name], nil
}

// referred returns the prompt, or the template or resource, of a reference, and
// nil when there is none. A template is referred to by itself or by a URI.
func (c *catalog) referred(ref *reference) (*prompt, *resource) {
	switch ref.kind {
	case mcp.RefPrompt:
		p, _ := c.prompts.names.get(ref.name)
		return p, nil
	case mcp.RefResource:
		if folded, isTemplate := foldedKey(ref.uri); isTemplate {
			template, _ := c.templates.names.get(folded)
			return nil, template
		}
		r, _ := c.findResource(ref.uri)
		return nil, r
	}
	return nil, nil
}
