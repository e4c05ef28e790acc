package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// Exit codes of the program, by the reason why no request was answered.
const (
	ExitError       = 1
	ExitUsage       = 2
	ExitAuth        = 3
	ExitUnreachable = 4
	ExitProtocol    = 5
)

// A kind is a class of failures.
type kind struct {
	name string // in the data of the error that the host gets
	exit int
	hint string // for the user
}

var (
	kindAuth        = kind{"auth", ExitAuth, "sign in again, or check the headers of the profile"}
	kindUnreachable = kind{"unreachable", ExitUnreachable, "check that the server runs; check the URL, the proxy and the network"}
	kindStatus      = kind{"http", ExitError, "the server, or a proxy in front of it, does not answer the request; try again later"}
	kindProtocol    = kind{"protocol", ExitProtocol, "check that an MCP server is at the URL"}
	kindTimeout     = kind{"timeout", ExitUnreachable, "the server took too long; set a longer timeout in the profile"}
	kindOther       = kind{"error", ExitError, ""}
)

// A hinter is an error with a hint of its own.
type hinter interface {
	error
	Hint() string
}

func kindOf(err error) kind {
	k := sortOf(err)
	if better, ok := errors.AsType[hinter](err); ok {
		k.hint = better.Hint()
	}
	return k
}

func sortOf(err error) kind {
	if _, ok := errors.AsType[*peer.AuthError](err); ok {
		return kindAuth
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		k := kindUnreachable
		k.hint = "the server's certificate is not trusted; add its certificate authority to the profile with --ca-file"
		return k
	}
	if _, ok := errors.AsType[*peer.UnreachableError](err); ok {
		return kindUnreachable
	}
	if _, ok := errors.AsType[*peer.ProtocolError](err); ok {
		return kindProtocol
	}
	if status, ok := errors.AsType[*peer.StatusError](err); ok {
		switch {
		case status.Status == http.StatusForbidden: // without a challenge
			k := kindAuth
			k.hint = "the server, or a proxy in front of it, does not allow this request"
			return k
		case status.Status < 400 || status.Status == http.StatusNotFound || status.Status == http.StatusMethodNotAllowed:
			return kindProtocol
		}
		return kindStatus
	}
	if _, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return kindProtocol
	}
	if errors.Is(err, peer.ErrIdle) || errors.Is(err, context.DeadlineExceeded) {
		return kindTimeout
	}
	return kindOther
}

// ExitCode returns the exit code for an error of [Serve].
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return kindOf(err).exit
}

// Hint says what the user can do about an error of [Serve], or "".
func Hint(err error) string {
	if err == nil {
		return ""
	}
	return kindOf(err).hint
}

// explain returns the error that the host gets for a request in ctx. An error of
// the server is handed on as it is.
func (b *bridge) explain(ctx context.Context, method string, err error) *jsonrpc.Error {
	if isAnswer(err) {
		rpcErr, _ := errors.AsType[*jsonrpc.Error](err)
		return rpcErr
	}
	k := kindOf(err)
	level := slog.LevelWarn
	if ctx.Err() != nil || b.context.Err() != nil {
		level = slog.LevelDebug // the host has cancelled the request, or has ended
	}
	b.config.Logger.Log(b.context, level, "a request has failed", "method", method, "kind", k.name, "error", err)
	text := fmt.Sprintf("%.512s", err)
	if k.hint != "" {
		text += " (" + k.hint + ")"
	}
	rpcErr := jsonrpc.Errorf(mcp.CodeInternalError, "%s", text)
	rpcErr.Data = []byte(`{"kind":"` + k.name + `"}`)
	return rpcErr
}

func wraps[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
