//go:build unix

package oauth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// secure returns an error unless the path is of the kind, belongs to the user,
// and nobody else can have written it. What others could only read is made
// private.
func secure(path string, kind, mode fs.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("look at it: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case info.Mode().Type() != kind:
		return errors.New("a link, or not a file or folder as it should be")
	case !ok || int(owner.Uid) != os.Geteuid():
		return errors.New("it belongs to another user")
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others may write to it: its mode is %04o and should be %04o", info.Mode().Perm(), mode)
	case info.Mode().Perm()&0o077 != 0:
		if err := os.Chmod(path, mode); err != nil {
			return fmt.Errorf("make it private: %w", err)
		}
	}
	return nil
}
