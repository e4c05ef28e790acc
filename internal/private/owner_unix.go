//go:build unix

package private

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// ownerOf returns the id of a file's owner, and whether it is the user or the
// administrator, who can change everything anyway.
func ownerOf(info fs.FileInfo) (id string, mine bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "unknown", false
	}
	return strconv.Itoa(int(stat.Uid)), int(stat.Uid) == os.Geteuid() || stat.Uid == 0
}

// writable reports whether others than the owner may write.
func writable(mode fs.FileMode) bool { return mode&0o022 != 0 }
