package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// offlineAccess is the scope that asks for a refresh token (OpenID Connect Core,
// section 11).
const offlineAccess = "offline_access"

// A session is a token with what it takes to use and renew it. It is never
// changed, only replaced.
type session struct {
	Issuer    string      `json:"issuer"`
	Resource  string      `json:"resource"`
	Handshake bool        `json:"earlier,omitempty"`
	Client    credentials `json:"client"`
	Token     token       `json:"token"`
	Requested []string    `json:"requested,omitempty"`
	Key       []byte      `json:"key,omitempty"` // of DPoP, PKCS #8
	Obtained  time.Time   `json:"obtained"`
}

// A pointer says which session a server has.
type pointer struct {
	Issuer   string `json:"issuer"`
	Resource string `json:"resource"`
	ClientID string `json:"client_id"`
}

func (p pointer) key() string {
	return strings.Join([]string{"token", p.Issuer, p.Resource, p.ClientID}, "\n")
}

func (s *session) pointer() pointer { return pointer{s.Issuer, s.Resource, s.Client.ID} }

// credential is what the server takes.
func (s *session) credential() string {
	if presetOf(s.Issuer).idToken {
		return s.Token.ID
	}
	return s.Token.Access
}

// clientKey is where the registration with an issuer is kept.
func clientKey(issuer, name string) string {
	return strings.Join([]string{"client", issuer, name}, "\n")
}

// pointerKey is where the pointer to the session of this configuration is kept.
// Another client or another way to sign in is another user.
func (a *Authorizer) pointerKey() string {
	id := a.config.Client.ID
	if id == "" {
		id = a.config.MetadataURL
	}
	return strings.Join([]string{"server", canonical(a.url), id, strings.Join(a.config.Grant.grantTypes(), " ")}, "\n")
}

// load reads a record. One that cannot be read is as if it were absent, and will
// be replaced.
func load(ctx context.Context, store Store, key string, into any) (bool, error) {
	data, err := store.Load(ctx, key)
	if err != nil {
		return false, fmt.Errorf("load from the token store: %w", err)
	}
	return data != nil && json.Unmarshal(data, into) == nil, nil
}

func save(ctx context.Context, store Store, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode for the token store: %w", err)
	}
	if err := store.Save(ctx, key, data); err != nil {
		return fmt.Errorf("save to the token store: %w", err)
	}
	return nil
}

// stored reads the session of this configuration, and returns nil when there is
// none.
func (a *Authorizer) stored(ctx context.Context) (*session, error) {
	var p pointer
	if ok, err := load(ctx, a.config.Store, a.pointerKey(), &p); !ok {
		return nil, err
	}
	return a.storedAt(ctx, p)
}

func (a *Authorizer) storedAt(ctx context.Context, p pointer) (*session, error) {
	var s session
	ok, err := load(ctx, a.config.Store, p.key(), &s)
	if !ok || s.pointer() != p || s.Token.Access == "" || !validToken(s.credential()) {
		return nil, err
	}
	return &s, nil
}

// keepInTurn keeps a session when no process is refreshing the one before it,
// and would put that in its place.
func (a *Authorizer) keepInTurn(ctx context.Context, s *session) {
	a.set(s)
	unlock, err := a.config.Store.Lock(ctx, s.pointer().key())
	if err != nil {
		a.notKept(err)
		return
	}
	defer unlock()
	a.keep(ctx, s)
}

// keep makes a session the current one. Its key is locked.
func (a *Authorizer) keep(ctx context.Context, s *session) {
	a.set(s)
	err := save(ctx, a.config.Store, s.pointer().key(), s)
	if err == nil {
		err = save(ctx, a.config.Store, a.pointerKey(), s.pointer())
	}
	if err != nil {
		a.notKept(err)
	}
}

// notKept warns. What is lost with a store that fails is having to sign in again
// some day, so the session is used all the same.
func (a *Authorizer) notKept(err error) {
	a.config.Logger.Warn("the access token is not kept", "server", a.url.Host, "error", err)
}

// drop forgets a session that is of no more use. One that another process has
// put in its place meanwhile stays. Its key is locked.
func (a *Authorizer) drop(ctx context.Context, s *session) error {
	if a.replacement(ctx, s) != nil {
		return nil
	}
	a.set(nil)
	return a.config.Store.Delete(ctx, s.pointer().key())
}

// replacement makes the session that another process has put in the place of s
// the current one, and returns it; nil when there is none.
func (a *Authorizer) replacement(ctx context.Context, s *session) *session {
	kept, err := a.storedAt(ctx, s.pointer())
	if err != nil || kept == nil || kept.credential() == s.credential() {
		return nil
	}
	a.set(kept)
	return kept
}

func (a *Authorizer) set(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.session, a.loaded = s, true
}

// current returns the session that requests use, which is nil before the first.
func (a *Authorizer) current(ctx context.Context) (*session, error) {
	a.mu.Lock()
	s, loaded := a.session, a.loaded
	a.mu.Unlock()
	if loaded {
		return s, nil
	}
	s, err := a.stored(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.loaded {
		a.session, a.loaded = s, true
	}
	return a.session, nil
}

// sign puts the token on a request.
func (a *Authorizer) sign(r *http.Request, s *session) error {
	if !s.Token.Bound {
		r.Header.Set("Authorization", "Bearer "+s.credential())
		return nil
	}
	key, err := parseProofKey(s.Key)
	if err != nil {
		return err
	}
	target := r.URL.String()
	proof, err := key.proof(r.Method, target, s.Token.Access, a.nonces.get(target), a.config.Now())
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "DPoP "+s.Token.Access)
	r.Header.Set("DPoP", proof)
	return nil
}

func joinScopes(scopes []string) string { return strings.Join(scopes, " ") }

// listed reports whether the server still names the issuer of a session.
func (r *resource) listed(issuer string) bool { return slices.Contains(r.Servers, issuer) }
