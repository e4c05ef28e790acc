package oauth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// A fullStore cannot be written while it is full.
type fullStore struct {
	oauth.Store
	full atomic.Bool
}

func (s *fullStore) Reserve(ctx context.Context, size int) (oauth.Reservation, error) {
	if s.full.Load() {
		return nil, syscall.ENOSPC
	}
	return s.Store.Reserve(ctx, size)
}

func (s *fullStore) Save(ctx context.Context, key string, value []byte) error {
	if s.full.Load() {
		return syscall.ENOSPC
	}
	return s.Store.Save(ctx, key, value)
}

// A refresh token is not spent when the token that comes of it cannot be kept:
// the next process would present it again, and the whole sign-in be revoked.
func TestRefreshOnFullDisk(t *testing.T) {
	t.Parallel()
	w, clock := newWorld(t), &clock{}
	store := &fullStore{Store: oauth.NewMemoryStore()}
	config := w.config()
	config.Store, config.Now = store, clock.now
	mustCall(t, newAuthorizer(t, config), w.url())
	clock.mu.Lock()
	clock.ahead = 2 * time.Hour
	clock.mu.Unlock()

	store.full.Store(true)
	_, err := call(t.Context(), newAuthorizer(t, config), w.url())
	if !errors.Is(err, oauth.ErrNotKept) || !errors.Is(err, syscall.ENOSPC) || len(w.to("/token")) != 1 {
		t.Errorf("err = %v after %d token requests, want none but the first", err, len(w.to("/token")))
	}
	store.full.Store(false)
	mustCall(t, newAuthorizer(t, config), w.url())
	if sent := w.to("/token"); len(sent) != 2 || sent[1].form.Get("refresh_token") != "refresh-token" || len(w.to("/authorize")) != 1 {
		t.Errorf("token requests: %v", sent)
	}
}

// A person is not asked to sign in for a token that cannot be kept. A person
// who signs in because a call needs it has the token for as long as the program
// runs.
func TestSignInOnFullDisk(t *testing.T) {
	t.Parallel()
	w, clock := newWorld(t), &clock{}
	store := &fullStore{Store: oauth.NewMemoryStore()}
	store.full.Store(true)
	var log bytes.Buffer
	config := w.config()
	config.Client = oauth.Client{ID: "app"}
	config.Store, config.Now, config.Logger = store, clock.now, slog.New(slog.NewTextHandler(&log, nil))
	if err := newAuthorizer(t, config).SignIn(t.Context()); !errors.Is(err, oauth.ErrNotKept) || len(w.to("/authorize")) != 0 {
		t.Errorf("SignIn: %v after %d visits", err, len(w.to("/authorize")))
	}
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	if !strings.Contains(log.String(), "cannot be kept") {
		t.Errorf("the log says %s", &log)
	}
	clock.mu.Lock()
	clock.ahead = 2 * time.Hour
	clock.mu.Unlock()
	mustCall(t, a, w.url()) // nothing that is kept is spent
	if sent := w.to("/token"); len(sent) != 2 || sent[1].form.Get("grant_type") != "refresh_token" {
		t.Errorf("token requests: %v", sent)
	}
}

// A disk that fills up although room was made leaves no spent token behind.
func TestSpentTokenGoes(t *testing.T) {
	t.Parallel()
	w, clock := newWorld(t), &clock{}
	store := &deceitfulStore{Store: oauth.NewMemoryStore()}
	config := w.config()
	config.Store, config.Now = store, clock.now
	a := newAuthorizer(t, config)
	mustCall(t, a, w.url())
	clock.mu.Lock()
	clock.ahead = 2 * time.Hour
	clock.mu.Unlock()
	store.full.Store(true)
	mustCall(t, a, w.url())
	config.Grant = oauth.AuthorizationCode{Visit: w.visit, RedirectURI: redirectURI}
	status, err := newAuthorizer(t, config).Status(t.Context())
	if err != nil || status != nil {
		t.Errorf("kept: %+v, %v", status, err)
	}
}

