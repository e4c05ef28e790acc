package mcpengine

import (
	"context"
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

// handle runs the handler of a resource or a prompt on valid arguments.
func handle[In, Out any](ctx context.Context, args []byte, flat *flatDecoder, h Handler[In, Out]) (any, error) {
	var in In
	if err := decode(args, false, flat, &in); err != nil {
		return nil, invalidParams(err)
	}
	return h(ctx, in)
}

// A Method answers one request of the client, whatever its method is. The
// result is a JSON object. It stays valid until the Method is called again.
type Method func(ctx context.Context, req *Request) (result []byte, err error)
