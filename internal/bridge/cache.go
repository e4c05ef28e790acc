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
	// cacheAge is how long an entry holds.
	cacheAge = 7 * 24 * time.Hour

	// maxCached bounds the entry of one server.
	maxCached = 1 << 20
)

// A FileCache remembers in a folder what servers speak, a file for each.
type FileCache struct {
	dir string
	now func() time.Time
}

// NewFileCache returns the cache in a folder, which is made when something is
// stored. An entry of more than a week ago, or one that cannot be read, counts
// as absent.
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

// Store implements [peer.Cache]. An entry that cannot be written is dropped.
func (c *FileCache) Store(server string, known peer.Known) {
	data, err := json.Marshal(known)
	if err != nil || len(data) > maxCached {
		return
	}
	_ = private.Write(c.dir, c.file(server), data)
}

// serverKey returns the key of a server in a [peer.Cache]: its URL without the
// parts that may be secret.
func serverKey(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
