package dev

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/client"
)

// checkIdentity warns, once, of a server that does not use the identities: one that
// answers callers without a token, or refuses the token.
func (l *loop) checkIdentity(s *server) {
	if l.issuer == nil || l.warned || l.command.stdio {
		if l.issuer != nil && !l.warned && l.command.stdio {
			l.warned = true
			l.Say("warning: --auth-as has no effect on a server that speaks over its standard streams: such a server has no callers to verify", "")
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := readFeatures(ctx, s.target.base, s.target.transport, http.Header{})
	_, refused := errors.AsType[*client.AuthError](err)
	switch {
	case err == nil:
		l.warned = true
		l.Say("warning: the server answers callers without a token, so that --auth-as may have no effect; see docs/dev.md for what a program has to read", "")
	case refused && s.target.features == nil:
		l.warned = true
		l.Say("warning: the server refuses the token of --auth-as; see docs/dev.md for what a program has to read", "")
	}
}
