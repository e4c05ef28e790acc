package bridge

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// signIn returns what gets tokens. All bridges of a user share the folder they
// are kept in, so that one of them signs in for all. Nothing is opened before
// there is a token, or the server wants one: a keychain may take its time.
func (s Source) signIn(client *http.Client) func(asked bool) (peer.Authorizer, error) {
	dir := filepath.Join(s.Home, "oauth")
	open := sync.OnceValues(func() (peer.Authorizer, error) {
		keychain := s.Keychain
		if keychain == nil {
			keychain = oauth.SystemKeychain{}
		}
		store, err := oauth.NewFileStore(context.Background(), dir, keychain)
		if err != nil {
			return nil, err
		}
		p := s.Profile
		config := oauth.Config{Server: p.URL, Client: oauth.Client{ID: p.ClientID}, Scopes: p.Scopes, Store: store, Now: s.Now, Logger: s.Log.Logger()}
		config.Grant = oauth.AuthorizationCode{Open: s.browse}
		if s.ClientSecret != nil {
			if config.Client.Secret, err = s.ClientSecret(); err != nil {
				return nil, err
			}
			s.Log.Hide(config.Client.Secret)
		}
		if p.CAFile != "" {
			// Whoever trusts an authority of their own has their identity provider
			// behind it as well, most likely at a private address.
			config.HTTPClient = client
		}
		tokens, err := oauth.New(config)
		if err != nil {
			return nil, err
		}
		return &shared{config: config, store: store, tokens: tokens}, nil
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

// browse shows the page to sign in on. The URL is in the log for who has no
// browser on this machine.
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

// A shared gets tokens for all bridges of a user to one server. They take turns,
// so that one of them signs in, and the others find what it has got.
type shared struct {
	config oauth.Config
	store  oauth.Store

	mu     sync.Mutex
	tokens *oauth.Authorizer
}

func (s *shared) current() *oauth.Authorizer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

// Authorize implements [peer.Authorizer].
func (s *shared) Authorize(ctx context.Context, r *http.Request) error {
	return s.current().Authorize(ctx, r)
}

// Challenged implements [peer.Authorizer].
func (s *shared) Challenged(ctx context.Context, resp *http.Response) (bool, error) {
	unlock, err := s.store.Lock(ctx, "sign-in\n"+s.config.Server)
	if err != nil {
		return false, err
	}
	defer unlock()
	// An authorizer remembers what it has read: another one sees what somebody
	// else has stored in the meantime.
	latest, err := oauth.New(s.config)
	if err != nil {
		return false, err
	}
	again := &http.Request{Method: resp.Request.Method, URL: resp.Request.URL, Header: make(http.Header)}
	err = latest.Authorize(ctx, again)
	if got := again.Header.Get("Authorization"); err == nil && got != "" && got != resp.Request.Header.Get("Authorization") {
		s.mu.Lock()
		s.tokens = latest
		s.mu.Unlock()
		return true, nil
	}
	return s.current().Challenged(ctx, resp)
}
