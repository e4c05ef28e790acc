package oauth

import (
	"errors"
	"fmt"

	"github.com/zalando/go-keyring"
)

// A Keychain keeps one secret of the user's.
type Keychain interface {
	// Get returns the secret, and "" when there is none yet.
	Get() (string, error)

	// Set replaces the secret.
	Set(secret string) error
}

// errNoKeychain says that there is no keychain, as on most servers.
var errNoKeychain = errors.New("there is no keychain")

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
