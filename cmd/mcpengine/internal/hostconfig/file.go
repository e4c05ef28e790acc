package hostconfig

import (
	"bytes"
	"context"
	"crypto/rand"
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

	"github.com/mcpengine/mcpengine/internal/private"
)

const (
	lockWait = time.Minute           // how long to wait for others that edit the same file
	lockPoll = 10 * time.Millisecond // how often to look
	attempts = 5                     // how often to start again when the host writes at the same time
	// backupSuffix follows the name of a file that was changed.
	backupSuffix = ".mcpengine.bak"
)

// A Change is the change of one file, made or planned.
type Change struct {
	// Host is the host of the file.
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
// for each other. If another program writes before the file is replaced, the edit is
// made again on the new content.
func (e Environment) editFile(ctx context.Context, name string, syntax syntax, dryRun bool, edit func(document) error) (c Change, err error) {
	c.File = name
	defer func() {
		if err != nil {
			err = fmt.Errorf("edit %s: %w", name, err)
		}
	}()
	at, err := e.place(name)
	if err != nil {
		return c, err
	}
	defer at.root.Close()
	if !dryRun {
		unlock, err := e.lock(ctx, at.path())
		if err != nil {
			return c, err
		}
		defer unlock()
	}
	for range attempts {
		before, mode, err := at.read()
		if err != nil {
			return c, err
		}
		doc, err := parse(before, syntax)
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
		if !at.isWritable() {
			return c, withHint(errors.New("the file is read-only"), "make it writable, or add the entry where the file is made")
		}
		if dryRun {
			return c, nil
		}
		switch c.Backup, err = at.replace(c.Before, c.After, mode); {
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

// A place is where a file is once links are followed, so that the file is
// replaced and not the link. It is below a folder that it does not leave, even
// if a link is put in its way later.
type place struct {
	root   *os.Root
	name   string // below the root
	backup func(before []byte, mode fs.FileMode) (string, error)
}

// place follows the links of a name. A file of the user may be anywhere, for
// settings are often kept in a repository with links to it. In a project, whose
// files somebody else wrote, no link leads out.
func (e Environment) place(file string) (*place, error) {
	target, err := resolve(file)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(target)
	if e.Project != "" {
		if folder, err = filepath.EvalSymlinks(e.Project); err != nil {
			return nil, err
		}
	}
	for e.Project == "" && filepath.Dir(folder) != folder {
		if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		folder = filepath.Dir(folder)
	}
	name, err := filepath.Rel(folder, target)
	if err != nil || !filepath.IsLocal(name) {
		return nil, withHint(fmt.Errorf("a link leads out of the project, to %s", target), "replace the link by a file, or edit that file by hand")
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	p := &place{root: root, name: name}
	p.backup = p.backupBeside
	if e.Project != "" {
		p.backup = func(before []byte, _ fs.FileMode) (string, error) { return e.backupAtHome(target, before) }
	}
	return p, nil
}

// resolve follows the links of a name as far as it exists.
func resolve(name string) (string, error) {
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		folder := filepath.Dir(name)
		if folder == name {
			return name, nil
		}
		folder, err := resolve(folder)
		return filepath.Join(folder, filepath.Base(name)), err
	}
	target, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("it is a symbolic link to a file that does not exist")
	}
	return target, err
}

func (p *place) path() string { return filepath.Join(p.root.Name(), p.name) }

// read returns the content of the file and its mode. If the file does not
// exist, it returns nil and the mode of a new file. New files are for the user
// alone: hosts keep secrets of other servers there.
func (p *place) read() ([]byte, fs.FileMode, error) {
	info, err := p.root.Stat(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0o600, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("it is not a file")
	}
	f, err := p.root.Open(p.name)
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

// isWritable reports whether the system lets this user write the file. The mode
// does not tell: access lists and root go past it. A file that does not exist
// counts as writable.
func (p *place) isWritable() bool {
	f, err := p.root.OpenFile(p.name, os.O_WRONLY, 0)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return f.Close() == nil
}

// replace keeps a copy of the file and replaces the file atomically.
func (p *place) replace(before, after []byte, mode fs.FileMode) (backup string, err error) {
	if err := p.root.MkdirAll(filepath.Dir(p.name), 0o700); err != nil {
		return "", err
	}
	if before != nil {
		if backup, err = p.backup(before, mode); err != nil {
			return "", fmt.Errorf("back up: %w", err)
		}
	}
	temp, err := p.writeTemp(after, mode)
	if err != nil {
		return "", err
	}
	now, _, err := p.read()
	if err == nil && !bytes.Equal(now, before) {
		err = errChanged
	}
	if err == nil {
		err = p.root.Rename(temp, p.name)
	}
	if err != nil {
		return "", errors.Join(err, p.root.Remove(temp))
	}
	p.syncFolder()
	return backup, nil
}

// backupBeside keeps the content next to the file.
func (p *place) backupBeside(before []byte, mode fs.FileMode) (string, error) {
	temp, err := p.writeTemp(before, mode)
	if err != nil {
		return "", err
	}
	if err := p.root.Rename(temp, p.name+backupSuffix); err != nil {
		return "", errors.Join(err, p.root.Remove(temp))
	}
	return p.path() + backupSuffix, nil
}

// backupAtHome keeps the content of a project's file among the program's own
// files: in the project it would be committed, with whatever is secret in it.
func (e Environment) backupAtHome(target string, before []byte) (string, error) {
	name := "backups/" + filepath.Base(target) + "." + digest(target)
	if err := private.Write(e.State, name, before); err != nil {
		return "", err
	}
	return filepath.Join(e.State, filepath.FromSlash(name)), nil
}

// writeTemp writes a new file next to the place, and returns its name.
func (p *place) writeTemp(data []byte, mode fs.FileMode) (string, error) {
	name := filepath.Join(filepath.Dir(p.name), "."+filepath.Base(p.name)+"."+rand.Text())
	f, err := p.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, p.root.Remove(name))
	}
	return name, nil
}

// syncFolder makes a rename last. Not every system can, and the file is whole
// either way.
func (p *place) syncFolder() {
	if f, err := p.root.Open(filepath.Dir(p.name)); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// digest returns a digest of a file name, for use in other file names.
func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// lock waits until no other program of ours edits the file.
func (e Environment) lock(ctx context.Context, name string) (unlock func(), err error) {
	folder := filepath.Join(e.State, "locks")
	if err := errors.Join(private.Folder(e.State), private.Folder(folder)); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	l := flock.New(filepath.Join(folder, digest(name)+".lock"), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("wait for another mcpengine: %w", err)
	}
	return func() { _ = l.Unlock() }, nil
}
