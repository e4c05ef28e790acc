//go:build mcpengine_no_handshake

package mcpengine

import (
	"context"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// servesHandshake says that the handshake versions are not served.
const servesHandshake = false

func (e *Engine) handshakeHTTP() streamable.Handshake {
	idle := func(context.Context) error { return nil }
	none := func() {}
	e.closeHandshake, e.waitHandshake, e.idleHandshake, e.keepHandshake = none, idle, idle, func() func() { return none }
	return nil
}

func (e *Engine) connection(hangup <-chan struct{}) jsonrpc.Handler { return core{e, hangup, true} }

// SSEHandler answers 404: the program is built without the handshake versions.
func (e *Engine) SSEHandler(string) http.Handler { return http.NotFoundHandler() }
