package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Provider is one identity provider: it issues tokens and this package knows
// how to check them. The functions of this package make providers; mistakes in
// their arguments are reported by [NewResource], so that a provider can be made
// from configuration without a check at every step.
type Provider interface {
	// Issuer returns the identifier of the issuer, which every [User] of the
	// provider has.
	Issuer() string

	open(*environment) (*verifier, error)
}

// An environment is what a Resource lends its providers.
type environment struct {
	resource  string
	client    *http.Client
	now       func() time.Time
	logger    *slog.Logger
	leeway    time.Duration
	cacheSize int
}

// A verifier is a provider at work.
type verifier struct {
	issuer string

	// server is what the metadata calls the authorization server, and empty
	// when clients cannot get tokens by themselves.
	server string

	// issuers are the values of "iss" in the tokens of this provider, and nil
	// when its tokens cannot be read before they are checked.
	issuers []string

	// prefix stands before a scope in requests: prefix "/" scope.
	prefix string

	// check returns the caller, an error that is ErrInvalidToken when the
	// token is bad, and any other error when that could not be found out.
	check func(ctx context.Context, token string) (*User, error)

	// remembers says that check knows tokens it has seen before, and looks at the
	// characters of those that it does not know. For the others that took as long
	// as finding them.
	remembers bool
}

// requestable spells a scope as clients have to request it.
func (v *verifier) requestable(scope string) string {
	if v.prefix == "" || slices.Contains(standardScopes, scope) || strings.HasPrefix(scope, v.prefix+"/") {
		return scope
	}
	return v.prefix + "/" + scope
}

// granted is the reverse of requestable, for the scopes of a token.
func (v *verifier) granted(scopes []string) []string {
	if v.prefix == "" {
		return scopes
	}
	bare := make([]string, len(scopes))
	for i, scope := range scopes {
		bare[i] = strings.TrimPrefix(scope, v.prefix+"/")
	}
	return bare
}

// ErrInvalidToken says that a token was refused, as opposed to an error that
// kept it from being checked. A function given to [Custom] returns it, wrapped
// or not, for a token that is not good.
var ErrInvalidToken = errors.New("invalid token")

// A refusal is the reason to refuse a token, for the log. It is made of text of
// ours and never of the token's.
type refusal struct {
	reason  string
	expired bool
	bound   bool // to a key of the client's
}

func (r refusal) Error() string { return r.reason }

func (r refusal) Is(target error) bool { return target == ErrInvalidToken }

func refuse(format string, args ...any) error {
	return refusal{reason: fmt.Sprintf(format, args...)}
}

func asRefusal(err error) refusal {
	var r refusal
	errors.As(err, &r)
	return r
}

// unavailable says that a token could not be checked, and when to try again. It
// does not unwrap: whatever was wrong at the provider, it was not the token.
type unavailable struct {
	after time.Duration
	err   error
}

func (u unavailable) Error() string { return u.err.Error() }

// checkURL returns an error unless s is an absolute URL that can be trusted to
// reach whom it names: https, or http to this machine (OAuth 2.1, section 1.5).
func checkURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("not a URL") // the cause would quote it
	case u.Host == "" || u.Opaque != "":
		return nil, errors.New("not an absolute URL")
	case u.User != nil:
		return nil, errors.New("a URL with credentials")
	case strings.Contains(s, "#"):
		return nil, errors.New("a URL with a fragment")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("not an https URL: http is for loopback addresses")
}

// checkIssuer returns an error unless s can identify an issuer (RFC 8414,
// section 2).
func checkIssuer(s string) error {
	if s == "" {
		return errors.New("no issuer")
	}
	u, err := checkURL(s)
	if err == nil && (u.RawQuery != "" || u.ForceQuery) {
		err = errors.New("a URL with a query")
	}
	if err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
