package oauth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/seal"
)

// A Keychain keeps one secret of the user's. It may wait for a person to unlock
// it.
type Keychain interface {
	// Get returns the secret, and "" when there is none yet.
	Get() (string, error)

	// Set replaces the secret.
	Set(secret string) error
}

// keychainTimeout is how long a person may take to unlock a keychain.
const keychainTimeout = 30 * time.Second

var (
	// errNoKeychain says that there is no keychain, as on most servers.
	errNoKeychain = errors.New("there is no keychain")

	errSilentKeychain = fmt.Errorf("the system's keychain does not answer within %s: unlock it and try again", keychainTimeout)
)

// SystemKeychain is the keychain of the operating system: macOS Keychain,
// Windows Credential Manager, or the Secret Service. Where there is none, a
// [FileStore] does without.
type SystemKeychain struct{}

const (
	keychainService = "mcpengine"
	keychainUser    = "token store key"
)

// Get implements [Keychain].
func (SystemKeychain) Get() (string, error) {
	secret, err := keyring.Get(keychainService, keychainUser)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("%w: %w", errNoKeychain, err)
	}
	return secret, nil
}

// Set implements [Keychain].
func (SystemKeychain) Set(secret string) error {
	if err := keyring.Set(keychainService, keychainUser, secret); err != nil {
		return fmt.Errorf("%w: %w", errNoKeychain, err)
	}
	return nil
}

// waitForKey returns the key of the store. A keychain has no way to cancel a
// request: the goroutine of one that never answers ends with the process.
func waitForKey(ctx context.Context, keychain Keychain) ([]byte, error) {
	defer peer.AwaitPerson(ctx)()
	ctx, cancel := context.WithTimeoutCause(ctx, keychainTimeout, errSilentKeychain)
	defer cancel()
	type answer struct {
		key []byte
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		key, err := keychainKey(keychain)
		answered <- answer{key, err}
	}()
	select {
	case a := <-answered:
		return a.key, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// keychainKey returns the key of the store, and makes one the first time.
func keychainKey(keychain Keychain) ([]byte, error) {
	text, err := keychain.Get()
	if err != nil {
		return nil, err
	}
	if key, err := base64.StdEncoding.DecodeString(text); err == nil && len(key) == seal.KeySize {
		return key, nil
	}
	key := make([]byte, seal.KeySize)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	return key, keychain.Set(base64.StdEncoding.EncodeToString(key))
}
