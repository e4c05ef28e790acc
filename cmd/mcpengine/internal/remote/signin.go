package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// signIn returns the source of tokens. All bridges of a user share the folder of
// tokens, so that one of them signs in for all. The keychain, which may be slow, is
// opened only if there is a token or the server demands one.
func (s Source) signIn(client *http.Client) func(asked bool) (peer.Authorizer, error) {
	if s.Home == "" {
		return func(asked bool) (peer.Authorizer, error) {
			if asked {
				return nil, errHomeless
			}
			return nil, nil //nolint:nilnil // no token was ever kept
		}
	}
	dir := filepath.Join(s.Home, "oauth")
	open := sync.OnceValues(func() (peer.Authorizer, error) {
		var keychain oauth.Keychain = oauth.SystemKeychain{}
		if s.Keychain != nil {
			keychain = s.Keychain
		}
		store, err := oauth.NewFileStore(context.Background(), dir, keychain)
		if err != nil {
			return nil, err
		}
		config, err := OAuth(s.Profile, s.Getenv, store, client)
		if err != nil {
			return nil, err
		}
		config.Now, config.Logger = s.Now, s.Log.Logger()
		config.Grant = oauth.AuthorizationCode{Open: s.browse}
		if s.ClientSecret != nil {
			if config.Client.Secret, err = s.ClientSecret(); err != nil {
				return nil, err
			}
			s.Log.Hide(config.Client.Secret)
		}
		return oauth.New(config)
	})
	return func(asked bool) (peer.Authorizer, error) {
		if asked {
			return open()
		}
		if _, err := os.Stat(dir); err != nil {
			return nil, nil //nolint:nilerr,nilnil // no token has ever been kept
		}
		tokens, err := open()
		if err != nil {
			return nil, nil //nolint:nilerr,nilnil // the server may not want one; if it does, this is told
		}
		return tokens, nil
	}
}

var errHomeless = errors.New("there is no folder to keep tokens in: set HOME or MCPENGINE_HOME")

// clientMetadataVariable names the URL of the client's metadata document, for servers
// whose profile names none.
const clientMetadataVariable = "MCPENGINE_CLIENT_METADATA"

// OAuth returns the configuration for signing in to the server of a profile, without
// the grant and the client's secret. The HTTP client trusts the certificates of the
// profile.
func OAuth(p *profile.Profile, getenv func(string) string, store oauth.Store, client *http.Client) (oauth.Config, error) {
	document := p.ClientMetadata
	if document == "" {
		if document = getenv(clientMetadataVariable); document != "" {
			if _, err := weburl.ParseClientDocument(document); err != nil {
				return oauth.Config{}, fmt.Errorf("%s: %w", clientMetadataVariable, err)
			}
		}
	}
	config := oauth.Config{
		Server: p.URL, Client: oauth.Client{ID: p.ClientID}, MetadataURL: document, Scopes: p.Scopes, Store: store,
		InsecureHTTP: p.InsecureHTTP, InsecureNoPKCE: p.InsecureNoPKCE, InsecureNoIssuer: p.InsecureNoIssuer, InsecureResource: p.InsecureResource,
	}
	if p.CAFile != "" {
		// A user who trusts a certificate authority of their own most likely has an
		// identity provider with such a certificate, at a private address.
		config.HTTPClient = client
	}
	return config, nil
}

// browse shows the page to sign in on. The URL is in the log as well, for a
// person without a browser on this machine.
func (s Source) browse(ctx context.Context, url string) error {
	logger := s.Log.Logger()
	logger.Info("sign in in the browser", "url", url)
	open := s.Browse
	if open == nil {
		open = oauth.OpenBrowser
	}
	if err := open(ctx, url); err != nil {
		logger.Warn("the browser does not open; open the URL yourself", "error", err)
	}
	return nil
}
