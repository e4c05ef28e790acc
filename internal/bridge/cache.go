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
	"github.com/mcpengine/mcpengine/internal/private"
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

// file is the name of a server's file, below the folder.
func (c *FileCache) file(server string) string {
	sum := sha256.Sum256([]byte(server))
	return hex.EncodeToString(sum[:16]) + ".json"
}

// Load implements [peer.Cache].
func (c *FileCache) Load(server string) (peer.Known, bool) {
	var known peer.Known
	info, err := os.Stat(filepath.Join(c.dir, c.file(server)))
	if err != nil || c.now().Sub(info.ModTime()) > cacheAge {
		return known, false
	}
	data, err := private.Read(c.dir, c.file(server), maxCached)
	if err != nil || json.Unmarshal(data, &known) != nil {
		return peer.Known{}, false
	}
	return known, true
}

// Store implements [peer.Cache]. What cannot be written is not remembered.
func (c *FileCache) Store(server string, known peer.Known) {
	data, err := json.Marshal(known)
	if err != nil || len(data) > maxCached {
		return
	}
	_ = private.Write(c.dir, c.file(server), data)
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
