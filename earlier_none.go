//go:build mcpengine_newest

package mcpengine

import (
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// servesHandshake says that only the newest version is served.
const servesHandshake = false

func (e *Engine) earlierHTTP() streamable.Earlier {
	e.closeEarlier = func() {}
	return nil
}

func (e *Engine) connection(hangup <-chan struct{}) jsonrpc.Handler { return core{e, hangup} }

// SSEHandler has nothing to serve: the program is built without the earlier
// protocol versions.
func (e *Engine) SSEHandler(string) http.Handler { return http.NotFoundHandler() }
