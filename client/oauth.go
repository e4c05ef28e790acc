package client

import (
	"context"
	"fmt"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// An OAuth says how a [Client] signs a person in to a server that wants an
// access token (basic/authorization). Its zero value registers with the
// authorization server, opens the system's browser, and forgets the token with
// the client.
type OAuth struct {
	// ClientID is what the authorization server knows the program as. The
	// default is to register when it is needed.
	ClientID string

	// ClientSecret authenticates the program. Optional.
	ClientSecret string

	// Scopes are asked for in any case, besides those that the server names.
	Scopes []string

	// Open shows a URL to the person, who comes back to a free port of
	// 127.0.0.1 within 5 minutes. It must not wait for the person. The default
	// opens the system's browser.
	Open func(ctx context.Context, authorizationURL string) error

	// Dir is a folder that keeps tokens for all processes of the user, sealed
	// with a key in the system's keychain where there is one. The default keeps
	// them in memory.
	Dir string
}

// WithOAuth signs in when the server asks for it. By default nobody is signed
// in. It is for servers at an https URL, or an http URL of this machine; other
// servers are not connected to. It takes the place of [WithAuthorizer], and
// [Command] and [Attach] have no use for it.
func WithOAuth(o OAuth) Option {
	return func(c *config) { c.oauth = &o }
}

// authorizer returns what signs in to the server.
func (o *OAuth) authorizer(ctx context.Context, server string) (*oauth.Authorizer, error) {
	config := oauth.Config{
		Server: server,
		Grant:  oauth.AuthorizationCode{Open: o.Open},
		Client: oauth.Client{ID: o.ClientID, Secret: o.ClientSecret},
		Scopes: o.Scopes,
	}
	if o.Dir != "" {
		store, err := oauth.NewFileStore(ctx, o.Dir, oauth.SystemKeychain{})
		if err != nil {
			return nil, fmt.Errorf("open the token store: %w", err)
		}
		config.Store = store
	}
	a, err := oauth.New(config)
	if err != nil {
		return nil, fmt.Errorf("prepare to sign in: %w", err)
	}
	return a, nil
}
