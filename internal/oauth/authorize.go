package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// errOver says that a session cannot be refreshed any more.
var errOver = errors.New("a new sign-in is needed")

// authorizeInTurn gets a token from the beginning. Processes take turns, however
// long a person needs: one signs in, and the others use its session.
func (a *Authorizer) authorizeInTurn(ctx context.Context, r *resource, s *session, d demand) error {
	done := peer.AwaitPerson(ctx) // of another process
	unlock, err := a.config.Store.Lock(ctx, "sign-in\n"+a.pointerKey())
	done()
	if err != nil {
		return fmt.Errorf("lock the token store: %w", err)
	}
	defer unlock()
	latest, err := a.stored(ctx)
	if err != nil {
		return err
	}
	if latest != nil && latest.credential() != d.used && latest.serves(r, d, a.config.Now()) {
		a.set(latest)
		return nil
	}
	room, err := a.config.Store.Reserve(ctx, maxRecord)
	switch {
	case err == nil:
		defer room.Release()
	case d.keep:
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	default:
		a.notKept(err)
	}
	return a.authorize(ctx, r, s, d, room)
}

// serves reports whether the session of another process satisfies the demand.
func (s *session) serves(r *resource, d demand, now time.Time) bool {
	return r.listed(s.Issuer) && r.ID == s.Resource && subset(d.scopes, s.Requested) &&
		(s.Token.Bound || !d.bound) && (s.Token.Refresh != "" || !s.Token.expired(now))
}

// authorize gets a token from the beginning. The session is the one to keep the
// scopes of, or nil.
func (a *Authorizer) authorize(ctx context.Context, r *resource, s *session, d demand, room Reservation) error {
	issuer, _, err := a.choose(ctx, r)
	if err != nil {
		return err
	}
	metadata, err := a.fetch.metadata(ctx, issuer, r.handshake)
	if err != nil {
		return err
	}
	f := a.flow(metadata, r.ID)
	if f.scopes, err = a.scopes(f, r, s, d); err != nil {
		return err
	}
	if a.config.DPoP || r.DPoPRequired || d.bound {
		if !supports(metadata.DPoPAlgorithms, dpopAlgorithm) {
			return errors.New("a token that is bound to a key is wanted, and the authorization server has none (DPoP with ES256)")
		}
		if f.key, err = newProofKey(); err != nil {
			return err
		}
	}
	t, err := a.config.Grant.obtain(ctx, f)
	if err != nil {
		if isCode(err, "invalid_client") || isCode(err, "unauthorized_client") {
			err = errors.Join(err, f.forget(ctx))
		}
		return err
	}
	begun, err := a.begin(f, t, r.handshake)
	if err != nil {
		return err
	}
	if err := a.keepInTurn(ctx, begun, room); err != nil && d.keep {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return nil
}

// begin makes a session of a token.
func (a *Authorizer) begin(f *flow, t *token, handshake bool) (*session, error) {
	switch {
	case f.key != nil && !t.Bound:
		return nil, errors.New("the authorization server issued a token that is not bound to the key")
	case f.preset.idToken && t.ID == "":
		return nil, errors.New("the provider issued no ID token")
	case t.Granted == nil:
		t.Granted = f.scopes // as asked (RFC 6749, section 5.1)
	}
	client := f.client
	if client.ID == a.config.Client.ID {
		client.Secret = "" // it is configured, and not ours to keep
	}
	s := &session{
		Issuer: f.server.Issuer, Resource: f.resource, Handshake: handshake,
		Client: client, Token: *t, Requested: f.scopes, Obtained: a.config.Now(),
	}
	if f.key != nil {
		var err error
		if s.Key, err = f.key.encode(); err != nil {
			return nil, fmt.Errorf("encode DPoP key: %w", err)
		}
	}
	return s, nil
}

// choose picks the authorization server, and says why. Credentials that were
// registered beforehand belong to one, which is the first they were used with
// unless the configuration says (client-registration, "Authorization Server
// Binding").
func (a *Authorizer) choose(ctx context.Context, r *resource) (issuer, why string, err error) {
	var known pointer
	if _, err := load(ctx, a.config.Store, a.pointerKey(), &known); err != nil {
		return "", "", err
	}
	bound := a.config.Client.Issuer
	if bound == "" && a.config.Client.ID != "" {
		bound = known.Issuer
	}
	switch {
	case bound != "" && !r.listed(bound):
		return "", "", fmt.Errorf("the server no longer names %s, which the client is registered with", bound)
	case bound != "":
		return bound, "the configured client is registered there", nil
	case r.listed(known.Issuer):
		return known.Issuer, "the last sign-in was there", nil
	}
	return r.Servers[0], "it is the first that the server names", nil
}

func (a *Authorizer) flow(s *server, resource string) *flow {
	return &flow{config: &a.config, fetch: a.fetch, server: s, preset: presetOf(s.Issuer), resource: resource, nonces: &a.nonces}
}

// scopes returns the scopes to ask for: the scopes of the challenge or else of the
// metadata, and all scopes requested before (basic/authorization, "Scope
// Selection Strategy" and "Step-Up Authorization Flow").
func (a *Authorizer) scopes(f *flow, r *resource, s *session, d demand) ([]string, error) {
	wanted := d.scopes
	if len(wanted) == 0 {
		wanted = r.ScopesSupported
	}
	var before, offline []string
	if s != nil {
		before = s.Requested
	}
	if supports(f.server.Scopes, offlineAccess) && !f.preset.idToken {
		switch a.config.Grant.(type) {
		case AuthorizationCode, DeviceCode:
			offline = []string{offlineAccess}
		}
	}
	all := union(before, wanted, a.config.Scopes, f.preset.scopes, offline)
	return all, checkScopes(all)
}

// refresh gets a new access token for a session. Processes take turns, so that
// a refresh token is used once: the second process finds the session of the
// first. The error is errOver when the session is at its end.
func (a *Authorizer) refresh(ctx context.Context, s *session) (*session, error) {
	key := s.pointer().key()
	unlock, err := a.config.Store.Lock(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("lock the token store: %w", err)
	}
	defer unlock()
	latest, err := a.storedAt(ctx, s.pointer())
	switch {
	case err != nil:
		return nil, err
	case latest != nil && latest.credential() != s.credential():
		if a.set(latest); !latest.Token.expired(a.config.Now()) {
			return latest, nil
		}
		s = latest
	}
	metadata, err := a.fetch.metadata(ctx, s.Issuer, s.Handshake)
	if err != nil {
		return nil, err
	}
	f, err := a.resume(metadata, s)
	if err != nil {
		return nil, err
	}
	room, err := a.roomFor(ctx, s)
	if err != nil {
		return nil, err
	}
	defer room.Release()
	t, err := f.renew(ctx, s.Token.Refresh)
	switch {
	case isCode(err, "invalid_grant"):
		// Where locks do not hold, as on some network file systems, another
		// process may have used the refresh token in the meantime.
		if other := a.replacement(ctx, s); other != nil && !other.Token.expired(a.config.Now()) {
			return other, nil
		}
		return nil, errors.Join(errOver, a.drop(ctx, s))
	case isCode(err, "invalid_client"), isCode(err, "unauthorized_client"):
		return nil, errors.Join(errOver, a.drop(ctx, s), f.forget(ctx))
	case err != nil:
		return nil, fmt.Errorf("refresh: %w", err)
	case s.Token.Bound && !t.Bound:
		return nil, errors.New("refresh: the token is no longer bound to the key")
	}
	next := *s
	next.Token, next.Obtained = *t, a.config.Now()
	if t.Refresh == "" {
		next.Token.Refresh = s.Token.Refresh // it stays good (RFC 6749, section 6)
	}
	if t.ID == "" {
		next.Token.ID = s.Token.ID
	}
	if t.Granted == nil {
		next.Token.Granted = s.Token.Granted
	}
	if s.unkept {
		a.set(&next)
		return &next, nil
	}
	_ = a.keep(ctx, &next, room) // it has warned
	return &next, nil
}

// renew exchanges a refresh token. An authorization server that cannot answer for a
// moment is asked again, because some say so to all but one of the programs that
// renew a token at once. Other failures may have spent the refresh token, and to
// send it again would end the session.
func (f *flow) renew(ctx context.Context, refresh string) (*token, error) {
	for pause := firstPause; ; pause *= 4 {
		t, err := f.request(ctx, url.Values{"grant_type": {grantRefresh}, "refresh_token": {refresh}}, refresh)
		if !isTemporary(err) || pause > lastPause {
			return t, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("wait to renew the token: %w", ctx.Err())
		}
	}
}

// How long renew waits at first, and at most.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// isTemporary reports whether an authorization server refuses a request without
// having acted on it, and may take it soon.
func isTemporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Code == "temporarily_unavailable" || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests)
}

