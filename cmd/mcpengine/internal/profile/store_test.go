package profile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

func noEnv(string) string { return "" }

func TestStore(t *testing.T) {
	t.Parallel()
	s := profile.NewStore(filepath.Join(t.TempDir(), "home"), nil)
	if _, err := s.Load("weather"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load = %v, want fs.ErrNotExist", err)
	}
	if err := s.Remove(t.Context(), "weather"); err != nil {
		t.Errorf("Remove of nothing: %v", err)
	}
	want := &profile.Profile{URL: "https://example.com/mcp", ClientID: "id"}
	if err := s.Save(t.Context(), "weather", want, "hunter2"); err != nil {
		t.Fatal(err)
	}
	got, err := s.Load("weather")
	if err != nil {
		t.Fatal(err)
	}
	want.ClientSecret = &profile.Secret{Stored: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	if secret, err := s.Secret("weather", got, noEnv); secret != "hunter2" || err != nil {
		t.Errorf("Secret = %q, %v", secret, err)
	}
	checkModes(t, s.Home())
	if data, err := os.ReadFile(s.File("weather")); err != nil || strings.Contains(string(data), "hunter2") {
		t.Errorf("the profile tells the secret: %s, %v", data, err)
	}
	// Saving it again as it was loaded keeps the secret; without, forgets it.
	if err := s.Save(t.Context(), "weather", got, ""); err != nil {
		t.Fatal(err)
	}
	if secret, err := s.Secret("weather", got, noEnv); secret != "hunter2" || err != nil {
		t.Errorf("Secret = %q, %v", secret, err)
	}
	if err := s.Save(t.Context(), "weather", &profile.Profile{URL: "https://example.com"}, ""); err != nil {
		t.Fatal(err)
	}
	if secret, err := s.Secret("weather", got, noEnv); secret != "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Secret = %q, %v; want none", secret, err)
	}
	if names, err := s.Names(); len(names) != 1 || err != nil {
		t.Errorf("Names = %v, %v", names, err)
	}
	if err := s.Remove(t.Context(), "weather"); err != nil {
		t.Fatal(err)
	}
	if names, err := s.Names(); len(names) != 0 || err != nil {
		t.Errorf("Names = %v, %v; want none", names, err)
	}
}

// checkModes wants folders and files that nobody else can read.
func checkModes(t *testing.T, folder string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSecretReferences(t *testing.T) {
	t.Parallel()
	s := profile.NewStore(t.TempDir(), nil)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(" from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string { return map[string]string{"S": "from env"}[name] }
	for want, ref := range map[string]*profile.Secret{"": nil, "from file": {File: file}, "from env": {Env: "S"}} {
		if got, err := s.Secret("x", &profile.Profile{ClientSecret: ref}, env); got != want || err != nil {
			t.Errorf("Secret(%+v) = %q, %v; want %q", ref, got, err, want)
		}
	}
	if got, err := s.Secret("x", &profile.Profile{ClientSecret: &profile.Secret{Env: "NONE"}}, env); err == nil {
		t.Errorf("Secret = %q; want an error", got)
	}
}

// No name leads out of the store.
func TestStoreNames(t *testing.T) {
	t.Parallel()
	s := profile.NewStore(filepath.Join(t.TempDir(), "home"), nil)
	for _, name := range []string{"../x", "", ".", "/etc/passwd"} {
		_, err := s.Load(name)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load(%q) = %v", name, err)
		}
		if err := s.Save(t.Context(), name, full(), ""); err == nil {
			t.Errorf("Save(%q) succeeded", name)
		}
		if err := s.Remove(t.Context(), name); err == nil {
			t.Errorf("Remove(%q) succeeded", name)
		}
	}
}

// A profile and its secret are always from the same Save.
func TestStoreConcurrent(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			s := profile.NewStore(home, nil)
			value := fmt.Sprint("secret", i)
			if err := s.Save(t.Context(), "x", &profile.Profile{URL: "https://example.com", ClientID: value}, value); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := profile.NewStore(home, nil)
	p, err := s.Load("x")
	if err != nil {
		t.Fatal(err)
	}
	if secret, err := s.Secret("x", p, noEnv); secret != p.ClientID || err != nil {
		t.Errorf("profile of %s has secret %q, %v", p.ClientID, secret, err)
	}
}

// The secret variables of a local server are in one file of the store, and go with it.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	store := profile.NewStore(home, nil)
	p := &profile.Profile{Command: []string{"s"}, Env: map[string]string{"A": "b"}, SecretEnv: []string{"KEY"}}
	secret, err := profile.EncodeEnvironment(map[string]string{"KEY": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Save(t.Context(), "s", p, secret); err != nil {
		t.Fatal(err)
	}
	saved, err := store.Load("s")
	if err != nil {
		t.Fatal(err)
	}
	env, err := store.Environment("s", saved)
	if diff := cmp.Diff(map[string]string{"A": "b", "KEY": "hunter2"}, env); diff != "" || err != nil {
		t.Errorf("Environment: %v (-want +got):\n%s", err, diff)
	}
	saved.SecretEnv = []string{"KEY", "OTHER"}
	if _, err := store.Environment("s", saved); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Environment without a value: %v", err)
	}
	saved.SecretEnv = nil
	if err := store.Save(t.Context(), "s", saved, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(home, "secrets", "s")); err == nil {
		t.Error("the values are still there, and nothing refers to them")
	}
}
