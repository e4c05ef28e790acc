package mcpengine

import (
	"context"

	"github.com/mcpengine/mcpengine/internal/schema"
)

// A Handler implements a tool, a resource or a prompt.
//
// In is a struct. A `json` tag names an argument, `jsonschema` describes it,
// `omitempty` makes it optional, `default:"…"` fills it in, `enum:"a,b"` limits
// it, and `header:"Region"` mirrors a tool's argument into an HTTP header field
// (streamable-http, "Custom Headers from Tool Parameters"). A handler only sees
// arguments that match the schema.
//
// The context is cancelled when the client abandons the request.
type Handler[In, Out any] func(ctx context.Context, in In) (Out, error)

// handle runs the handler of a resource or a prompt on valid arguments.
func handle[In, Out any](ctx context.Context, args []byte, flat *schema.Flat, h Handler[In, Out]) (any, error) {
	var in In
	if err := decode(args, false, flat, &in); err != nil {
		return nil, invalidParams(err)
	}
	return h(ctx, in)
}

// A Method answers one request of the client, whatever its method is. The
// result is a JSON object. It stays valid until the Method is called again.
type Method func(ctx context.Context, req *Request) (result []byte, err error)
