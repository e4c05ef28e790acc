package mcp

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
)

// CompleteRequestParams are the parameters of completion/complete. Ref and
// Argument are required.
type CompleteRequestParams struct {
	Meta     Meta                `json:"_meta,omitzero"`
	Ref      CompletionReference `json:"ref"`
	Argument CompleteArgument    `json:"argument"`
	Context  *CompleteContext    `json:"context,omitzero"`
}

// UnmarshalJSON decodes parameters whose reference is of a known type.
func (p *CompleteRequestParams) UnmarshalJSON(data []byte) error {
	o, err := decodeObject(data)
	if err != nil {
		return fmt.Errorf("decode completion parameters: %w", err)
	}
	err = cmp.Or(
		o.decode("_meta", &p.Meta),
		o.decode("argument", &p.Argument),
		o.decode("context", &p.Context),
	)
	if err != nil {
		return fmt.Errorf("decode completion parameters: %w", err)
	}
	raw, ok := o["ref"]
	if !ok {
		return errors.New("decode completion parameters: ref is missing")
	}
	if p.Ref, err = decodeReference(raw); err != nil {
		return fmt.Errorf("decode completion parameters: ref: %w", err)
	}
	return nil
}

// CompleteArgument is the argument to complete and the beginning of its value.
type CompleteArgument struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CompleteContext holds the values of other arguments.
type CompleteContext struct {
	// Arguments are the values of the other arguments.
	Arguments map[string]string `json:"arguments,omitzero"`
}

// CompletionReference names the owner of the argument to complete: a
// [PromptReference] or a [ResourceTemplateReference]. A pointer to one of them
// will do as well, if it is not nil; decoding always yields the value.
type CompletionReference interface{ completionReference() }

func (PromptReference) completionReference()           {}
func (ResourceTemplateReference) completionReference() {}

// The values of the type member, by which references are told apart. The
// types write it themselves.
const (
	RefPrompt   = "ref/prompt"
	RefResource = "ref/resource"
)

// PromptReference refers to a prompt by its name.
type PromptReference struct {
	Name  string `json:"name"`
	Title string `json:"title,omitzero"`
}

// MarshalJSON encodes the reference with its type member.
func (r PromptReference) MarshalJSON() ([]byte, error) {
	type wire PromptReference
	return json.Marshal(struct {
		Type string `json:"type"`
		wire
	}{RefPrompt, wire(r)})
}

// ResourceTemplateReference refers to a resource template by its URI template,
// or to a resource by its URI.
type ResourceTemplateReference struct {
	URI string `json:"uri"`
}

// MarshalJSON encodes the reference with its type member.
func (r ResourceTemplateReference) MarshalJSON() ([]byte, error) {
	type wire ResourceTemplateReference
	return json.Marshal(struct {
		Type string `json:"type"`
		wire
	}{RefResource, wire(r)})
}

// decodeReference decodes a reference by its type member.
func decodeReference(data []byte) (CompletionReference, error) {
	name, err := decodeType(data)
	if err != nil {
		return nil, err
	}
	switch name {
	case RefPrompt:
		return decodeAs[PromptReference](data)
	case RefResource:
		return decodeAs[ResourceTemplateReference](data)
	default:
		return nil, unknownType(name)
	}
}

// CompleteResult is the result of completion/complete.
type CompleteResult struct {
	Meta       Meta       `json:"_meta,omitzero"`
	ResultType ResultType `json:"resultType,omitzero"`
	Completion Completion `json:"completion"`
}

// Completion holds the values an argument may be completed to.
type Completion struct {
	// Values are at most 100.
	Values List[string] `json:"values"`
	// Total is the number of values there are, sent or not; nil if not known.
	Total *int64 `json:"total,omitzero"`
	// HasMore says that there are values beyond those sent.
	HasMore bool `json:"hasMore,omitzero"`
}
