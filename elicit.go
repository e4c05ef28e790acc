package mcpengine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/url"
	"reflect"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// An AskOption adjusts a question to the client.
type AskOption interface{ applyToAsk(*ask) }

type askOption func(*ask)

func (o askOption) applyToAsk(a *ask) { o(a) }

// WithKey names the question on the wire. The default is derived from the
// question, so that an answer never serves another one. A key can be used once
// in a run of the handler.
func WithKey(key string) AskOption {
	return askOption(func(a *ask) { a.key = key })
}

// WithRequestedSchema replaces the form that [Elicit] infers from its type, for
// a form that a Go type cannot express, such as one with titled choices.
func WithRequestedSchema(schema string) AskOption {
	return askOption(func(a *ask) { a.schema = given(schema) })
}

// Elicit asks the user to fill in a form and returns what they entered. T is a
// struct of strings, numbers, booleans and lists of enumerated strings; its
// fields take the same tags as a [Handler]'s input. A form must not ask for
// secrets: use [ElicitURL] for them (elicitation, "Form Mode").
//
// The error is [ErrDeclined] or [ErrCancelled] when the user does not answer,
// and an [*mcp.Error] when the client cannot ask. On the first run of the handler
// the error says that the answer is still to come. The handler returns every
// error. To ask several questions in one round, ask them all before looking at
// the errors:
//
//	name, err1 := mcpengine.Elicit[Name](ctx, "Your name?")
//	roots, err2 := mcpengine.ListRoots(ctx)
//	if err := errors.Join(err1, err2); err != nil {
//		return "", err
//	}
func Elicit[T any](ctx context.Context, message string, opts ...AskOption) (T, error) {
	var out T
	a := newAsk(mcp.MethodElicitationCreate, opts)
	req, err := asking(ctx)
	if err != nil {
		return out, err
	}
	form, err := formFor[T](req.engine, a.schema)
	if err != nil {
		return out, internalf("Elicit: %w", err)
	}
	if err := req.require(mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapability{Form: mcp.JSONObject{}}}); err != nil {
		return out, err
	}
	params := mcp.ElicitRequestFormParams{Mode: mcp.ElicitModeForm, Message: message, RequestedSchema: form.JSON()}
	if a.params, err = encode(params); err != nil {
		return out, internalf("Elicit: %w", err)
	}
	content, err := req.elicit(ctx, a)
	if err != nil {
		return out, err
	}
	content = form.DropNulls(ctx, content)
	if err := form.Validate(ctx, content); err != nil {
		return out, a.invalid("content %v", err)
	}
	if err := unmarshal(content, &out); err != nil {
		return out, a.invalid("content does not fit the form")
	}
	return out, nil
}

// formFor returns the schema of a form.
func formFor[T any](e *Engine, given givenSchema) (*schema.Schema, error) {
	if given != nil {
		return given()
	}
	return e.schemaOf(reflect.TypeFor[T](), forForm)
}

// ElicitURL asks the user to visit a URL for an interaction that the client
// must not see, such as signing in. It returns nil once the user has agreed to
// go there; that says nothing about what happened there. It returns the same
// errors as [Elicit].
func ElicitURL(ctx context.Context, message, target string, opts ...AskOption) error {
	a := newAsk(mcp.MethodElicitationCreate, opts)
	req, err := asking(ctx)
	if err != nil {
		return err
	}
	if u, err := url.Parse(target); err != nil || u.Scheme == "" || u.Host == "" {
		return internalf("ElicitURL: %q is not an absolute URL", target)
	}
	if err := req.require(mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapability{URL: mcp.JSONObject{}}}); err != nil {
		return err
	}
	params := struct {
		mcp.ElicitRequestURLParams
		ID string `json:"elicitationId,omitzero"`
	}{ElicitRequestURLParams: mcp.ElicitRequestURLParams{Mode: mcp.ElicitModeURL, Message: message, URL: target}}
	if req.version.Handshake {
		params.ID = rand.Text() // 2025-11-25 requires one
	}
	a.params, err = encode(params)
	if err != nil {
		return internalf("ElicitURL: %w", err)
	}
	_, err = req.elicit(ctx, a)
	return err
}

// elicit asks and returns the content of the answer, if the user gave one.
func (r *Request) elicit(ctx context.Context, a *ask) ([]byte, error) {
	answer, err := r.ask(ctx, a)
	if err != nil {
		return nil, err
	}
	var result mcp.ElicitResult
	if err := unmarshal(answer, &result); err != nil {
		return nil, a.invalid("must be an object with an action")
	}
	switch result.Action {
	case mcp.ElicitActionAccept:
		if result.Content == nil {
			result.Content = []byte("{}")
		}
		return result.Content, nil
	case mcp.ElicitActionDecline:
		return nil, ErrDeclined
	case mcp.ElicitActionCancel:
		return nil, ErrCancelled
	}
	return nil, a.invalid(`action must be "accept", "decline" or "cancel"`)
}

