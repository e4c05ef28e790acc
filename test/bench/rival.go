package main

import (
	"errors"
	"net/http"
	"runtime/debug"
)

// A rival is one of the servers compared.
type rival struct {
	name   string
	module string // whose version the report states; empty for our own code
	// serve returns the server with its tools registered, ready to answer.
	serve func(setup) http.Handler
	// lossy says that the server sometimes loses a notification, so that its
	// answer is checked again before it counts as wrong.
	lossy bool
	// sessions says that a client has to begin a session first.
	sessions bool
}

const (
	oursName       = "ours"
	noSessionsName = "ours-nosessions"
	plainName      = "plain"
)

// rivals returns the servers of 2026-07-28 in the order of the tables.
func rivals() []rival {
	return []rival{
		{name: oursName, serve: serveOurs},
		{name: plainName, serve: servePlain},
		{name: "go-sdk", module: "github.com/modelcontextprotocol/go-sdk", serve: serveGoSDK},
		// Its forwarder takes a notification off the queue before it takes the
		// lock; if the result gets the lock in between, the notification is gone.
		{name: "mcp-go", module: "github.com/mark3labs/mcp-go", serve: serveMCPGo, lossy: true},
	}
}

// handshakeRivals returns the servers of a handshake version. The others are
// without sessions, which is their fastest setting. Ours is measured with
// sessions, which is its default, and without.
func handshakeRivals() []rival {
	return []rival{
		{name: oursName, serve: serveOurs, sessions: true},
		{name: noSessionsName, serve: serveOursWithoutSessions},
		{name: plainName, serve: serveHandshakePlain},
		{name: "go-sdk", module: "github.com/modelcontextprotocol/go-sdk", serve: serveGoSDK},
		{name: "mcp-go", module: "github.com/mark3labs/mcp-go", serve: serveMCPGo, lossy: true},
	}
}

// rivals returns the servers that the row is measured for.
func (r row) rivals() []rival {
	switch {
	case r.hasHandshake():
		return handshakeRivals()
	case r.name == guardedRow:
		return guardedRivals()
	case r.name == operatedRow:
		return operatedRivals()
	}
	return rivals()
}

func (r row) rival(name string) (rival, error) {
	for _, s := range r.rivals() {
		if s.name == name {
			return s, nil
		}
	}
	return rival{}, errors.New("no rival " + name)
}

// title is the rival's name and, if it is a module's, the version linked.
func (r rival) title() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || r.module == "" {
		return r.name
	}
	for _, dep := range info.Deps {
		if dep.Path == r.module {
			return r.name + " " + dep.Version
		}
	}
	return r.name
}