// A deceitfulStore has room, and then has none.
type deceitfulStore struct {
	oauth.Store
	full atomic.Bool
}

type deceit struct{ *deceitfulStore }

func (d deceit) Save(ctx context.Context, key string, value []byte) error {
	if d.full.Load() {
		return syscall.ENOSPC
	}
	return d.Store.Save(ctx, key, value)
}

func (d deceit) Release() {}

func (s *deceitfulStore) Reserve(context.Context, int) (oauth.Reservation, error) {
	return deceit{s}, nil
}

// Room in a folder becomes the file of the value, or goes.
func TestReserve(t *testing.T) {
	t.Parallel()
	for _, k := range []oauth.Keychain{nil, &keychain{}} {
		dir := t.TempDir()
		s := newFileStore(t, dir, k)
		room, err := s.Reserve(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if err := room.Save(t.Context(), "a", []byte("value")); err != nil {
			t.Fatal(err)
		}
		room.Release()
		if got, err := s.Load(t.Context(), "a"); string(got) != "value" || err != nil {
			t.Errorf("Load = %q, %v", got, err)
		}
		if room, err = s.Reserve(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		room.Release()
		if left, err := filepath.Glob(filepath.Join(dir, "new-*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Reserve(t.Context(), 1000); err == nil {
			t.Error("there is room in a folder that is gone")
		}
	}
}

// A brokenKeychain fails.
type brokenKeychain struct{}

func (brokenKeychain) Get() (string, error) { return "", errors.New("the bus has gone") }

func (brokenKeychain) Set(string) error { return errors.New("the bus has gone") }

// Sealed and plain files do not mix, whatever is wrong with the keychain.
func TestSealedStaysSealed(t *testing.T) {
	t.Parallel()
	dir, k := t.TempDir(), &keychain{}
	plain := newFileStore(t, dir, brokenKeychain{})
	if plain.Sealed() {
		t.Error("sealed without a key")
	}
	if err := plain.Save(t.Context(), "before", []byte("plain")); err != nil {
		t.Fatal(err)
	}
	sealed := newFileStore(t, dir, k)
	if got, err := sealed.Load(t.Context(), "before"); string(got) != "plain" || err != nil {
		t.Errorf("before anything is sealed: %q, %v", got, err)
	}
	if err := sealed.Save(t.Context(), "a", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"before", "b"} { // left over, and put there
		if got, err := sealed.Load(t.Context(), key); got != nil || err != nil {
			t.Errorf("a plain file among sealed ones: %q, %v", got, err)
		}
	}
	if err := plain.Save(t.Context(), "b", []byte("secret")); err == nil {
		t.Error("a plain file was written among sealed ones")
	}
	if _, err := plain.Reserve(t.Context(), 10); err == nil {
		t.Error("room for a plain file among sealed ones")
	}
	for name, broken := range map[string]oauth.Keychain{"broken": brokenKeychain{}} {
		if _, err := oauth.NewFileStore(t.Context(), dir, broken); err == nil || !strings.Contains(err.Error(), "MCPENGINE_HOME") {
			t.Errorf("%s: %v, want what to do", name, err)
		}
	}
}

// Somebody who has signed in on another device has signed in.
func TestOneSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.metadata = map[string]any{"device_authorization_endpoint": w.as.URL + "/device"}
	store := oauth.NewMemoryStore()
	config := w.config()
	config.Store = store
	mustCall(t, newAuthorizer(t, config), w.url())
	config.Grant = oauth.DeviceCode{Show: func(context.Context, oauth.Verification) error {
		t.Error("asked to sign in again")
		return errors.New("no")
	}}
	mustCall(t, newAuthorizer(t, config), w.url())
	config.Grant = oauth.ClientCredentials{}
	config.Client = oauth.Client{ID: "registered-client", Secret: "x"}
	if status, err := newAuthorizer(t, config).Status(t.Context()); status != nil || err != nil {
		t.Errorf("a program of its own has the person's sign-in: %+v, %v", status, err)
	}
}
