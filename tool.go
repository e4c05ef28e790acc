package mcpengine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/scan"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Handler implements a tool, a resource or a prompt.
//
// In is a struct. A handler only sees arguments that match its schema. Tags of
// its fields describe them:
//
//	json:"name,omitempty"  the name; omitempty or omitzero makes it optional
//	jsonschema:"text"      the description
//	default:"10"           the default: JSON, or the bare text for a string
//	enum:"a,b"             the values that are allowed
//	minimum:"1"            of a number; also maximum, exclusiveMinimum,
//	                       exclusiveMaximum and multipleOf
//	minLength:"1"          of a string; also maxLength, pattern:"^[a-z]+$" and
//	                       format:"email"
//	minItems:"1"           of a slice; also maxItems. The other tags of a slice
//	                       are for its elements
//	sensitive:"false"      says that the value is no secret, or with true that it
//	                       is one: for package audit
//	header:"Region"        mirrors a tool's argument into an HTTP header field
//	                       (streamable-http, "Custom Headers from Tool Parameters")
//
// A pointer is optional too, and null counts as left out. A type means what
// encoding/json makes of it, also one that contains itself. A type that it
// cannot decode, and a tag that is misspelt or does not apply to its field, are
// errors of registration that name the field. docs/types.md has all of it.
//
// The context is cancelled when the client abandons the request.
type Handler[In, Out any] func(ctx context.Context, in In) (Out, error)

// A tool is a registered tool.
type tool struct {
	feature
	input  *schema.Schema
	output *schema.Schema // nil for none
	open   bool           // the input schema was given, and may allow more than the input type has

	annotations *mcp.ToolAnnotations
	defined     sync.Once // see wire
	decided     sync.Once // see wraps
	wrapped     bool

	becomes resultKind                                // the output
	text    func(ctx context.Context, out any) string // of structured content; nil for its JSON
	run     toolRunner
	flat    flatDecoder

	execution Execution // without Call for none
	budget    int       // tokens of a result, 0 for the engine's
}

// A toolRunner decodes the arguments, which are valid, runs the handler and
// appends the result, or returns it if the tool's middleware is to see it.
type toolRunner func(ctx context.Context, req *Request, t *tool, args, dst []byte) ([]byte, *mcp.CallToolResult, error)

// A toolConfig is what the options of a tool set.
type toolConfig struct {
	profile
	annotations   *mcp.ToolAnnotations
	input, output givenSchema
	text          *textOf
	budget        int // tokens of a result, 0 for the engine's
	execution     func(*Engine, string) (Execution, error)
}

// A givenSchema compiles a schema that an option gives as JSON. It is nil without
// such an option.
type givenSchema func() (*schema.Schema, error)

func given(text string) givenSchema {
	if text == "" {
		return nil
	}
	return func() (*schema.Schema, error) { return schema.Compile([]byte(text)) }
}

type toolOption func(*toolConfig)

func (o toolOption) applyToTool(c *toolConfig) { o(c) }

// ToolOptions makes one option of several, for a package that offers options of
// its own.
func ToolOptions(opts ...ToolOption) ToolOption {
	opts = slices.Clone(opts)
	return toolOption(func(c *toolConfig) {
		for _, opt := range opts {
			opt.applyToTool(c)
		}
	})
}

// WithToolAnnotations tells clients how the tool behaves.
func WithToolAnnotations(annotations mcp.ToolAnnotations) ToolOption {
	for _, hint := range []**bool{&annotations.DestructiveHint, &annotations.OpenWorldHint} {
		if *hint != nil {
			*hint = new(**hint) // the caller may change it before it is encoded
		}
	}
	return toolOption(func(c *toolConfig) { c.annotations = &annotations })
}

// WithInputSchema replaces the schema inferred from the input type by a JSON
// Schema (2020-12). It reaches clients as it is written, and arguments are
// checked against it before they are decoded into the input type, which may
// then also be a map or [encoding/json.RawMessage].
func WithInputSchema(schema string) ToolOption {
	return toolOption(func(c *toolConfig) { c.input = given(schema) })
}

// WithOutputSchema replaces the schema inferred from the output type by a JSON
// Schema (2020-12).
func WithOutputSchema(schema string) ToolOption {
	return toolOption(func(c *toolConfig) { c.output = given(schema) })
}

// AddTool adds a tool, like [NewTool] and [Engine.Add]. It panics where Add
// returns an error.
func AddTool[In, Out any](e *Engine, name, description string, h Handler[In, Out], opts ...ToolOption) {
	e.mustAdd("AddTool", NewTool(name, description, h, opts...))
}

// WithText sets the text that stands beside the structured content of a tool, in
// place of its JSON. The model reads the text, where a program or the view of an
// app reads the content. The tool cannot be added unless Out is the type of its
// output and becomes structured content.
func WithText[Out any](text func(ctx context.Context, out Out) string) ToolOption {
	if text == nil {
		panic("mcpengine: WithText: there is no function")
	}
	of := &textOf{reflect.TypeFor[Out](), func(ctx context.Context, out any) string { return text(ctx, *out.(*Out)) }}
	return toolOption(func(c *toolConfig) { c.text = of })
}

