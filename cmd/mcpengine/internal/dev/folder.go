package dev

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/mcpengine/mcpengine/internal/private"
)

// The files of a folder in which a server is developed, below stateFolder.
const (
	stateFolder  = ".mcpengine"
	keyFile      = "dev.key"
	addressFile  = "dev.json"
	lockFile     = "dev.lock"
	policyFile   = "policy.json"
	maxStateFile = 64 << 10
)

// A folder keeps the files that last from one run to the next.
type folder struct {
	path string // of the state
	lock *flock.Flock
}

// openFolder makes the folder for this program alone. A second program in it is
// refused.
func openFolder(dir string) (*folder, error) {
	f := &folder{path: filepath.Join(dir, stateFolder)}
	if err := private.SecretFolder(f.path); err != nil {
		return nil, fmt.Errorf("make %s: %w", f.path, err)
	}
	if err := os.WriteFile(filepath.Join(f.path, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return nil, fmt.Errorf("make %s: %w", f.path, err)
	}
	f.lock = flock.New(filepath.Join(f.path, lockFile))
	locked, err := f.lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", f.path, err)
	case !locked:
		where := ""
		if a, err := readAddress(dir); err == nil {
			where = " at " + a.URL
		}
		return nil, &Error{Text: "mcpengine dev runs in this folder already" + where, Advice: "use that one, or end it first"}
	}
	return f, nil
}

// clear removes what earlier runs have left behind.
func (f *folder) clear() {
	left, _ := filepath.Glob(filepath.Join(f.path, "build-*")) // the pattern is good
	for _, name := range append(left, filepath.Join(f.path, policyFile)) {
		_ = os.RemoveAll(name)
	}
}

func (f *folder) close() {
	_ = os.Remove(filepath.Join(f.path, addressFile))
	_ = f.lock.Unlock()
}

// key returns the key of the folder, which is made the first time: sessions and
// the state of questions outlive every build with it.
func (f *folder) key() ([]byte, error) {
	text, err := private.Read(f.path, keyFile, maxStateFile)
	if err == nil {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(key) != 32 {
			return nil, &Error{Text: filepath.Join(f.path, keyFile) + " is not a key", Advice: "remove it: another one is made, and clients begin new sessions"}
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it ends the process instead
	return key, private.Write(f.path, keyFile, []byte(base64.StdEncoding.EncodeToString(key)+"\n"))
}

// An address says where the server of a folder is.
type address struct {
	URL  string `json:"url"` // of the endpoint
	ID   string `json:"id"`  // a secret of the program that serves it
	Name string `json:"name"`
}

func (f *folder) write(a address) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return private.Write(f.path, addressFile, data)
}

func readAddress(dir string) (a address, err error) {
	data, err := private.Read(filepath.Join(dir, stateFolder), addressFile, maxStateFile)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(data, &a)
}

// proof shows that a side knows the id, without revealing the id.
func (a address) proof(side string) string {
	sum := sha256.Sum256([]byte(side + " " + a.ID))
	return hex.EncodeToString(sum[:])
}

// usualPort returns the port of a folder. It is lower than the ports that systems
// give to outgoing connections.
func usualPort(dir string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(dir))
	return 20_000 + int(h.Sum32()%12_000)
}
