package oauth

import (
	"bytes"
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

	"github.com/mcpengine/mcpengine/internal/private"
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
// Without a keychain only the permissions of the files protect them.
type FileStore struct {
	dir  string
	ring *seal.Ring // nil without a keychain
}

// NewFileStore returns the store in a folder, and makes the folder if it does
// not exist. With a nil keychain the files are not sealed. It returns an error
// for a folder that belongs to another user or that other users may write to,
// and takes the permission to read away from them. A keychain that fails, or
// does not answer within 30 seconds, is an error where the folder has sealed
// files. Otherwise the store works without it: sealed and plain files do not
// mix.
func NewFileStore(ctx context.Context, dir string, keychain Keychain) (*FileStore, error) {
	if err := private.SecretFolder(dir); err != nil {
		return nil, fmt.Errorf("token store: %w", err)
	}
	s := &FileStore{dir: dir}
	s.sweep()
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
	case err == nil:
	case ctx.Err() != nil:
		return nil, fmt.Errorf("token store: %w", context.Cause(ctx))
	case s.hasSealed():
		return nil, fmt.Errorf("token store: %w: %w", errSealed, err)
	default:
		return s, nil
	}
	if s.ring, err = seal.NewRing(key); err != nil {
		return nil, fmt.Errorf("token store: %w", err)
	}
	return s, nil
}

// errSealed says that the store cannot be opened.
var errSealed = errors.New("the tokens in the folder are sealed with a key of the system's keychain, which is not at hand: " +
	"unlock it, or set MCPENGINE_HOME to another folder and sign in there")

// sweep removes files that killed processes have left half-written.
func (s *FileStore) sweep() {
	names, _ := filepath.Glob(filepath.Join(s.dir, "new-*")) // the pattern is well-formed
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(name) // or the next time
		}
	}
}

// Sealed reports whether the files are encrypted.
func (s *FileStore) Sealed() bool { return s.ring != nil }

func (s *FileStore) path(key, suffix string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+suffix)
}

// Load implements [Store]. A file that cannot be opened with the key there is
// is treated as empty, and so is a plain file among sealed ones: anybody who can
// write to the folder, or restores a backup, could have put it there.
func (s *FileStore) Load(_ context.Context, key string) ([]byte, error) {
	data, err := private.Read(s.dir, filepath.Base(s.path(key, ".token")), maxFileBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("token store: %w", err)
	}
	switch {
	case len(data) > len(markSealed) && string(data[:len(markSealed)]) == markSealed && s.ring != nil:
		value, err := s.ring.Open(sealPurpose, string(data[len(markSealed):]), []byte(key))
		if err != nil {
			return nil, nil //nolint:nilerr // sealed with a key that is gone
		}
		return value, nil
	case len(data) > len(markPlain) && string(data[:len(markPlain)]) == markPlain && !s.hasSealed():
		return data[len(markPlain):], nil
	}
	return nil, nil
}

// Save implements [Store]. The file is replaced by another, so that a reader
// sees the one or the other.
func (s *FileStore) Save(_ context.Context, key string, value []byte) error {
	data, err := s.encode(key, value)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(s.dir, "new-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	return s.replace(file, key, data)
}

// encode returns the bytes of the file that keeps a value.
func (s *FileStore) encode(key string, value []byte) ([]byte, error) {
	data := append([]byte(markPlain), value...)
	switch {
	case s.ring != nil:
		data = []byte(markSealed + s.ring.Seal(sealPurpose, value, []byte(key)))
	case s.hasSealed():
		return nil, errSealed
	}
	if len(data) > maxFileBytes {
		return nil, errors.New("too large for the token store")
	}
	return data, nil
}

// replace writes data to a new file, from its beginning, and renames it to the
// file of the key.
func (s *FileStore) replace(file *os.File, key string, data []byte) error {
	_, err := file.WriteAt(data, 0)
	if err == nil {
		err = file.Truncate(int64(len(data)))
	}
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

// A reservedFile is a file that takes the room.
type reservedFile struct {
	store *FileStore
	file  *os.File // nil once it is used
}

// Reserve implements [Store]. It writes a file of that size, which later
// becomes the file of the value.
func (s *FileStore) Reserve(_ context.Context, size int) (Reservation, error) {
	if s.ring == nil && s.hasSealed() {
		return nil, errSealed
	}
	file, err := os.CreateTemp(s.dir, "new-*")
	if err != nil {
		return nil, fmt.Errorf("make room in the token store: %w", err)
	}
	r := &reservedFile{s, file}
	// The bytes are not zero, because a file system may not store zeros.
	_, err = file.Write(bytes.Repeat([]byte{' '}, min(2*size+len(markSealed), maxFileBytes)))
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		r.Release()
		return nil, fmt.Errorf("make room in the token store: %w", err)
	}
	return r, nil
}

// Save implements [Reservation].
func (r *reservedFile) Save(_ context.Context, key string, value []byte) error {
	data, err := r.store.encode(key, value)
	if err != nil {
		return err
	}
	file := r.file
	r.file = nil
	return r.store.replace(file, key, data)
}

// Release implements [Reservation].
func (r *reservedFile) Release() {
	if r.file != nil {
		_ = r.file.Close()
		_ = os.Remove(r.file.Name()) // it is of no use, and does no harm
		r.file = nil
	}
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
func (s *FileStore) hasSealed() bool { return HasSealed(s.dir) }

// HasSealed reports whether a folder of a [FileStore] has files that only the key in
// the keychain opens.
func HasSealed(dir string) bool {
	folder := os.DirFS(dir)
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
