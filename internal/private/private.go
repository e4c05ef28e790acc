// Package private reads and writes files below a folder that only its user may
// change: what stands in them is believed, and some of it is run. On every read
// it checks the owner and mode of the file and of the folders above it, and that
// no link leads out of the folder.
package private

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// An Error is a file or folder that somebody else may have changed.
type Error struct {
	Path    string
	Problem string
	Mend    string // the command that mends it, or ""
}

// Error names the file and what is wrong with it.
func (e *Error) Error() string { return e.Path + " is not used: " + e.Problem }

// Hint returns the command that mends it.
func (e *Error) Hint() string {
	if e.Mend == "" {
		return ""
	}
	return "see what is in it; if it is yours: " + e.Mend
}

// Read returns what is in a file below a folder. The name has slashes. The error
// is [fs.ErrNotExist] when there is no such file, and an [*Error] when somebody
// else may have written it.
func Read(folder, name string, limit int64) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := checkFolders(root, folder, path.Dir(name)); err != nil {
		return nil, err
	}
	full := filepath.Join(folder, filepath.FromSlash(name))
	info, err := root.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &Error{full, "it is not a regular file", ""}
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := check(info, full); err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		_ = f.Chmod(0o600) // others could only read it; where it cannot be changed they still can
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d KiB", full, limit>>10)
	}
	return data, err
}

// Write replaces a file below a folder, whole or not at all. Folders that are
// missing are made, for the user alone.
func Write(folder, name string, data []byte) error {
	root, err := open(folder, path.Dir(name))
	if err != nil {
		return err
	}
	defer root.Close()
	temp := path.Join(path.Dir(name), ".new-"+rand.Text())
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temp))
	}
	return nil
}

// Append opens a file below a folder for appending, and makes it if need be.
func Append(folder, name string) (*os.File, error) {
	root, err := open(folder, path.Dir(name))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	full := filepath.Join(folder, filepath.FromSlash(name))
	if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, &Error{full, "it is not a regular file", ""}
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = check(info, full)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Folder makes a folder, for the user alone, or checks the one that is there.
func Folder(folder string) error {
	root, err := open(folder, ".")
	if err != nil {
		return err
	}
	return root.Close()
}

// SecretFolder is [Folder] for one that nobody else has to look into. It may not
// be a link, and what others could only read is closed to them.
func SecretFolder(folder string) error {
	root, err := open(folder, ".")
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := os.Lstat(folder)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return &Error{folder, "it is a link, or not a folder", ""}
	case info.Mode().Perm()&0o077 != 0:
		_ = root.Chmod(".", 0o700) // others could only read it; where it cannot be changed they still can
	}
	return nil
}

// open makes and checks a folder and one below it.
func open(folder, below string) (*os.Root, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	if err = root.MkdirAll(below, 0o700); err == nil {
		err = checkFolders(root, folder, below)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// checkFolders checks a root and the folders on the way to one below it.
func checkFolders(root *os.Root, folder, below string) error {
	at := "."
	for _, name := range append([]string{"."}, strings.Split(below, "/")...) {
		at = path.Join(at, name)
		info, err := root.Lstat(at)
		if err != nil {
			return err
		}
		full := filepath.Join(folder, filepath.FromSlash(at))
		if !info.IsDir() {
			return &Error{full, "it is a link, or not a folder", ""}
		}
		if err := check(info, full); err != nil {
			return err
		}
	}
	return nil
}

// Check returns an error for a folder that is not used, and changes nothing.
func Check(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	return check(info, folder)
}

// check returns an error for a file or folder that others may have changed.
func check(info fs.FileInfo, name string) error {
	if owner, mine := ownerOf(info); !mine {
		return &Error{name, "it belongs to another user (" + owner + ")", "sudo chown \"$USER\" " + quote(name)}
	}
	if mode := info.Mode().Perm(); writable(mode) {
		return &Error{name, fmt.Sprintf("others may write to it (mode %04o)", mode), "chmod go-w " + quote(name)}
	}
	return nil
}

// quote is a word as a POSIX shell reads it.
func quote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
