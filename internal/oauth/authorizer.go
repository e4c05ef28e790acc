package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/guard"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	// maxAttempts bounds the authorizations in a row that a server can cause
	// (basic/authorization, "Step-Up Authorization Flow"). A token that has been
	// good for longer than freshTime ends the row.
	maxAttempts = 3
	freshTime   = 30 * time.Second
)

// An Authorizer puts credentials on the requests to one MCP server and gets new
// ones when the server asks for them. Its methods may be called from several
// goroutines.
type Authorizer struct {
	config Config
	url    *url.URL
	fetch  fetcher
	nonces nonces

	// turn is held while the session is being changed.
	turn     chan struct{}
	attempts int
	failed   error // of the last authorization, at failedAt
	failedAt time.Time

	mu      sync.Mutex
	session *session
	loaded  bool
}

// New returns an authorizer, or an error for a config that cannot work. It asks
// nobody anything.
func New(config Config) (*Authorizer, error) {
	u, err := config.check()
	if err != nil {
		return nil, err
	}
	client := config.HTTPClient
	if client == nil {
		client = &http.Client{Transport: guard.NewTransport(u.Hostname())}
	}
	fetch := newFetcher(client)
	if config.InsecureHTTP {
		fetch.insecure = weburl.Origin(u)
	}
	return &Authorizer{config: config, url: u, fetch: fetch, turn: make(chan struct{}, 1)}, nil
}

// Format prints the server and no secret, whatever the verb.
func (a *Authorizer) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "oauth.Authorizer(%s)", a.url.Host)
}

// Authorize sets the credentials of an outgoing request, after renewing them
// when they have expired. A request goes out without any before the server has
// asked for them. It returns an error for a request to another origin than the
// server's, and when the authorization server does not answer.
func (a *Authorizer) Authorize(ctx context.Context, r *http.Request) error {
	if weburl.Origin(r.URL) != weburl.Origin(a.url) {
		return errors.New("authorize: the request is to another origin than the server's")
	}
	s, err := a.current(ctx)
	if err != nil {
		return err
	}
	if s != nil && s.Token.expired(a.config.Now()) && s.Token.Refresh != "" {
		if s, err = a.renew(ctx, s); err != nil {
			return err
		}
	}
	if s == nil {
		return nil
	}
	return a.sign(r, s)
}

// renew refreshes a session, unless another call has done so. It returns nil
// when a new sign-in is needed, which the server will ask for.
func (a *Authorizer) renew(ctx context.Context, old *session) (*session, error) {
	if err := a.lock(ctx); err != nil {
		return nil, err
	}
	defer a.unlock()
	s, err := a.current(ctx)
	if err != nil || s == nil || s.credential() != old.credential() {
		return s, err
	}
	s, err = a.refresh(ctx, s)
	if errors.Is(err, errOver) {
		return nil, nil //nolint:nilnil // no session is an answer too
	}
	return s, err
}