// A textOf writes the text for an output, given a pointer to it.
type textOf struct {
	out  reflect.Type
	text func(ctx context.Context, out any) string
}

// NewTool makes a tool. The name has 1 to 128 of the characters A-Z, a-z, 0-9,
// "_", "-", "." and "/".
//
// The type of the handler's output decides the form of the result:
//
//   - string becomes text;
//   - a content block of package mcp, or a slice of [mcp.ContentBlock], becomes
//     the content;
//   - *[mcp.CallToolResult] becomes the result as it is;
//   - anything else becomes structured content with an output schema, and its
//     JSON the text beside it (tools, "Structured Content"), unless [WithText]
//     writes another one.
//
// The schemas are inferred from In, whose field tags [Handler] lists, and Out.
func NewTool[In, Out any](name, description string, h Handler[In, Out], opts ...ToolOption) Feature {
	// This function is compiled for every pair of types: keep it small.
	s := &toolSpec{in: reflect.TypeFor[In](), out: reflect.TypeFor[Out]()}
	if h != nil {
		s.run = func(ctx context.Context, req *Request, t *tool, args, dst []byte) ([]byte, *mcp.CallToolResult, error) {
			var v struct {
				in  In
				out Out
			}
			err := decode(args, t.open, &t.flat, &v.in)
			if err != nil {
				return dst, nil, err
			}
			if v.out, err = h(ctx, v.in); err != nil {
				return dst, nil, err
			}
			if req.engine.toolHandler != nil {
				result, err := t.result(ctx, &v.out)
				return dst, result, err
			}
			dst, err = req.appendOutput(ctx, dst, t, &v.out)
			return dst, nil, err
		}
	}
	return s.feature(name, description, opts)
}

// A toolSpec is a tool that belongs to no engine yet.
type toolSpec struct {
	toolConfig
	in, out reflect.Type
	run     toolRunner
}

func (s *toolSpec) feature(name, description string, opts []ToolOption) Feature {
	s.name, s.description = name, description
	for _, opt := range opts {
		opt.applyToTool(&s.toolConfig)
	}
	return Feature{s}
}

func (s *toolSpec) kind() string { return kindTool }
func (s *toolSpec) key() string  { return s.name }

func (s *toolSpec) bind(e *Engine, _ *extension) (registered, error) {
	if err := checkName(s.name); err != nil {
		return nil, err
	}
	if s.run == nil {
		return nil, errNoHandler
	}
	if err := s.policy.check(e); err != nil {
		return nil, err
	}
	t := &tool{feature: feature{kind: protocol.Tool, profile: &s.profile}, open: s.input != nil, annotations: s.annotations, becomes: resultKindOf(s.out), run: s.run, budget: s.budget}
	if t.budget > 0 && e.budget == nil {
		return nil, errors.New("WithResultBudget of a tool replaces the engine's, which has none")
	}
	var err error
	if t.input, err = e.inputSchema(s.in, s.input); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	if t.output, err = e.outputSchema(s.out, s.output, t.becomes == structuredResult); err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	if s.text != nil {
		if t.becomes != structuredResult || s.text.out != s.out {
			return nil, fmt.Errorf("WithText is for structured content of type %v, and the output is %v", s.text.out, s.out)
		}
		t.text = s.text.text
	}
	if s.execution != nil {
		if t.execution, err = s.execution(e, s.name); err != nil {
			return nil, err
		}
	}
	if t.meta != nil || t.icons != nil {
		// Encoding these can fail, and the caller may change them later.
		if t.definition, err = encodeTool(t.wireDefinition()); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *tool) addTo(c *catalog) error { return c.tools.add(t) }
func (t *tool) removeFrom(c *catalog)  { c.tools.remove([]string{t.name}) }
func (t *tool) list() change           { return toolsChanged }

// wire returns the definition for a list. It is encoded for the first list: many
// processes on AWS Lambda are never asked for one.
func (t *tool) wire(v *protocol.Version) []byte {
	t.defined.Do(func() {
		if t.definition == nil {
			t.definition, _ = encodeTool(t.wireDefinition()) // the rest cannot fail
		}
	})
	if v.Handshake && t.execution.TaskSupport != "" {
		return t.wireWithTasks(v)
	}
	return t.feature.wire(v)
}

// wireWithTasks returns the definition with what 2025-11-25 alone says of tasks.
func (t *tool) wireWithTasks(v *protocol.Version) []byte {
	if shaped, ok := t.shaped.Load(v); ok {
		return shaped.([]byte)
	}
	execution := jsonrpc.NewObject("taskSupport", jsonrpc.AppendString(nil, t.execution.TaskSupport))
	shaped := v.Shape(t.kind, jsonrpc.Set(t.definition, "execution", execution))
	t.shaped.Store(v, shaped)
	return shaped
}

// wraps is [protocol.WrapsOutput] of the output schema, found out when the first
// client needs it.
func (t *tool) wraps(v *protocol.Version) bool {
	if t.output == nil || !v.Handshake {
		return false
	}
	t.decided.Do(func() { t.wrapped = protocol.WrapsOutput(t.output.JSON()) })
	return t.wrapped
}

func (t *tool) wireDefinition() mcp.Tool {
	def := mcp.Tool{
		Name:        t.name,
		Title:       t.title,
		Description: t.description,
		InputSchema: t.input.JSON(),
		Annotations: t.annotations,
		Icons:       t.icons,
		Meta:        t.meta,
	}
	if t.output != nil {
		def.OutputSchema = t.output.JSON()
	}
	return def
}

// inputSchema compiles the given schema, or infers it from t. Arguments are
// always an object.
func (e *Engine) inputSchema(t reflect.Type, given givenSchema) (*schema.Schema, error) {
	var s *schema.Schema
	var err error
	if given != nil {
		s, err = given()
	} else {
		s, err = e.schemaOf(t, forInput)
	}
	if err == nil && s.Type() != "object" {
		err = fmt.Errorf(`the schema's type must be "object"; %v is not a struct`, t)
	}
	return s, err
}

func (e *Engine) outputSchema(t reflect.Type, given givenSchema, structured bool) (*schema.Schema, error) {
	switch {
	case given != nil:
		return given()
	case structured && t.Kind() != reflect.Interface:
		return e.schemaOf(t, forOutput)
	}
	return nil, nil
}

// maxName bounds the names of tools and prompts (tools, "Tool Names").
const maxName = 128

// checkName accepts names that fit into a header field and a shell, and that do
// not look like others.
func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("a name has 1 to %d characters", maxName)
	}
	for _, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_' || c == '-' || c == '.' || c == '/':
		default:
			return fmt.Errorf("%q is not allowed in a name", c)
		}
	}
	return nil
}

