package remote

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// commandAge is how long the output of a command is used before it runs again. A
// challenge makes it run again at once.
const commandAge = time.Minute

// An authorizer adds the headers of a profile to requests, and signs in if no
// header is a credential.
type authorizer struct {
	headers []profile.Header
	getenv  func(string) string
	now     func() time.Time
	secret  func(string) // is told what must not be in a log

	// signIn returns the source of tokens. It is nil if tokens are not used. Asked says
	// that the server demands a token; otherwise the source may still be missing.
	signIn func(asked bool) (peer.Authorizer, error)

	mu       sync.Mutex
	commands map[string]printed // by the name of the header
}

// printed is the output of a command, and its time.
type printed struct {
	value string
	at    time.Time
}

// Authorize implements [peer.Authorizer].
func (a *authorizer) Authorize(ctx context.Context, r *http.Request) error {
	for _, h := range a.headers {
		value, err := a.resolve(ctx, h)
		if err != nil {
			return err
		}
		r.Header.Set(h.Name, value)
	}
	if a.signIn == nil {
		return nil
	}
	tokens, err := a.signIn(false)
	if err != nil || tokens == nil {
		return err
	}
	return tokens.Authorize(ctx, r)
}

// resolve returns the value of a header.
func (a *authorizer) resolve(ctx context.Context, h profile.Header) (string, error) {
	if len(h.Command) == 0 {
		value, err := h.Resolve(ctx, a.getenv)
		a.secret(value)
		return value, err
	}
	a.mu.Lock() // while the command runs: it is enough to run one
	defer a.mu.Unlock()
	if last, ok := a.commands[h.Name]; ok && a.now().Sub(last.at) < commandAge {
		return last.value, nil
	}
	value, err := h.Resolve(ctx, a.getenv)
	if err != nil {
		return "", err
	}
	a.secret(value)
	if a.commands == nil {
		a.commands = make(map[string]printed)
	}
	a.commands[h.Name] = printed{value, a.now()}
	return value, nil
}

// Challenged implements [peer.Authorizer].
func (a *authorizer) Challenged(ctx context.Context, resp *http.Response) (bool, error) {
	a.mu.Lock()
	for name, last := range a.commands {
		if resp.Request.Header.Get(name) == last.value {
			delete(a.commands, name)
		}
	}
	a.mu.Unlock()
	for _, h := range a.headers {
		value, err := a.resolve(ctx, h)
		if err != nil {
			return false, err
		}
		if value != resp.Request.Header.Get(h.Name) {
			return true, nil
		}
	}
	if a.signIn == nil {
		return false, nil
	}
	tokens, err := a.signIn(true)
	if err != nil || tokens == nil {
		return false, err
	}
	return tokens.Challenged(ctx, resp)
}
