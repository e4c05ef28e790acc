package oauth

import (
	"context"
	"slices"
	"time"
)

// A Status describes the token of an [Authorizer]. It holds no secret.
type Status struct {
	// Issuer is the authorization server that gave the token.
	Issuer string

	// ClientID identifies the client to it.
	ClientID string

	// Scopes are those that were granted, or asked for where the authorization
	// server did not say.
	Scopes []string

	// Expires is when the access token expires, and zero if that is unknown.
	Expires time.Time

	// Renews says that there is a refresh token.
	Renews bool
}

// Status describes the token for requests to the server, which may come from the
// store. It returns nil when there is no sign-in. It sends no request.
func (a *Authorizer) Status(ctx context.Context) (*Status, error) {
	s, err := a.current(ctx)
	if err != nil || s == nil {
		return nil, err
	}
	scopes := s.Token.Granted
	if len(scopes) == 0 {
		scopes = s.Requested
	}
	return &Status{
		Issuer: s.Issuer, ClientID: s.Client.ID, Scopes: slices.Clone(scopes),
		Expires: s.Token.Expiry, Renews: s.Token.Refresh != "",
	}, nil
}
