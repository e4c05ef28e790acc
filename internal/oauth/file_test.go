package oauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

func newFileStore(t *testing.T, dir string, k oauth.Keychain) *oauth.FileStore {
	t.Helper()
	s, err := oauth.NewFileStore(t.Context(), dir, k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files are the records of a store.
func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.token"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Every store keeps a value until it is replaced or deleted.
func TestStores(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]oauth.Store{
		"memory": oauth.NewMemoryStore(),
		"plain":  newFileStore(t, t.TempDir(), nil),
		"sealed": newFileStore(t, t.TempDir(), &keychain{}),
	} {
		ctx := t.Context()
		check := func(key, want string) {
			t.Helper()
			if got, err := store.Load(ctx, key); string(got) != want || err != nil {
				t.Errorf("%s: Load(%q) = %q, %v, want %q", name, key, got, err, want)
			}
		}
		check("a", "")
		for _, value := range []string{"one", "two"} {
			if err := store.Save(ctx, "a", []byte(value)); err != nil {
				t.Fatal(err)
			}
			check("a", value)
		}
		check("b", "")
		for range 2 {
			if err := store.Delete(ctx, "a"); err != nil {
				t.Error(err)
			}
			check("a", "")
		}
	}
}

// A lock has one holder, and a caller that waits for it can stop waiting.
func TestStoreLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	memory := oauth.NewMemoryStore()
	for name, stores := range map[string][2]oauth.Store{
		"memory": {memory, memory},
		"file":   {newFileStore(t, dir, nil), newFileStore(t, dir, nil)},
	} {
		unlock, err := stores[0].Lock(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		other, err := stores[1].Lock(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		other()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := stores[1].Lock(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: the second Lock = %v", name, err)
		}
		cancel()
		unlock()
		if unlock, err = stores[1].Lock(t.Context(), "a"); err != nil {
			t.Errorf("%s: Lock after unlock: %v", name, err)
		} else {
			unlock()
		}
	}
}

// The files are sealed with a key in the keychain. A file is worthless under
// another name, and with another key.
func TestSealedFiles(t *testing.T) {
	t.Parallel()
	dir, k := t.TempDir(), &keychain{}
	s := newFileStore(t, dir, k)
	if !s.Sealed() {
		t.Fatal("not sealed")
	}
	if key, err := base64.StdEncoding.DecodeString(k.secret); err != nil || len(key) != 32 {
		t.Errorf("the keychain has %d bytes", len(key))
	}
	secret := []byte("a refresh token that nobody may read")
	for _, key := range []string{"a", "b"} {
		if err := s.Save(t.Context(), key, append([]byte(key), secret...)); err != nil {
			t.Fatal(err)
		}
	}
	names := files(t, dir)
	if len(names) != 2 {
		t.Fatalf("%d files", len(names))
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil || bytes.Contains(data, secret[:10]) || bytes.Contains(data, []byte("refresh")) {
			t.Errorf("the file is not sealed: %v", err)
		}
	}
	if got, err := newFileStore(t, dir, k).Load(t.Context(), "a"); err != nil || !bytes.HasSuffix(got, secret) {
		t.Errorf("another process: %q, %v", got, err)
	}
	// One record in the place of another.
	data, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(names[1], data, 0o600); err != nil {
		t.Fatal(err)
	}
	a, errA := s.Load(t.Context(), "a")
	b, errB := s.Load(t.Context(), "b")
	if errA != nil || errB != nil || (a == nil) == (b == nil) {
		t.Errorf("moved: %q, %q, %v, %v", a, b, errA, errB)
	}
	// Another key.
	if got, err := newFileStore(t, dir, &keychain{}).Load(t.Context(), "a"); got != nil || err != nil {
		t.Errorf("another key: %q, %v", got, err)
	}
}

// Without a keychain only the user may read the files.
func TestNoKeychain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	s := newFileStore(t, dir, nil)
	if s.Sealed() {
		t.Error("sealed without a key")
	}
	if err := s.Save(t.Context(), "a", []byte("value")); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, files(t, dir)[0]: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v; %v", path, info.Mode(), want, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "new-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A keychain that waits for an absent person counts as missing. Where the
// folder has files that are sealed with its key, it is an error.
func TestSilentKeychain(t *testing.T) {
	t.Parallel()
	for _, sealed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			if sealed {
				if err := newFileStore(t, dir, &keychain{}).Save(t.Context(), "a", []byte("value")); err != nil {
					t.Fatal(err)
				}
			}
			silent := lockedKeychain(make(chan struct{}))
			defer close(silent)
			began := time.Now()
			s, err := oauth.NewFileStore(t.Context(), dir, silent)
			switch {
			case sealed && (err == nil || !strings.Contains(err.Error(), "unlock it and try again")):
				t.Errorf("NewFileStore: %v", err)
			case !sealed && (err != nil || s.Sealed()):
				t.Errorf("NewFileStore = %v, %v", s, err)
			}
			if took := time.Since(began); took != 30*time.Second {
				t.Errorf("it took %v", took)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := oauth.NewFileStore(ctx, t.TempDir(), silent); !errors.Is(err, context.Canceled) {
				t.Errorf("given up: %v", err)
			}
		})
	}
}

