package mcpengine

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// A PromptResult is what the handler of a prompt returns: the text of one
// message of the user, messages, or a result with all its fields.
type PromptResult interface {
	string | []mcp.PromptMessage | *mcp.GetPromptResult
}

// A prompt is a registered prompt.
type prompt struct {
	feature
	input       *schema.Schema
	arguments   []argument
	completions completions

	// get decodes the arguments, which are valid, and runs the handler.
	get func(ctx context.Context, args []byte) (*mcp.GetPromptResult, error)
}

func (p *prompt) completes() bool { return len(p.completions) > 0 }

// A promptConfig is what the options of a prompt set.
type promptConfig struct {
	profile
	completions completions
}

// AddPrompt adds a prompt. In is a struct whose fields are the arguments:
// strings, numbers and booleans. Names are as for [AddTool].
//
// AddPrompt panics when the name is taken or not valid and when In cannot be
// the arguments of a prompt.
func AddPrompt[In any, Out PromptResult](e *Engine, name, description string, h Handler[In, Out], opts ...PromptOption) {
	p, err := newPrompt(e, name, description, h, opts)
	if err != nil {
		panic(fmt.Sprintf("mcpengine: AddPrompt(%q): %v", name, err))
	}
	if !e.registry.edit(func(c *catalog) bool { return c.prompts.add(p) }) {
		panic(fmt.Sprintf("mcpengine: AddPrompt(%q): the name is taken", name))
	}
	e.subscriptions.changed(promptsChanged, p.guard())
}

func newPrompt[In any, Out PromptResult](e *Engine, name, description string, h Handler[In, Out], opts []PromptOption) (*prompt, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	c := promptConfig{profile: profile{name: name, description: description}, completions: completions{}}
	for _, opt := range opts {
		opt.applyToPrompt(&c)
	}
	if err := c.policy.check(e); err != nil {
		return nil, err
	}
	p := &prompt{feature: feature{profile: c.profile}, completions: c.completions}
	var err error
	if p.input, err = e.inputSchema(reflect.TypeFor[In](), nil); err != nil {
		return nil, err
	}
	if p.arguments, err = argumentsOf(p.input); err != nil {
		return nil, err
	}
	if err := p.completions.check(p.arguments); err != nil {
		return nil, err
	}
	var flat schema.Flat
	p.get = func(ctx context.Context, args []byte) (*mcp.GetPromptResult, error) {
		var in In
		if err := decode(args, false, &flat, &in); err != nil {
			return nil, invalidParams(err)
		}
		out, err := h(ctx, in)
		if err != nil {
			return nil, err
		}
		return p.result(any(out))
	}
	p.definition, err = encode(p.wireDefinition())
	return p, err
}

func (p *prompt) wireDefinition() mcp.Prompt {
	def := mcp.Prompt{Name: p.name, Title: p.title, Description: p.description, Icons: p.icons, Meta: p.meta}
	for _, a := range p.arguments {
		def.Arguments = append(def.Arguments, mcp.PromptArgument{
			Name: a.name, Title: a.title, Description: a.description, Required: a.required,
		})
	}
	return def
}

// result turns what the handler returned into the result.
func (p *prompt) result(out any) (*mcp.GetPromptResult, error) {
	result := &mcp.GetPromptResult{Description: p.description}
	switch out := out.(type) {
	case string:
		result.Messages = []mcp.PromptMessage{{Role: mcp.RoleUser, Content: mcp.TextContent{Text: out}}}
	case []mcp.PromptMessage:
		result.Messages = slices.Clone(out)
	case *mcp.GetPromptResult:
		if out == nil {
			return nil, fmt.Errorf("the handler returned a nil *mcp.GetPromptResult")
		}
		result.Messages, result.Meta = slices.Clone(out.Messages), out.Meta
		if out.Description != "" {
			result.Description = out.Description
		}
	}
	for i, m := range result.Messages {
		if isNil(m.Content) {
			return nil, fmt.Errorf("the handler returned message %d without content", i)
		}
	}
	return result, nil
}

func unknownPrompt(name string) error {
	return jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "Unknown prompt: %.128q", name)
}

// getPrompt answers prompts/get.
func (e *Engine) getPrompt(ctx context.Context, req *Request, dst []byte) ([]byte, error) {
	name, err := req.stringParam("name")
	if err != nil {
		return dst, err
	}
	p, ok := req.catalog.prompts.byName[name]
	if !ok {
		return dst, unknownPrompt(name)
	}
	raw, err := req.objectParam("arguments")
	if err != nil {
		return dst, err
	}
	if err := req.resume(name, raw); err != nil {
		return dst, err
	}
	args, err := p.decodeArguments(raw)
	if err != nil {
		return dst, err
	}
	result, err := p.get(ctx, args)
	if err != nil {
		return req.failure(dst, err)
	}
	if req.version.shapesContent() {
		for i := range result.Messages {
			result.Messages[i].Content = req.version.shapeContent(result.Messages[i].Content)
		}
	}
	result.ResultType, result.Meta = req.complete(result.Meta)
	return appendJSON(dst, result)
}

// decodeArguments turns the arguments, all of them strings on the wire, into
// valid values of the types that the input has.
func (p *prompt) decodeArguments(raw []byte) ([]byte, error) {
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return nil, invalidParams(err)
	}
	names := make([]string, len(members))
	values := make([]string, len(members))
	for i, m := range members {
		if !isString(m.Value) {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "params.arguments.%.64s must be a string", m.Name)
		}
		names[i], values[i] = string(m.Name), jsonrpc.UnquoteString(m.Value)
	}
	args, err := checkArguments(p.input, encodeArguments(p.arguments, names, values))
	if err != nil {
		return nil, invalidParams(err)
	}
	return args, nil
}
