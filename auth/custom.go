package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Custom accepts what a function accepts. The function gets the token of every
// request and returns its user, an error that is [ErrInvalidToken] for a token
// that is not good, which becomes 401, and any other error when it could not
// find out, which becomes 503, as does a panic. It is not told which server the
// token is for: checking that, and the expiry, is its duty. Nothing is
// remembered between calls.
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

func (c custom) open(env *environment) (*verifier, error) {
	if c.issuer == "" || strings.ContainsAny(c.issuer, " \"") {
		return nil, errors.New("no issuer, or one that cannot identify anybody")
	}
	if c.verify == nil {
		return nil, errors.New("no function to verify tokens")
	}
	v := &verifier{issuer: c.issuer}
	if checkIssuer(c.issuer) == nil {
		v.server = c.issuer
	}
	v.check = func(ctx context.Context, token string) (user *User, err error) {
		defer func() {
			if p := recover(); p != nil {
				user, err = nil, redact(token, "verify token: panic: %v", p)
			}
		}()
		return c.check(ctx, env, token)
	}
	return v, nil
}

func (c custom) check(ctx context.Context, env *environment, token string) (*User, error) {
	u, err := c.verify(ctx, token)
	switch {
	case errors.Is(err, ErrInvalidToken):
		return nil, refuse("%v", redact(token, "%v", err))
	case err != nil:
		return nil, redact(token, "verify token: %v", err)
	case u == nil || u.Subject == "" || u.Issuer != "" && u.Issuer != c.issuer:
		return nil, refuse("the function returned no user of the issuer")
	case !u.Expiry.IsZero() && !env.now().Before(u.Expiry.Add(env.leeway)):
		return nil, refusal{reason: "token has expired", expired: true}
	}
	user := *u
	user.Issuer = c.issuer
	return &user, nil
}

// redact makes an error of what a foreign function said, which may quote the
// token.
func redact(token, format string, args ...any) error {
	return errors.New(strings.ReplaceAll(fmt.Sprintf(format, args...), token, "[token]"))
}
