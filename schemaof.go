package mcpengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/mcpengine/mcpengine/internal/infer"
)

// InputSchema returns the JSON Schema by which a tool checks arguments of a type,
// for an extension that describes its own. [Handler] lists the tags of fields.
func InputSchema[In any]() (json.RawMessage, error) {
	s, err := infer.Input(reflect.TypeFor[In]())
	if err != nil {
		return nil, fmt.Errorf("input schema: %w", err)
	}
	return slices.Clone(s.JSON()), nil
}

// OutputSchema returns the JSON Schema of what a tool with that type of output
// returns.
func OutputSchema[Out any]() (json.RawMessage, error) {
	s, err := infer.Output(reflect.TypeFor[Out]())
	if err != nil {
		return nil, fmt.Errorf("output schema: %w", err)
	}
	return slices.Clone(s.JSON()), nil
}

// DecodeInput decodes JSON as the arguments of a tool with that type of input are
// decoded: it is checked against the schema of the type first, defaults are filled
// in, and a nil value counts as {}. Call it with the context of a handler. The error
// is written for the model that sent the arguments.
func DecodeInput[In any](ctx context.Context, value json.RawMessage) (In, error) {
	var in In
	req := RequestFrom(ctx)
	if req == nil {
		return in, errors.New("mcpengine: the context does not come from a handler")
	}
	s, err := req.engine.schemaOf(reflect.TypeFor[In](), forInput)
	if err != nil {
		return in, internalf("DecodeInput: %w", err)
	}
	if value == nil {
		value = json.RawMessage("{}")
	}
	args, err := checkArguments(ctx, s, value)
	if err != nil {
		return in, err
	}
	if err := decodeAny(args, &in); err != nil {
		return in, fmt.Errorf("arguments are invalid: %w", err)
	}
	return in, nil
}
