package mcpengine

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/seal"
)

// keysVariable names the keys of a program that gives none.
const keysVariable = "MCPENGINE_KEYS"

// WithKeys sets the keys that protect the values that the server gives out and
// takes back: the state of questions (requestState), cursors of lists, session
// ids, and the tokens of package auth/broker. Each has 32 random bytes. The first one seals and all of them
// open, so that keys are rotated by adding the new one in front; with several
// replicas it goes second first, until every replica can open with it. New
// panics on keys of another length.
//
// Replicas share the keys, and so may different servers: every key is derived
// for the server, as [WithServerIdentity] says.
//
// Without WithKeys, [Engine.Run] and [Engine.Serve] read MCPENGINE_KEYS, which
// [ParseKeys] describes. Without both the key is a random one of the process:
// after a restart and on every other replica, answers to questions, cursors and
// sessions are refused, and so are the tokens of package auth/broker.
func WithKeys(current []byte, previous ...[]byte) Option {
	return engineOption(func(e *Engine) {
		ring, err := seal.NewRing(append([][]byte{current}, previous...)...)
		if err != nil {
			panic(fmt.Sprintf("mcpengine: WithKeys: %v", err))
		}
		e.ring = ring
	})
}

// WithServerIdentity sets the name that keys are derived for. A server refuses
// the values of another server with the same keys, so that production accepts
// nothing from a test server. Replicas of a server must agree on it.
//
// The default is [HTTPConfig.PublicURL], which is the URL of the resource with
// [WithAuth], and without a URL the name given to [New]. Over stdio and on AWS
// Lambda it is the same.
func WithServerIdentity(name string) Option {
	return engineOption(func(e *Engine) { e.identity = name })
}

// ParseKeys reads keys for [WithKeys] in the form of the variable MCPENGINE_KEYS:
// 32 bytes each in base64 or hexadecimal, as `openssl rand -base64 32` prints
// them, separated by commas or white space. The first one seals. A text of the
// form @PATH names a file that holds them, such as a mounted secret. The error
// does not quote the text.
func ParseKeys(text string) ([][]byte, error) {
	keys, err := seal.ParseKeys(text)
	if err == nil {
		_, err = seal.NewRing(keys...)
	}
	if err != nil {
		return nil, fmt.Errorf("parse keys: %w", err)
	}
	return keys, nil
}

// bindKeys settles for whom keys are derived.
func (e *Engine) bindKeys() {
	if e.ring == nil {
		e.randomKeys = true
		e.ring = seal.LateRing(e.warnOfRandomKeys)
	}
	e.ring = e.ring.For(e.serverIdentity())
}

// serverIdentity tells this server from others, and is the same on its replicas.
func (e *Engine) serverIdentity() string {
	return cmp.Or(e.identity, e.httpConfig.PublicURL, e.info.Name)
}

// bindAuth settles what auth serves beside the MCP endpoint, hands it the keys, if
// it wants them, and learns how handlers get tokens for APIs behind the server.
func (e *Engine) bindAuth() {
	if e.auth == nil {
		return
	}
	e.authPaths = e.auth.Paths()
	if user, ok := e.auth.(interface{ UseKeys(auth.Keys) }); ok {
		user.UseKeys(authKeys{e.ring})
	}
	if source, ok := e.auth.(upstreamAuthority); ok {
		e.withUpstream = source.ContextWithUpstream
	}
}

// An upstreamAuthority lets handlers get tokens for APIs behind the server.
type upstreamAuthority interface {
	ContextWithUpstream(ctx context.Context, r *http.Request, u *auth.User) context.Context
}

// forCaller returns a context that carries the caller of a request, who may be nil.
// A detached call has no request.
func (e *Engine) forCaller(ctx context.Context, r *http.Request, u *auth.User) context.Context {
	if u != nil || auth.UserFrom(ctx) != nil {
		// Nobody but the resource says who is calling.
		ctx = auth.ContextWithUser(ctx, u)
	}
	if e.withUpstream != nil {
		ctx = e.withUpstream(ctx, r, u)
	}
	return ctx
}

// authKeys are the keys as package auth sees them. Its purposes have a prefix, so
// that an [auth.Authority] cannot make or read values of the engine.
type authKeys struct{ ring *seal.Ring }

const authPurpose = "auth: "

func (k authKeys) Seal(purpose string, plaintext, associated []byte) string {
	return k.ring.Seal(authPurpose+purpose, plaintext, associated)
}

func (k authKeys) Open(purpose, sealed string, associated []byte) ([]byte, error) {
	return k.ring.Open(authPurpose+purpose, sealed, associated)
}

func (k authKeys) Derive(purpose string) [][]byte { return k.ring.Derive(authPurpose + purpose) }

// readKeys takes the keys from the environment when the program gives none.
func (e *Engine) readKeys() error {
	e.keysRead.Do(func() {
		text := os.Getenv(keysVariable)
		if !e.randomKeys || text == "" {
			return
		}
		keys, err := seal.ParseKeys(text)
		if err == nil {
			err = e.ring.Use(keys...)
		}
		if err != nil {
			e.keysError = fmt.Errorf("%s: %w", keysVariable, err)
			return
		}
		e.randomKeys = false
	})
	return e.keysError
}

// warnOfRandomKeys says, once, what a missing key costs.
func (e *Engine) warnOfRandomKeys() {
	e.warnKeys.Do(func() {
		e.logger.Warn("the key is a random one of this process: after a restart and on other replicas, answers to questions (requestState), cursors of lists, sessions and sign-ins are refused. Set " + keysVariable + " or WithKeys")
	})
}
