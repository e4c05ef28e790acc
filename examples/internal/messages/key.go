package messages

import (
	"context"
	"encoding/json"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// MetaKey is the member of a request's "_meta" that holds its idempotency key, a
// string that the client makes up for each message and repeats when it sends
// the message again.
const MetaKey = "dev.mcpengine/idempotencyKey"

// KeyFrom returns the idempotency key of the request that is being handled, or
// "" when it has none. A value that is not a string is a JSON-RPC error.
func KeyFrom(ctx context.Context) (string, error) {
	value := mcpengine.RequestFrom(ctx).Meta(MetaKey)
	if value == nil {
		return "", nil
	}
	var key *string
	if err := json.Unmarshal(value, &key); err != nil || key == nil {
		return "", mcp.Errorf(mcp.CodeInvalidParams, "_meta[%q] must be a string", MetaKey)
	}
	return *key, nil
}
