package auth

import (
	"context"
	"net/url"
)

// maxRemoteChecks bounds the questions to a provider that are under way: a flood
// of made-up tokens must not become a flood of requests.
const maxRemoteChecks = 64

// A remoteVerifier checks tokens that mean nothing to us by asking whoever
// issued them.
type remoteVerifier struct {
	env   *environment
	ask   func(ctx context.Context, token string) (*User, error)
	cache tokenCache
	calls group[digest, *User]
	slots chan struct{}
}

func newRemote(env *environment, ask func(context.Context, string) (*User, error)) *remoteVerifier {
	return &remoteVerifier{env: env, ask: ask, cache: tokenCache{size: env.cacheSize}, slots: make(chan struct{}, maxRemoteChecks)}
}

func (r *remoteVerifier) check(ctx context.Context, token string) (*User, error) {
	name := digestOf(token)
	if u := r.cache.get(name, nil, r.env.now()); u != nil {
		return u, nil
	}
	if err := checkCharacters(token); err != nil {
		return nil, err
	}
	return r.calls.do(ctx, name, func(ctx context.Context) (*User, error) {
		select {
		case r.slots <- struct{}{}:
			defer func() { <-r.slots }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		u, err := r.ask(ctx, token)
		if err == nil {
			r.cache.put(name, nil, r.env.now(), u)
		}
		return u, err
	})
}

const formType = "application/x-www-form-urlencoded"

// encodeCredentials prepares a client id and secret for HTTP Basic (RFC 6749,
// section 2.3.1).
func encodeCredentials(id, secret string) (user, password string) {
	return url.QueryEscape(id), url.QueryEscape(secret)
}
