package profile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/mcpengine/mcpengine/internal/private"
)

// A Keeper keeps secrets by name: the files of a [Store], or the keychain of an
// operating system.
type Keeper interface {
	// Put stores a secret under a name, in place of an earlier one.
	Put(name, secret string) error
	// Secret returns the secret of that name, or an error that is
	// [fs.ErrNotExist].
	Secret(name string) (string, error)
	// Delete removes the secret. A missing secret is not an error.
	Delete(name string) error
}

// A Store is the folder of the profiles. Only its user can read it.
type Store struct {
	home string
	keep Keeper
}

// Home returns the folder of the program's own files: MCPENGINE_HOME, or mcpengine
// in the user's configuration folder.
func Home(getenv func(string) string) (string, error) {
	if home := getenv("MCPENGINE_HOME"); home != "" {
		return filepath.Abs(home)
	}
	// A relative name does not count (XDG Base Directory Specification).
	if folder := getenv("XDG_CONFIG_HOME"); hasXDG() && filepath.IsAbs(folder) {
		return filepath.Join(folder, "mcpengine"), nil
	}
	return UsualHome()
}

// UsualHome returns [Home] without the variables.
func UsualHome() (string, error) {
	if hasXDG() {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the folder of the program's files: %w", err)
		}
		return filepath.Join(home, ".config", "mcpengine"), nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder of the program's files: %w", err)
	}
	return filepath.Join(folder, "mcpengine"), nil
}

func hasXDG() bool {
	return runtime.GOOS != "windows" && runtime.GOOS != "darwin" && runtime.GOOS != "ios" && runtime.GOOS != "plan9"
}

// NewStore returns the store in a folder that need not exist. Secrets go to the
// keeper; nil keeps them in files of mode 0600 next to the profiles.
func NewStore(home string, keep Keeper) *Store {
	if keep == nil {
		keep = secretFiles{home}
	}
	return &Store{home, keep}
}

// Home returns the folder the store is in.
func (s *Store) Home() string { return s.home }

// File returns the name of the file of a profile.
func (s *Store) File(name string) string {
	return filepath.Join(s.home, filepath.FromSlash(profileFile(name)))
}

func profileFile(name string) string { return "profiles/" + name + ".json" }

// Load reads a profile. The error is [fs.ErrNotExist] if no profile has the
// name.
func (s *Store) Load(name string) (*Profile, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	data, err := private.Read(s.home, profileFile(name), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("profile %q: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", name, err)
	}
	p, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", name, err)
	}
	return p, nil
}

// Save writes a profile under a name, in place of an earlier one. A secret that is not
// empty is stored: the client secret of a remote server, and of a local one what
// [EncodeEnvironment] returns. Otherwise the profile keeps its reference, and a secret
// without a reference is deleted.
func (s *Store) Save(ctx context.Context, name string, p *Profile, secret string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	saved := *p
	if secret != "" && p.Command == nil {
		saved.ClientSecret = &Secret{Stored: true}
	}
	data, err := Encode(&saved)
	if err != nil {
		return err
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	switch {
	case secret != "":
		err = s.keep.Put(name, secret)
	case len(saved.SecretEnv) == 0 && (saved.ClientSecret == nil || !saved.ClientSecret.Stored):
		err = s.keep.Delete(name)
	}
	if err != nil {
		return fmt.Errorf("profile %q: %w", name, err)
	}
	if err := private.Write(s.home, profileFile(name), data); err != nil {
		return fmt.Errorf("profile %q: %w", name, err)
	}
	return nil
}

// Remove removes a profile and its secret. A missing profile is not an error.
func (s *Store) Remove(ctx context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if _, err := os.Stat(s.home); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	err = s.keep.Delete(name)
	if gone := os.Remove(s.File(name)); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	if err != nil {
		return fmt.Errorf("profile %q: %w", name, err)
	}
	return nil
}

// Names returns the names of all profiles, sorted.
func (s *Store) Names() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.home, "profiles"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list profiles: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".json"); ok && CheckName(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Secret returns the client secret that a profile refers to, or "".
func (s *Store) Secret(name string, p *Profile, getenv func(string) string) (string, error) {
	if p.ClientSecret == nil {
		return "", nil
	}
	var secret string
	var err error
	switch ref := p.ClientSecret; {
	case ref.Stored:
		secret, err = s.keep.Secret(name)
	case ref.File != "":
		secret, err = readText(ref.File)
	default:
		secret = getenv(ref.Env)
	}
	if err != nil {
		return "", fmt.Errorf("client secret of profile %q: %w", name, err)
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return "", fmt.Errorf("client secret of profile %q: it is empty", name)
	}
	return secret, nil
}

// EncodeEnvironment returns the values of secret variables as [Store.Save] takes them.
func EncodeEnvironment(values map[string]string) (string, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encode the variables: %w", err)
	}
	return string(text), nil
}

// Environment returns all variables of a local server's profile, the secret ones too.
func (s *Store) Environment(name string, p *Profile) (map[string]string, error) {
	all := maps.Clone(p.Env)
	if all == nil {
		all = map[string]string{}
	}
	if len(p.SecretEnv) == 0 {
		return all, nil
	}
	text, err := s.keep.Secret(name)
	if err != nil {
		return nil, fmt.Errorf("variables of profile %q: %w", name, err)
	}
	var secret map[string]string
	if err := json.Unmarshal([]byte(text), &secret); err != nil {
		return nil, fmt.Errorf("variables of profile %q: they are not stored as JSON", name) // the text has secrets
	}
	for _, variable := range p.SecretEnv {
		value, ok := secret[variable]
		if !ok {
			return nil, fmt.Errorf("variables of profile %q: %s is not stored", name, variable)
		}
		all[variable] = value
	}
	return all, nil
}

// secretFiles keeps secrets in files below a home.
type secretFiles struct{ home string }

func (secretFiles) file(name string) string { return "secrets/" + name }

func (f secretFiles) Put(name, secret string) error {
	if len(secret) > maxText {
		return fmt.Errorf("the secret has more than %d KiB", maxText>>10)
	}
	return private.Write(f.home, f.file(name), []byte(secret))
}

func (f secretFiles) Secret(name string) (string, error) {
	data, err := private.Read(f.home, f.file(name), maxText)
	return string(data), err
}

func (f secretFiles) Delete(name string) error {
	if err := os.Remove(filepath.Join(f.home, filepath.FromSlash(f.file(name)))); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

const (
	lockWait = 30 * time.Second
	lockPoll = 10 * time.Millisecond
)

// lock waits until no other program changes the store.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if err := private.Folder(s.home); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(s.home, "profiles.lock"), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("wait for another mcpengine: %w", err)
	}
	return func() { _ = l.Unlock() }, nil
}