func (a *Authorizer) lock(ctx context.Context) error {
	defer peer.AwaitPerson(ctx)() // somebody may be signing in
	select {
	case a.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *Authorizer) unlock() { <-a.turn }

// Challenged is told of a response with status 401 or 403, and gets another
// token when one would help. Retry says that the request is worth sending
// again. A 403 that is not about scopes is final. While one call gets a token,
// others wait for it and use it. If it fails, they fail too, and so do all
// calls for 30 seconds, so that a person is not asked once for each call.
func (a *Authorizer) Challenged(ctx context.Context, resp *http.Response) (retry bool, err error) {
	c := a.read(resp)
	if c.nonce {
		if !a.nonces.keep(resp.Request.URL.String(), resp.Header) {
			return false, fmt.Errorf("authorize: the server wants a nonce in the proof and gives no new one: %w", ErrRefused)
		}
		return true, nil
	}
	a.nonces.keep(resp.Request.URL.String(), resp.Header)
	if !c.serious {
		return false, nil
	}
	if err := a.lock(ctx); err != nil {
		return false, err
	}
	defer a.unlock()
	s, err := a.current(ctx)
	if err != nil {
		return false, err
	}
	if s != nil && s.credential() != c.used {
		return true, nil // another call has replaced it
	}
	// A person who said no is not asked again by the calls that waited.
	if a.failed != nil && a.config.Now().Sub(a.failedAt) < freshTime {
		return false, a.failed
	}
	if err := a.count(s, c); err != nil {
		return false, err
	}
	a.failed = nil
	if err := a.answer(ctx, s, c); err != nil {
		err = fmt.Errorf("authorize: %w", err)
		// A caller that gives up must not fail the others, and nobody was asked when a
		// token is not renewed.
		if ctx.Err() == nil && !errors.As(err, new(renewError)) {
			a.failed, a.failedAt = err, a.config.Now()
		}
		return false, err
	}
	return true, nil
}

// A demand describes the credentials that a response asks for.
type demand struct {
	serious  bool   // a token would help
	nonce    bool   // of a proof
	used     string // the credentials of the request
	metadata string
	scopes   []string
	stepUp   bool
	bound    bool // only tokens that are bound to a key
	keep     bool // fail if the token cannot be kept
}

// read reads a response.
func (a *Authorizer) read(resp *http.Response) demand {
	all := peer.Challenges(resp.Header)
	scheme, used, _ := strings.Cut(resp.Request.Header.Get("Authorization"), " ")
	d := demandOf(resp.StatusCode, all)
	d.used = used
	d.nonce = peer.FindChallenge(all, "dpop").Param("error") == "use_dpop_nonce" && scheme == "DPoP" && resp.StatusCode == http.StatusUnauthorized
	return d
}

// demandOf returns what a status and its challenges ask for.
func demandOf(status int, challenges []peer.Challenge) demand {
	bearer, dpop := peer.FindChallenge(challenges, "bearer"), peer.FindChallenge(challenges, "dpop")
	d := demand{bound: bearer == nil && dpop != nil}
	c := bearer
	if c == nil {
		c = dpop
	}
	d.stepUp = status == http.StatusForbidden && c.Param("error") == "insufficient_scope"
	d.serious = status == http.StatusUnauthorized || d.stepUp
	d.metadata, d.scopes = c.Param("resource_metadata"), parseScopes(c.Param("scope"))
	return d
}

// count ends a row of authorizations that lead nowhere.
func (a *Authorizer) count(s *session, d demand) error {
	now := a.config.Now()
	fresh := s != nil && now.Sub(s.Obtained) < freshTime && !s.Token.expired(now)
	if !fresh {
		a.attempts = 0
	}
	a.attempts++
	switch {
	case a.attempts > maxAttempts:
		return fmt.Errorf("authorize: after %d attempts: %w", maxAttempts, ErrRefused)
	case fresh && d.stepUp && subset(d.scopes, s.Requested):
		return fmt.Errorf("authorize: its scopes %q were asked for and not granted: %w", joinScopes(d.scopes), ErrRefused)
	}
	return nil
}

// answer gets a new token: by refreshing the one there is where the server still
// trusts its issuer, or else from the beginning.
func (a *Authorizer) answer(ctx context.Context, s *session, d demand) error {
	r, err := a.fetch.discoverResource(ctx, a.url, d.metadata)
	if err != nil {
		return err
	}
	same := s != nil && r.listed(s.Issuer) && r.ID == s.Resource
	if same && !d.stepUp && s.Token.Refresh != "" && a.attempts == 1 && subset(d.scopes, s.Requested) {
		switch _, err = a.refresh(ctx, s); {
		case err == nil:
			return nil
		case !errors.Is(err, errOver):
			return renewError{err}
		}
	}
	if !same {
		s = nil
	}
	return a.authorizeInTurn(ctx, r, s, d)
}

// A renewError says that a token was not renewed, and that it may be later.
type renewError struct{ error }

func (e renewError) Unwrap() error { return e.error }

// SignIn gets a token before the server asks for one, in place of the one there
// is. If another process gets one first, that one is used. A store that cannot be
// written is an error, before anybody is asked to sign in.
func (a *Authorizer) SignIn(ctx context.Context) error {
	if err := a.lock(ctx); err != nil {
		return err
	}
	defer a.unlock()
	d := demand{keep: true}
	before, err := a.stored(ctx)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if before != nil {
		d.used = before.credential()
	}
	r, err := a.fetch.discoverResource(ctx, a.url, "")
	if err == nil {
		err = a.authorizeInTurn(ctx, r, nil, d)
		if err != nil && r.handshake {
			err = fmt.Errorf("the server names no authorization server, perhaps because nobody has to sign in: %w", err)
		}
	}
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	a.failed = nil
	return nil
}

// SignOut forgets the token, and revokes it where the authorization server has an
// endpoint for that (RFC 7009).
func (a *Authorizer) SignOut(ctx context.Context) error {
	if err := a.lock(ctx); err != nil {
		return err
	}
	defer a.unlock()
	s, err := a.current(ctx)
	if err != nil || s == nil {
		return err
	}
	unlock, err := a.config.Store.Lock(ctx, s.pointer().key())
	if err != nil {
		return fmt.Errorf("lock the token store: %w", err)
	}
	defer unlock()
	return errors.Join(a.drop(ctx, s), a.revoke(ctx, s))
}
