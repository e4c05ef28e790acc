package main

import (
	"errors"
	"net/http"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// The exit codes, for scripts.
const (
	exitError       = 1 // also a tool that fails
	exitUsage       = 2
	exitAuth        = 3 // sign in, or send other credentials
	exitUnreachable = 4 // no server there, or no answer in time
	exitProtocol    = 5 // what answers is no MCP server, or not in this version
)

// exitCodes say what each exit code means, for the manual. docs/cli.md has the same.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{0, "there is an answer"},
	{exitError, "an error, also a tool that failed"},
	{exitUsage, "the command line is wrong, also an argument that the schema does not take"},
	{exitAuth, "the server wants credentials, or refuses the ones it got, also with 403 and 407"},
	{exitUnreachable, "the server cannot be reached, does not answer in time (`--timeout`), or says so with 408, 429, 502, 503 or 504"},
	{exitProtocol, "the peer is not an MCP server, or has no version in common; also any other HTTP status while connecting"},
}

// A connectError is the reason that connecting to a server failed.
type connectError struct{ error }

func (e connectError) Unwrap() error { return e.error }

// An authError says that signing in failed, or that nobody is signed in.
type authError struct{ error }

func (e authError) Unwrap() error { return e.error }

// exitCode returns the code with which an error ends the program.
func exitCode(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if errors.As(err, new(relayError)) {
		return bridge.ExitCode(err)
	}
	if isAuth(err) {
		return exitAuth
	}
	_, protocol := errors.AsType[*client.ProtocolError](err)
	status, isStatus := errors.AsType[*client.StatusError](err)
	_, unreachable := errors.AsType[*client.UnreachableError](err)
	switch {
	case isStatus && (status.Status == http.StatusForbidden || status.Status == http.StatusProxyAuthRequired):
		return exitAuth
	case unreachable, errors.Is(err, client.ErrIdle), isStatus && unavailable(status.Status):
		return exitUnreachable
	case protocol, isStatus, errors.As(err, new(connectError)):
		return exitProtocol
	}
	return exitError
}

func isAuth(err error) bool {
	_, refused := errors.AsType[*client.AuthError](err)
	_, relayed := errors.AsType[*peer.AuthError](err)
	_, server := errors.AsType[*oauth.Error](err)
	return refused || relayed || server || errors.As(err, new(authError)) || errors.Is(err, errSignIn)
}

// unavailable reports whether a status says that the server is not there at the moment.
func unavailable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