// CreateMessage asks the client to call its model. The protocol deprecates this
// since 2026-07-28. It returns the same errors as [Elicit].
func CreateMessage(ctx context.Context, params mcp.CreateMessageRequestParams, opts ...AskOption) (*mcp.CreateMessageResult, error) {
	a := newAsk(mcp.MethodSamplingCreateMessage, opts)
	req, err := asking(ctx)
	if err != nil {
		return nil, err
	}
	needed := &mcp.SamplingCapability{}
	if len(params.Tools) > 0 || params.ToolChoice != nil {
		needed.Tools = mcp.JSONObject{}
	}
	if params.IncludeContext != "" && params.IncludeContext != mcp.IncludeContextNone {
		needed.Context = mcp.JSONObject{}
	}
	if err := req.require(mcp.ClientCapabilities{Sampling: needed}); err != nil {
		return nil, err
	}
	if a.params, err = encode(params); err != nil {
		return nil, internalf("CreateMessage: %w", err)
	}
	answer, err := req.ask(ctx, a)
	if err != nil {
		return nil, err
	}
	var result mcp.CreateMessageResult
	if err := unmarshal(answer, &result); err != nil || result.Role == "" || result.Model == "" {
		return nil, a.invalid("must be a CreateMessageResult with role, content and model")
	}
	return &result, nil
}

// ListRoots asks the client for the folders the user works in. The protocol
// deprecates this since 2026-07-28. It returns the same errors as [Elicit].
func ListRoots(ctx context.Context, opts ...AskOption) ([]mcp.Root, error) {
	a := newAsk(mcp.MethodRootsList, opts)
	a.params = []byte("{}") // optional, but some clients refuse a request without it
	req, err := asking(ctx)
	if err != nil {
		return nil, err
	}
	if err := req.require(mcp.ClientCapabilities{Roots: &mcp.RootsCapability{}}); err != nil {
		return nil, err
	}
	answer, err := req.ask(ctx, a)
	if err != nil {
		return nil, err
	}
	var result struct {
		Roots *[]mcp.Root `json:"roots"`
	}
	if err := unmarshal(answer, &result); err != nil || result.Roots == nil {
		return nil, a.invalid("must be a ListRootsResult with roots")
	}
	return *result.Roots, nil
}

// Step runs f once for all runs of the handler: when the handler is run again
// with an answer, Step returns the first run's value of f. Put a side effect that
// comes before a question into a step. The client keeps the value as JSON, sealed
// and bound to the request; of a durable tool, the server keeps it. An error is
// not kept.
//
// A name can be used once in a run of the handler. Options are for durable tools
// alone: see package ext/tasks.
func Step[T any](ctx context.Context, name string, f func(context.Context) (T, error), opts ...StepOption) (T, error) {
	var out T
	req, err := remembering(ctx)
	if err != nil {
		return out, err
	}
	ran := false
	kept, err := req.memory().step(ctx, newStep(name, opts), func(ctx context.Context) (json.RawMessage, error) {
		v, err := f(ctx)
		out, ran = v, true
		if err != nil {
			return nil, err
		}
		kept, err := encode(v)
		if err != nil {
			return nil, internalf("Step(%q): %w", name, err)
		}
		return kept, nil
	})
	if err != nil || ran {
		return out, err
	}
	return out, json.Unmarshal(kept, &out)
}

func newStep(name string, opts []StepOption) StepInfo {
	s := StepInfo{Name: name}
	for _, opt := range opts {
		opt.applyToStep(&s)
	}
	return s
}

// require returns an error unless the client has declared the capability that a
// question needs (basic, "_meta").
func (r *Request) require(needed mcp.ClientCapabilities) error {
	has := r.ClientCapabilities()
	switch {
	case needed.Roots != nil && has.Roots == nil,
		needed.Sampling != nil && !offersSampling(has.Sampling, needed.Sampling),
		needed.Elicitation != nil && !offersElicitation(has.Elicitation, needed.Elicitation):
		return &versionedError{
			mcp.Errorf(mcp.CodeMissingRequiredClientCapability, "the client lacks a capability that this request needs").
				WithData(mcp.MissingRequiredClientCapabilityData{RequiredCapabilities: needed}),
			func(v *protocol.Version) int { return v.MissingCapability },
		}
	}
	return nil
}

func offersSampling(has, needed *mcp.SamplingCapability) bool {
	return has != nil &&
		(needed.Tools == nil || has.Tools != nil) &&
		(needed.Context == nil || has.Context != nil)
}

// offersElicitation reports whether the client has the modes that are needed. A
// client that names no mode has forms (elicitation, "Capabilities").
func offersElicitation(has, needed *mcp.ElicitationCapability) bool {
	if has == nil {
		return false
	}
	form := has.Form != nil || has.URL == nil
	return (needed.Form == nil || form) && (needed.URL == nil || has.URL != nil)
}

func (a *ask) invalid(format string, args ...any) error {
	args = append([]any{a.key}, args...)
	return jsonrpc.Errorf(mcp.CodeInvalidParams, "inputResponses[%.64q]: "+format, args...)
}
