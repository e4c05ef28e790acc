package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Provider is one identity provider: it issues tokens and knows how to check
// them. The functions of package idp make providers, and so do [StaticTokens]
// and [Custom]. Mistakes in their arguments are reported by [NewResource], so
// that a provider can be made from configuration without a check at every step.
type Provider interface {
	// Issuer returns the identifier of the issuer, which every [User] of the
	// provider has.
	Issuer() string

	// Open puts the provider to work for a resource. It reports mistakes in the
	// arguments that the provider was made from, and should fetch nothing: the
	// first token is early enough.
	Open(Environment) (*Verifier, error)
}

// An Environment holds the tools that a [Resource] gives its providers. No
// field is nil.
type Environment struct {
	Resource string           // URL of the resource
	Client   *http.Client     // to ask the provider with
	Now      func() time.Time // the wall clock
	Logger   *slog.Logger
	Leeway   time.Duration // how far the clocks may disagree

	// TokenCache is how many accepted tokens to remember.
	TokenCache int
}

// A Verifier is a provider at work.
type Verifier struct {
	// Verify returns the caller that sent a token. It returns an error that is
	// [ErrInvalidToken] when the token is bad, best an [*InvalidTokenError], and
	// any other error when that could not be found out, best an
	// [*UnavailableError]. The text of other errors is not logged, because it
	// may quote the token. The token has at most [MaxTokenBytes] bytes and, where
	// Refusals is set, the characters of a token (RFC 6750, section 2.1).
	Verify func(ctx context.Context, token string) (*User, error)

	// AuthorizationServer is the issuer that the metadata sends clients to. It
	// is empty when clients cannot get tokens by themselves.
	AuthorizationServer string

	// Recognizes reports whether a token, which has not been verified yet, names
	// this provider as its issuer. Leave it nil when tokens do not name their
	// issuer: then the provider has to be the only one of its resource.
	Recognizes func(token string) bool

	// ScopePrefix and a slash stand before each scope that a client requests.
	// Users have their scopes without them.
	ScopePrefix string

	// Refusals bounds how many bad tokens Verify is called with in a minute. Set
	// it when Verify asks the issuer. The resource then asks about a token once at
	// a time, remembers refusals for a few seconds, and keeps tokens that were
	// good before apart from those it has never seen. With 0 it calls Verify for
	// every token.
	Refusals int

	// Issuers are further issuers whose users the provider vouches for, besides
	// its own. It is for a provider that issues tokens to users of others.
	Issuers []string

	// Endpoints are served beside the metadata of the resource, each at its path,
	// to everybody. They make the provider an authorization server.
	Endpoints map[string]http.Handler

	// UseKeys gets the keys of the server before the first request. It must not
	// use them yet, because they may come later. Leave it nil where the provider
	// gives out nothing of its own.
	UseKeys func(Keys)

	// ProviderToken returns the access token of the identity provider that came with
	// a token, which has been verified. It is for a provider that issues tokens of its
	// own and keeps the identity provider's for [Upstream]. Leave it nil otherwise.
	ProviderToken func(token string) (string, error)

	// SignIn says how people get tokens, for mcpengine.Engine.Explain. The zero
	// value says nothing.
	SignIn SignIn

	// Remember is how long an accepted token is good without asking again, where
	// Refusals is set.
	Remember time.Duration
}

// A SignIn says how people get tokens: a phrase for who can sign in, and one for
// the ways that are open to their clients.
type SignIn struct{ Server, Who, Why string }

// requestable spells a scope as clients have to request it.
func (v *Verifier) requestable(scope string) string {
	if v.ScopePrefix == "" || slices.Contains(standardScopes, scope) || strings.HasPrefix(scope, v.ScopePrefix+"/") {
		return scope
	}
	return v.ScopePrefix + "/" + scope
}

// ErrInvalidToken says that a token was refused, as opposed to an error that
// kept it from being checked. A function given to [Custom] returns it, wrapped
// or not, for a token that is not good.
var ErrInvalidToken = errors.New("invalid token")

// An InvalidTokenError says why a token was refused. It matches
// [ErrInvalidToken].
type InvalidTokenError struct {
	// Reason is for the log. It must not quote the token.
	Reason string

	// Expired says that the token was good once, and the caller gets to know it.
	Expired bool

	// Bound says that the token is bound to a key of the client (RFC 9449),
	// which the challenge says too.
	Bound bool
}

func (e *InvalidTokenError) Error() string { return e.Reason }

// Is reports whether target is [ErrInvalidToken].
func (e *InvalidTokenError) Is(target error) bool { return target == ErrInvalidToken }

// An UnavailableError says why a token could not be checked. The caller is told
// to try again.
type UnavailableError struct {
	// Reason is for the log. It must not quote the token.
	Reason string
}

func (e *UnavailableError) Error() string { return e.Reason }
