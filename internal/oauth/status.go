package oauth

import (
	"context"
	"slices"
	"time"
)

// A Status says what an [Authorizer] has, and nothing that is secret.
type Status struct {
	// Issuer is the authorization server that gave the token.
	Issuer string

	// ClientID is what it knows the client as.
	ClientID string

	// Scopes are those that were granted, or asked for where the authorization
	// server did not say.
	Scopes []string

	// Expires is when the access token does, and zero when nobody has said.
	Expires time.Time

	// Renews says that there is a refresh token.
	Renews bool
}

// Status returns what there is for requests to the server, from the store when
// need be, and nil when nobody is signed in. It asks no server.
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
