package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

const (
	// cacheAge is how long it is believed what a server spoke.
	cacheAge = 7 * 24 * time.Hour

	// maxCached bounds what is kept of one server.
	maxCached = 1 << 20
)

// A FileCache remembers in a folder what servers speak, a file for each.
type FileCache struct {
	dir string
	now func() time.Time
}

// NewFileCache returns the cache in a folder, which is made when something is
// stored. What is older than a week is forgotten, as is what cannot be read: it
// is found out again.
func NewFileCache(dir string, now func() time.Time) *FileCache { return &FileCache{dir, now} }

func (c *FileCache) file(server string) string {
	sum := sha256.Sum256([]byte(server))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:16])+".json")
}

// Load implements [peer.Cache].
func (c *FileCache) Load(server string) (peer.Known, bool) {
	var known peer.Known
	name := c.file(server)
	info, err := os.Stat(name)
	if err != nil || info.Size() > maxCached || c.now().Sub(info.ModTime()) > cacheAge {
		return known, false
	}
	data, err := os.ReadFile(name)
	if err != nil || json.Unmarshal(data, &known) != nil {
		return peer.Known{}, false
	}
	return known, true
}

// Store implements [peer.Cache]. What cannot be written is not remembered.
func (c *FileCache) Store(server string, known peer.Known) {
	data, err := json.Marshal(known)
	if err != nil || len(data) > maxCached || os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	// Several bridges may write at once: each replaces the file as a whole.
	f, err := os.CreateTemp(c.dir, ".new-*")
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), c.file(server))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // nothing is lost
	}
}

// serverKey is the key of a server in a [peer.Cache]: its URL without what may
// be a secret.
func serverKey(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
