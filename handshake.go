//go:build !mcpengine_no_handshake

package mcpengine

import (
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/handshake"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// This file alone ties the handshake versions to the engine. The build tag
// mcpengine_no_handshake leaves it out, and with it package handshake.

// servesHandshake says that the handshake versions are served.
const servesHandshake = true

// handshakeHTTP serves the handshake versions at the MCP endpoint.
func (e *Engine) handshakeHTTP() streamable.Handshake {
	c := e.httpConfig
	config := handshake.HTTPConfig{
		Keys:       e.ring,
		NoSessions: c.NoSessions,

		PlatformSessions: c.PlatformSessions,

		JSONOnly:   c.JSONOnly,
		SessionTTL: c.SessionTTL,
		KeepAlive:  c.KeepAlive,
		IOTimeout:  c.IOTimeout,
		Events:     c.Events,
		Logger:     e.logger,

		Ended:            func(version string, began time.Time) { e.sessionEnded(version, true, began) },
		EachSessions:     e.shares.sessions,
		EachDisconnected: e.shares.streams,
	}
	if e.replicas != nil {
		config.Replicas = e.replicas.Link
	}
	if e.auth != nil {
		config.Caller, config.Owner, config.Expires = callerOf, ownerOf, expiryOf
	}
	h := handshake.NewHTTP(core{Engine: e}, config)
	e.closeHandshake, e.waitHandshake, e.idleHandshake, e.keepHandshake = h.Close, h.Wait, h.Idle, h.KeepWorkers
	return h
}

// connection returns the handler for the requests of one connection, in every
// protocol version.
func (e *Engine) connection(hangup <-chan struct{}) jsonrpc.Handler {
	return handshake.NewConn(core{e, hangup, true}, handshake.ConnConfig{Logger: e.logger})
}

// SSEHandler serves the HTTP+SSE transport of protocol version 2024-11-05, for
// clients that have no other transport: event streams at /sse and messages at
// /messages. Mount it at the root of a server, or under a prefix with
// [net/http.StripPrefix], and pass that prefix. [HTTPConfig.SSE] lets Run do
// so.
//
// A client's messages have to reach the process that holds its event stream:
// this transport, unlike the others, does not work behind several replicas
// without sticky routing.
func (e *Engine) SSEHandler(prefix string) http.Handler {
	config := handshake.SSEConfig{
		Messages:  prefix + "/messages",
		KeepAlive: e.httpConfig.KeepAlive,
		IOTimeout: e.httpConfig.IOTimeout,
		Grace:     e.httpConfig.ShutdownTimeout,
		Closing:   e.subscriptions.closing,
		Logger:    e.logger,

		Ended:           func(version string, began time.Time) { e.sessionEnded(version, true, began) },
		EachConnections: e.shares.streams,
	}
	if e.auth != nil {
		config.Caller, config.Owner, config.Expires = callerOf, ownerOf, expiryOf
	}
	sse := handshake.NewSSE(core{Engine: e}, e.http, config)
	mux := http.NewServeMux()
	mux.HandleFunc("/sse", sse.ServeStream)
	mux.HandleFunc("/messages", sse.ServeMessage)
	return mux
}