// A lockedKeychain waits until it is closed.
type lockedKeychain chan struct{}

func (k lockedKeychain) Get() (string, error) {
	<-k
	return "", errors.New("not unlocked")
}

func (k lockedKeychain) Set(string) error { return nil }

// H11: files that other users may have written are refused, and files that they
// may only read are made private.
func TestAttackH11FilesOfOthers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("out of reach: there are no modes on Windows")
	}
	dir := t.TempDir()
	s := newFileStore(t, dir, nil)
	if err := s.Save(t.Context(), "a", []byte("value")); err != nil {
		t.Fatal(err)
	}
	file := files(t, dir)[0]
	check := func(name string, want bool) {
		t.Helper()
		got, err := s.Load(t.Context(), "a")
		if want != (err == nil && string(got) == "value") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	mode := func(path string, m os.FileMode) {
		t.Helper()
		if err := os.Chmod(path, m); err != nil {
			t.Fatal(err)
		}
	}
	mode(file, 0o644)
	check("others may read it", true)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it stayed %v, %v", info.Mode(), err)
	}
	mode(file, 0o666)
	check("others may write to it", false)
	mode(file, 0o600)
	check("nobody else may", true)

	if os.Geteuid() == 0 { // nobody else can give files away
		if err := os.Chown(file, 65534, -1); err != nil {
			t.Fatal(err)
		}
		check("it belongs to somebody else", false)
		if err := os.Chown(file, 0, -1); err != nil {
			t.Fatal(err)
		}
	}

	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(file, moved); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(moved, file); err != nil {
		t.Fatal(err)
	}
	check("a link", false)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	check("a folder", false)

	for _, m := range []os.FileMode{0o777, 0o770, 0o720} {
		mode(dir, m)
		if _, err := oauth.NewFileStore(t.Context(), dir, nil); err == nil {
			t.Errorf("a folder with mode %v was used", m)
		}
	}
	mode(dir, 0o755)
	newFileStore(t, dir, nil)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder stayed %v, %v", info.Mode(), err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if _, err := oauth.NewFileStore(t.Context(), link, nil); err == nil {
		t.Error("a link to a folder was used")
	}
}

// A damaged file, or one of another program, counts as missing. A file that is
// too large is not read.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty":            "",
		"another format":   "hello",
		"only a mark":      "mcpengine plain 1\n",
		"a mark and noise": "mcpengine sealed 1\nnoise",
		"too large":        "mcpengine plain 1\n" + strings.Repeat("a", 300<<10),
	} {
		dir := t.TempDir()
		s := newFileStore(t, dir, &keychain{})
		if err := s.Save(t.Context(), "a", []byte("value")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files(t, dir)[0], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Load(t.Context(), "a"); got != nil || (err != nil) != (name == "too large") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A record that makes no sense counts as missing.
func TestDamagedRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := oauth.NewMemoryStore()
	again := func() error { return w.call(func(c *oauth.Config) { c.Store = store }) }
	if err := again(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"token\n" + w.as.URL + "\n" + w.url() + "\nregistered-client",
		"client\n" + w.as.URL + "\nMCPEngine",
		"server\n" + w.url() + "\n\nperson",
	} {
		for _, content := range []string{"{", `{"issuer":1}`, `null`, `{}`} {
			if had, err := store.Load(t.Context(), key); had == nil || err != nil {
				t.Fatalf("nothing is kept under %q: %v", key, err)
			}
			if err := store.Save(t.Context(), key, []byte(content)); err != nil {
				t.Fatal(err)
			}
			if err := again(); err != nil {
				t.Errorf("%q with %s: %v", key, content, err)
			}
		}
	}
}

// A secret of the configuration is not kept.
func TestConfiguredSecretIsNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	err := w.call(func(c *oauth.Config) {
		c.Store, c.Client = newFileStore(t, dir, nil), oauth.Client{ID: "client", Secret: "the-client-secret"}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, dir) {
		if data, err := os.ReadFile(name); err != nil || bytes.Contains(data, []byte("the-client-secret")) {
			t.Errorf("%s holds the secret; %v", name, err)
		}
	}
}
