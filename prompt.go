package mcpengine

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
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
	get func(ctx context.Context, args []byte) (any, error)
}

func (p *prompt) completes() bool { return len(p.completions) > 0 }

// A promptConfig is what the options of a prompt set.
type promptConfig struct {
	profile
	completions completions
}

// AddPrompt adds a prompt, like [NewPrompt] and [Engine.Add]. It panics where
// Add returns an error.
func AddPrompt[In any, Out PromptResult](e *Engine, name, description string, h Handler[In, Out], opts ...PromptOption) {
	e.mustAdd("AddPrompt", NewPrompt(name, description, h, opts...))
}

// NewPrompt makes a prompt. In is a struct whose fields are the arguments:
// strings, numbers and booleans. Names are as for [NewTool].
func NewPrompt[In any, Out PromptResult](name, description string, h Handler[In, Out], opts ...PromptOption) Feature {
	// This function is compiled for every pair of types: keep it small.
	s := &promptSpec{in: reflect.TypeFor[In]()}
	if h != nil {
		var flat flatDecoder
		s.get = func(ctx context.Context, args []byte) (any, error) { return handle(ctx, args, &flat, h) }
	}
	return s.feature(name, description, opts)
}

// A promptSpec is a prompt that belongs to no engine yet.
type promptSpec struct {
	promptConfig
	in  reflect.Type
	get func(ctx context.Context, args []byte) (any, error)
}

func (s *promptSpec) feature(name, description string, opts []PromptOption) Feature {
	s.promptConfig = promptConfig{profile: profile{name: name, description: description}, completions: completions{}}
	for _, opt := range opts {
		opt.applyToPrompt(&s.promptConfig)
	}
	return Feature{s}
}

func (s *promptSpec) kind() string { return kindPrompt }
func (s *promptSpec) key() string  { return s.name }

func (s *promptSpec) bind(e *Engine, _ *extension) (registered, error) {
	if err := checkName(s.name); err != nil {
		return nil, err
	}
	if s.get == nil {
		return nil, errNoHandler
	}
	if err := s.policy.check(e); err != nil {
		return nil, err
	}
	p := &prompt{feature: feature{kind: protocol.Prompt, profile: &s.profile}, completions: s.completions, get: s.get}
	var err error
	if p.input, err = e.inputSchema(s.in, nil); err != nil {
		return nil, err
	}
	if p.arguments, err = argumentsOf(p.input); err != nil {
		return nil, err
	}
	if err := p.completions.check(p.arguments); err != nil {
		return nil, err
	}
	p.definition, err = encode(p.wireDefinition())
	return p, err
}

func (p *prompt) addTo(c *catalog) error { return c.prompts.add(p) }
func (p *prompt) removeFrom(c *catalog)  { c.prompts.remove([]string{p.name}) }
func (p *prompt) list() change           { return promptsChanged }

func (p *prompt) wireDefinition() mcp.Prompt {
	def := mcp.Prompt{Name: p.name, Title: p.title, Description: p.description, Icons: p.icons, Meta: p.meta}
	for _, a := range p.arguments {
		def.Arguments = append(def.Arguments, mcp.PromptArgument{
			Name: a.name, Title: a.title, Description: a.description, Required: a.required,
		})
	}
	return def
}

// result makes the result from the handler's output.
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
	return jsonrpc.Errorf(mcp.CodeInvalidParams, "Unknown prompt: %.128q", name)
}

// getPrompt answers prompts/get.
func (e *Engine) getPrompt(ctx context.Context, req *Request, dst []byte) ([]byte, error) {
	p := req.target.prompt
	if p == nil {
		return dst, req.unknown()
	}
	raw, err := req.objectParam("arguments")
	if err != nil {
		return dst, err
	}
	if err := req.resume(p.name, raw); err != nil {
		return dst, err
	}
	args, err := p.decodeArguments(ctx, raw)
	if err != nil {
		return dst, err
	}
	out, err := p.get(ctx, args)
	if err != nil {
		return req.failure(dst, err)
	}
	result, err := p.result(out)
	if err != nil {
		return dst, err
	}
	result.ResultType, result.Meta = req.complete(result.Meta)
	return req.appendShaped(dst, result, false)
}

// decodeArguments turns the arguments, which are strings on the wire, into values
// of the input's types and validates them.
func (p *prompt) decodeArguments(ctx context.Context, raw []byte) ([]byte, error) {
	members, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return nil, invalidParams(err)
	}
	names := make([]string, len(members))
	values := make([]string, len(members))
	for i, m := range members {
		if !jsonrpc.IsString(m.Value) {
			return nil, jsonrpc.Errorf(mcp.CodeInvalidParams, "params.arguments.%.64s must be a string", m.Name)
		}
		names[i], values[i] = string(m.Name), jsonrpc.UnquoteString(m.Value)
	}
	args, err := checkArguments(ctx, p.input, encodeArguments(p.arguments, names, values))
	if err != nil {
		return nil, invalidParams(err)
	}
	return args, nil
}
