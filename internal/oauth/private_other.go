//go:build !unix

package oauth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// secure returns an error unless the path is of the kind. Who may read it is
// what the folder of the user's profile says.
func secure(path string, kind, _ fs.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("look at it: %w", err)
	}
	if info.Mode().Type() != kind {
		return errors.New("a link, or not a file or folder as it should be")
	}
	return nil
}
