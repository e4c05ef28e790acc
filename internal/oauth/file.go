package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"github.com/mcpengine/mcpengine/internal/seal"
)

const (
	sealPurpose  = "oauth token store"
	maxFileBytes = 256 << 10
	lockInterval = 20 * time.Millisecond

	// A file begins with how it is kept.
	markSealed = "mcpengine sealed 1\n"
	markPlain  = "mcpengine plain 1\n"
)

// A FileStore is a [Store] for all processes of a user: a folder with a file for
// each record. The files are sealed with a key in the system's keychain, where
// there is one; secrets themselves are longer than some keychains take.
// Without a keychain what protects them is that only the user may read them.
type FileStore struct {
	dir  string
	ring *seal.Ring // nil without a keychain
}

// NewFileStore returns the store in a folder, which it makes when there is none.
// A nil keychain keeps the files as they are. It returns an error for a folder
// that others may write to or that belongs to somebody else, and makes private
// what is merely readable by others. A keychain that does not answer within 30
// seconds is an error where there are sealed files, and otherwise as none.
func NewFileStore(ctx context.Context, dir string, keychain Keychain) (*FileStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the token store: %w", err)
	}
	if err := secure(dir, fs.ModeDir, 0o700); err != nil {
		return nil, fmt.Errorf("token store: %w", err)
	}
	s := &FileStore{dir: dir}
	if keychain == nil {
		return s, nil
	}
	unlock, err := s.Lock(ctx, "keychain")
	if err != nil {
		return nil, err
	}
	defer unlock()
	key, err := waitForKey(ctx, keychain)
	switch {
	case errors.Is(err, errNoKeychain), errors.Is(err, errSilentKeychain) && !s.hasSealed():
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("token store: %w", err)
	}
	if s.ring, err = seal.NewRing(key); err != nil {
		return nil, fmt.Errorf("token store: %w", err)
	}
	return s, nil
}

// Sealed reports whether the files are encrypted.
func (s *FileStore) Sealed() bool { return s.ring != nil }

func (s *FileStore) path(key, suffix string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+suffix)
}

// Load implements [Store]. A file that cannot be opened with the key there is
// holds nothing that is of use.
func (s *FileStore) Load(_ context.Context, key string) ([]byte, error) {
	path := s.path(key, ".token")
	if err := secure(path, 0, 0o600); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil || len(data) > maxFileBytes {
		return nil, errors.Join(errors.New("a file that cannot be read, or is too large"), err)
	}
	switch {
	case len(data) > len(markSealed) && string(data[:len(markSealed)]) == markSealed && s.ring != nil:
		value, err := s.ring.Open(sealPurpose, string(data[len(markSealed):]), []byte(key))
		if err != nil {
			return nil, nil //nolint:nilerr // sealed with a key that is gone
		}
		return value, nil
	case len(data) > len(markPlain) && string(data[:len(markPlain)]) == markPlain:
		return data[len(markPlain):], nil
	}
	return nil, nil
}

// Save implements [Store]. The file is replaced by another, so that a reader
// sees the one or the other.
func (s *FileStore) Save(_ context.Context, key string, value []byte) error {
	data := append([]byte(markPlain), value...)
	if s.ring != nil {
		data = []byte(markSealed + s.ring.Seal(sealPurpose, value, []byte(key)))
	}
	if len(data) > maxFileBytes {
		return errors.New("too large for the token store")
	}
	file, err := os.CreateTemp(s.dir, "new-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), s.path(key, ".token"))
	}
	if err != nil {
		return fmt.Errorf("write: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// Delete implements [Store].
func (s *FileStore) Delete(_ context.Context, key string) error {
	if err := os.Remove(s.path(key, ".token")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget a token: %w", err)
	}
	return nil
}

// Lock implements [Store]. The lock ends with the process that holds it.
func (s *FileStore) Lock(ctx context.Context, key string) (func(), error) {
	lock := flock.New(s.path(key, ".lock"), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockInterval); err != nil {
		return nil, fmt.Errorf("lock the token store: %w", errors.Join(err, lock.Close()))
	}
	return func() { _ = lock.Close() }, nil // closing unlocks, and that cannot fail to
}

// hasSealed reports whether a file was sealed with the key of a keychain.
func (s *FileStore) hasSealed() bool {
	folder := os.DirFS(s.dir)
	names, err := fs.Glob(folder, "*.token")
	return err == nil && slices.ContainsFunc(names, func(name string) bool {
		file, err := folder.Open(name)
		if err != nil {
			return false
		}
		defer file.Close()
		mark := make([]byte, len(markSealed))
		_, err = io.ReadFull(file, mark)
		return err == nil && string(mark) == markSealed
	})
}