func unknownTool(name string) error {
	return jsonrpc.Errorf(mcp.CodeInvalidParams, "Unknown tool: %.128q", name)
}

// callTool answers tools/call.
func (e *Engine) callTool(ctx context.Context, req *Request, dst []byte) ([]byte, error) {
	t := req.target.tool
	if t == nil {
		return dst, req.unknown()
	}
	args, err := req.objectParam("arguments")
	if err != nil {
		return dst, err
	}
	if err := checkParamHeaders(req, t.input.Headers(), args); err != nil {
		return dst, err
	}
	if err := req.resume(t.name, args); err != nil {
		return dst, err
	}
	if args, err = checkArguments(ctx, t.input, args); err != nil {
		return req.toolFailure(dst, err)
	}
	if t.execution.Call != nil && req.journal == nil {
		return req.execute(ctx, t, args, dst)
	}
	start := len(dst)
	if e.toolHandler != nil {
		dst, err = e.callThrough(ctx, req, args, dst)
	} else {
		dst, _, err = t.run(ctx, req, t, args, dst)
	}
	if err == nil {
		return dst, nil
	}
	return req.toolFailure(dst[:start], timedOut(ctx, err))
}

// toolFailure turns an error of a tool into a JSON-RPC error, a question to the
// user, or a result for the model.
func (r *Request) toolFailure(dst []byte, err error) ([]byte, error) {
	switch {
	case isProtocolError(err):
		return dst, err
	case r.journal != nil && r.asks():
		return dst, ErrSuspended
	case r.asks():
		return r.appendInputRequired(dst)
	}
	r.toolErr = err
	r.noteToolError(err)
	return r.appendToolError(dst, err), nil
}

// appendToolError appends a result that tells the model what went wrong (tools,
// "Error Handling").
func (r *Request) appendToolError(dst []byte, err error) []byte {
	dst = append(dst, `{"content":[{"type":"text","text":`...)
	dst = jsonrpc.AppendString(dst, err.Error())
	dst = append(dst, `}],"isError":true`...)
	return append(dst, r.ends.result...)
}

// checkArguments validates and then fills in defaults, which an annotation of
// the schema gives and the schema itself does not check.
func checkArguments(ctx context.Context, s *schema.Schema, args []byte) ([]byte, error) {
	args = s.DropNulls(ctx, args)
	if err := s.Validate(ctx, args); err != nil {
		if ctx.Err() != nil {
			return args, err
		}
		return args, fmt.Errorf("arguments are invalid: %w", err)
	}
	return s.ApplyDefaults(args)
}

// checkParamHeaders compares the arguments that the tool mirrors into header
// fields with those fields (streamable-http, "Server Behavior for Custom
// Headers").
func checkParamHeaders(req *Request, bindings []schema.Header, args []byte) error {
	if req.wire.HTTP == nil {
		return nil
	}
	for _, b := range bindings {
		if err := streamable.CheckParam(req.wire.HTTP.Header[b.Name], b.Name, b.Type, mirrored(args, b.Path), !req.version.Handshake); err != nil {
			return err
		}
	}
	return nil
}

// mirrored returns the value at a path of properties. It returns nil for a value
// that is null or missing.
func mirrored(args []byte, path []string) []byte {
	value := scan.At(args, path)
	if string(value) == "null" {
		return nil
	}
	return value
}