// roomFor reserves the place of the session that comes of refreshing s. Without
// one s is not refreshed: its refresh token would be spent, and the store would
// still have it, for the next process to present it again.
func (a *Authorizer) roomFor(ctx context.Context, s *session) (Reservation, error) {
	if s.unkept {
		return unlimited{}, nil
	}
	room, err := a.config.Store.Reserve(ctx, maxRecord)
	if err != nil {
		return nil, fmt.Errorf("refresh: %w, and so it is not renewed: %w", ErrNotKept, err)
	}
	return room, nil
}

// resume is the flow of a session that there is.
func (a *Authorizer) resume(metadata *server, s *session) (*flow, error) {
	f := a.flow(metadata, s.Resource)
	f.client, f.scopes = s.Client, s.Requested
	if c := a.config.Client; c.ID == s.Client.ID {
		// Its secret is not stored, and may have changed.
		found, err := configured(c, metadata)
		if err != nil {
			return nil, err
		}
		f.client = found
	}
	if s.Token.Bound {
		key, err := parseProofKey(s.Key)
		if err != nil {
			return nil, err
		}
		f.key = key
	}
	return f, nil
}

// revoke takes the refresh token back, and with it all that came from it.
func (a *Authorizer) revoke(ctx context.Context, s *session) error {
	metadata, err := a.fetch.metadata(ctx, s.Issuer, s.Handshake)
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	if metadata.Revoke == "" {
		return nil
	}
	f, err := a.resume(metadata, s)
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	form := url.Values{"token": {s.Token.Refresh}, "token_type_hint": {"refresh_token"}}
	if s.Token.Refresh == "" {
		form = url.Values{"token": {s.Token.Access}, "token_type_hint": {"access_token"}}
	}
	answer, err := f.post(ctx, metadata.Revoke, form)
	switch {
	case err != nil:
		return fmt.Errorf("revoke: %w", err)
	case answer.status != http.StatusOK:
		return fmt.Errorf("revoke: %w", refusal(answer, form.Get("token"), f.client.Secret))
	}
	return nil
}
