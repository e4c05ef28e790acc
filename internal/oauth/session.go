package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// offlineAccess is the scope that asks for a refresh token (OpenID Connect Core,
// section 11).
const offlineAccess = "offline_access"

// A session is a token with everything needed to use and renew it. It is never
// changed, only replaced.
type session struct {
	Issuer    string      `json:"issuer"`
	Resource  string      `json:"resource"`
	Handshake bool        `json:"handshake,omitempty"`
	Client    credentials `json:"client"`
	Token     token       `json:"token"`
	Requested []string    `json:"requested,omitempty"`
	Key       []byte      `json:"key,omitempty"` // of DPoP, PKCS #8
	Obtained  time.Time   `json:"obtained"`

	// unkept says that the store has no such session, because it cannot be
	// written.
	unkept bool
}

// A pointer says which session a server has.
type pointer struct {
	Issuer   string `json:"issuer"`
	Resource string `json:"resource"`
	ClientID string `json:"client_id"`
}

func (p pointer) key() string {
	return strings.Join([]string{"token", weburl.CanonicalIssuer(p.Issuer), p.Resource, p.ClientID}, "\n")
}

func (s *session) pointer() pointer { return pointer{s.Issuer, s.Resource, s.Client.ID} }

// credential returns the token that the server takes.
func (s *session) credential() string {
	if presetOf(s.Issuer).idToken {
		return s.Token.ID
	}
	return s.Token.Access
}

// clientKey is where the registration with an issuer is kept.
func clientKey(issuer, name string) string {
	return strings.Join([]string{"client", weburl.CanonicalIssuer(issuer), name}, "\n")
}

// pointerKey is where the pointer to the session of this configuration is kept.
// Another client is another user, and so is a program that acts for itself. A
// person is the same one whether the browser is on this machine or another.
func (a *Authorizer) pointerKey() string {
	id := a.config.Client.ID
	if id == "" {
		id = a.config.MetadataURL
	}
	return strings.Join([]string{"server", canonical(a.url), id, a.config.Grant.user()}, "\n")
}

// load reads a record. A record that cannot be read counts as absent, and will
// be replaced.
func load(ctx context.Context, store Store, key string, into any) (bool, error) {
	data, err := store.Load(ctx, key)
	if err != nil {
		return false, fmt.Errorf("load from the token store: %w", err)
	}
	return data != nil && json.Unmarshal(data, into) == nil, nil
}

// A saver is a [Store] or a [Reservation].
type saver interface {
	Save(ctx context.Context, key string, value []byte) error
}

func save(ctx context.Context, store saver, key string, value any) error {
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

// maxRecord is room for a session: three tokens, its client, its scopes and its
// key.
const maxRecord = 80 << 10

// keepInTurn keeps a session when no process is refreshing the one before it,
// and would put that in its place. Room is reserved for the session, or nil.
func (a *Authorizer) keepInTurn(ctx context.Context, s *session, room Reservation) error {
	a.set(s)
	unlock, err := a.config.Store.Lock(ctx, s.pointer().key())
	if err != nil {
		s.unkept = true
		a.notKept(err)
		return err
	}
	defer unlock()
	return a.keep(ctx, s, room)
}

// keep makes a session the current one. Its key is locked. A session that
// cannot be kept is used nevertheless. The stored one is deleted, because its
// refresh token is spent: another process would present it again and lose the
// whole sign-in.
func (a *Authorizer) keep(ctx context.Context, s *session, room Reservation) error {
	a.set(s)
	err := a.saveSession(ctx, s, room)
	if err == nil {
		return nil
	}
	s.unkept = true
	if deleteErr := a.config.Store.Delete(ctx, s.pointer().key()); deleteErr != nil {
		err = errors.Join(err, deleteErr)
	}
	a.notKept(err)
	return err
}

func (a *Authorizer) saveSession(ctx context.Context, s *session, room Reservation) error {
	var known pointer
	if _, err := load(ctx, a.config.Store, a.pointerKey(), &known); err != nil {
		return err
	}
	var to saver = a.config.Store
	if room != nil {
		to = room
	}
	if err := save(ctx, to, s.pointer().key(), s); err != nil {
		return err
	}
	if known == s.pointer() {
		return nil // it takes no second write, which could fail
	}
	return save(ctx, a.config.Store, a.pointerKey(), s.pointer())
}

// notKept warns that the session will be lost with the process.
func (a *Authorizer) notKept(err error) {
	a.config.Logger.Warn("the access token cannot be kept: sign in again the next time, or make room in the folder of the tokens", "server", a.url.Host, "error", err)
}

// drop forgets a session that cannot be used any more. A session that another
// process has put in its place stays. Its key is locked.
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
func (r *resource) listed(issuer string) bool {
	return slices.ContainsFunc(r.Servers, func(s string) bool { return weburl.SameIssuer(s, issuer) })
}
