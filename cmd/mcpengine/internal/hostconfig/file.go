package hostconfig

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	lockWait = time.Minute           // how long to wait for others that edit the same file
	lockPoll = 10 * time.Millisecond // how often to look
	attempts = 5                     // how often to start again when the host writes meanwhile
	// backupSuffix follows the name of a file that was changed.
	backupSuffix = ".mcpengine.bak"
)

// A Change is what was done to one file, or would be.
type Change struct {
	// Host is whose file it is.
	Host *Host
	// File is its name.
	File string
	// Before and After are its content. They are the same when there was
	// nothing to do.
	Before, After []byte
	// Backup is where the content was kept, or "".
	Backup string
	// Commands are the command lines that were run instead of changing the file.
	Commands []string
}

// Changed reports whether anything is, or would be, different.
func (c Change) Changed() bool { return len(c.Commands) > 0 || !bytes.Equal(c.Before, c.After) }

// editFile applies an edit to a file. Programs that edit with this function wait
// for each other; one that does not is noticed when it writes before the file is
// replaced, and the edit is made again on what it wrote.
func (e Environment) editFile(ctx context.Context, name string, toml, dryRun bool, edit func(document) error) (c Change, err error) {
	c.File = name
	defer func() {
		if err != nil {
			err = fmt.Errorf("edit %s: %w", name, err)
		}
	}()
	target, err := resolve(name)
	if err != nil {
		return c, err
	}
	if !dryRun {
		unlock, err := e.lock(ctx, target)
		if err != nil {
			return c, err
		}
		defer unlock()
	}
	for range attempts {
		before, mode, err := read(target)
		if err != nil {
			return c, err
		}
		doc, err := parse(before, toml)
		if err != nil {
			return c, withHint(err, "correct the file, or move it away")
		}
		parsed := doc.bytes()
		if err := edit(doc); err != nil {
			return c, err
		}
		c.Before, c.After = before, doc.bytes()
		if bytes.Equal(parsed, c.After) {
			c.After = before // an empty file stays one
			return c, nil
		}
		if mode&0o200 == 0 {
			return c, withHint(errors.New("the file is read-only"), "make it writable, or add the entry where the file is made")
		}
		if dryRun {
			return c, nil
		}
		switch c.Backup, err = replace(target, c.Before, c.After, mode); {
		case errors.Is(err, errChanged):
			continue
		case err != nil:
			return c, err
		}
		return c, nil
	}
	return c, withHint(errChanged, "close the program that writes it")
}

var errChanged = errors.New("another program keeps changing the file")

// resolve follows symbolic links, so that the file is replaced and not the link.
func resolve(name string) (string, error) {
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return name, nil
	}
	target, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("it is a symbolic link to a file that does not exist")
	}
	return target, err
}

// read returns the content of a file and its mode, or nil and the mode of a new
// file when there is none. New files are for the user alone: hosts keep secrets
// of other servers there.
func read(name string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0o600, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("it is not a file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, 0, err
	}
	return data, info.Mode().Perm(), nil
}

// replace keeps a copy of a file and puts the new content in its place, whole or
// not at all.
func replace(name string, before, after []byte, mode fs.FileMode) (backup string, err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", err
	}
	if before != nil {
		backup = name + backupSuffix
		temp, err := writeTemp(backup, before, mode)
		if err != nil {
			return "", fmt.Errorf("back up: %w", err)
		}
		if err := os.Rename(temp, backup); err != nil {
			return "", errors.Join(fmt.Errorf("back up: %w", err), os.Remove(temp))
		}
	}
	temp, err := writeTemp(name, after, mode)
	if err != nil {
		return "", err
	}
	now, _, err := read(name)
	if err == nil && !bytes.Equal(now, before) {
		err = errChanged
	}
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(temp))
	}
	syncFolder(filepath.Dir(name))
	return backup, nil
}

// writeTemp writes a new file next to the named one.
func writeTemp(name string, data []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// syncFolder makes a rename last. Not every system can, and the file is whole
// either way.
func syncFolder(name string) {
	if f, err := os.Open(name); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// lock waits until no other program of ours edits the file.
func (e Environment) lock(ctx context.Context, name string) (unlock func(), err error) {
	folder := filepath.Join(e.State, "locks")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	sum := sha256.Sum256([]byte(name))
	l := flock.New(filepath.Join(folder, hex.EncodeToString(sum[:8])+".lock"), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("wait for another mcpengine: %w", err)
	}
	return func() { _ = l.Unlock() }, nil
}
