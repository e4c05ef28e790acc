package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// Custom accepts the tokens that a function accepts. The function returns the
// user of a token, an error that is [ErrInvalidToken] for a token that is not
// good, which becomes 401, and any other error when it could not find out,
// which becomes 503, as does a panic. The function has to check the expiry of
// the token, and that the token is for this server.
//
// The function is asked about every request with a good token; requests that
// come at once with the same token share one answer. A refused token is
// remembered for ten seconds. When more than 100 tokens in a row and then ten a
// second are bad, tokens that were never good get 503 without a question.
//
// The log names the types of an error and its causes and leaves out the text,
// which may quote the token. To have a reason in the log, return an
// [*InvalidTokenError] or an [*UnavailableError].
//
// The issuer becomes the Issuer of each user. Where it is an https URL, the
// metadata names it as the authorization server.
func Custom(issuer string, verify func(ctx context.Context, token string) (*User, error)) Provider {
	return custom{issuer: issuer, verify: verify}
}

type custom struct {
	issuer string
	verify func(ctx context.Context, token string) (*User, error)
}

// Issuer implements [Provider].
func (c custom) Issuer() string { return c.issuer }

// Open implements [Provider].
func (c custom) Open(env Environment) (*Verifier, error) {
	if c.issuer == "" || strings.ContainsAny(c.issuer, " \"") {
		return nil, errors.New("no issuer, or one that cannot identify anybody")
	}
	if c.verify == nil {
		return nil, errors.New("no function to verify tokens")
	}
	v := &Verifier{Refusals: 600, Verify: func(ctx context.Context, token string) (*User, error) {
		return c.check(ctx, env, token)
	}}
	if _, err := weburl.ParseIssuer(c.issuer); err == nil {
		v.AuthorizationServer = c.issuer
	}
	return v, nil
}

func (c custom) check(ctx context.Context, env Environment, token string) (user *User, err error) {
	defer func() {
		if p := recover(); p != nil {
			user, err = nil, &UnavailableError{Reason: fmt.Sprintf("the function panicked with a %T", p)}
		}
	}()
	u, err := c.verify(ctx, token)
	switch {
	case errors.Is(err, ErrInvalidToken):
		if refused, ok := errors.AsType[*InvalidTokenError](err); ok {
			return nil, refused
		}
		return nil, &InvalidTokenError{Reason: Redact(err)}
	case err != nil:
		return nil, err
	case u == nil || u.Subject == "" || u.Issuer != "" && u.Issuer != c.issuer:
		return nil, &InvalidTokenError{Reason: "the function returned no user of the issuer"}
	case !u.Expiry.IsZero() && !env.Now().Before(u.Expiry.Add(env.Leeway)):
		return nil, &InvalidTokenError{Reason: "token has expired", Expired: true}
	}
	own := *u
	own.Issuer = c.issuer
	return &own, nil
}
