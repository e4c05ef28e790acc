package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// An outFolder is a folder that files of a server are written below, by names
// that the server chose.
type outFolder struct {
	dir     string
	root    *os.Root
	force   bool                // files are replaced
	mine    map[string][32]byte // digests of the files that were written, by path
	seen    map[string]string   // files, and folders with a slash behind, by name without case
	written []string            // the paths of what was written, with the folder
}

// An outFile is a file to write, with slashes in its path.
type outFile struct {
	path    string
	content []byte
}

// openFolder makes the folder unless it is there.
func openFolder(dir string, force bool) (*outFolder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // others may read it
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", err)
	}
	return &outFolder{dir: dir, root: root, force: force, mine: map[string][32]byte{}, seen: map[string]string{}}, nil
}

func (o *outFolder) Close() error { return o.root.Close() }

// report returns what was written, as JSON.
func (o *outFolder) report() []byte {
	text, err := json.Marshal(struct {
		Written []string `json:"written"`
	}{append([]string{}, o.written...)})
	if err != nil {
		return []byte("{}") // cannot happen: names are strings
	}
	return text
}

// check refuses files that would not be what their names say on some system, and
// files that are there already.
func (o *outFolder) check(files []outFile) error {
	for _, f := range files {
		if err := checkPortable(f.path); err != nil {
			return err
		}
		if err := o.claim(f.path, f.path); err != nil {
			return err
		}
		for folder := path.Dir(f.path); folder != "."; folder = path.Dir(folder) {
			if err := o.claim(folder, folder+"/"); err != nil {
				return err
			}
		}
		if err := o.checkFree(f.path); err != nil {
			return err
		}
	}
	return nil
}

// claim refuses a name that is another file or folder where case does not count.
func (o *outFolder) claim(name, as string) error {
	folded := strings.ToLower(name)
	if other, ok := o.seen[folded]; ok && other != as {
		return fmt.Errorf("%q and %q have one name on systems that ignore case", other, as)
	}
	o.seen[folded] = as
	return nil
}

// checkFree refuses a path on which there is a link, or a file that may not be
// replaced.
func (o *outFolder) checkFree(name string) error {
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		parent := name[:i]
		info, err := o.root.Lstat(filepath.FromSlash(parent))
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is not a folder", o.full(parent))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	info, err := o.root.Lstat(filepath.FromSlash(name))
	_, mine := o.mine[name]
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && mine:
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder", o.full(name))
	case !o.force:
		return hintError{fmt.Errorf("%s is there already", o.full(name)), "name another folder, or replace files with --force"}
	}
	return nil
}

func (o *outFolder) full(name string) string { return filepath.Join(o.dir, filepath.FromSlash(name)) }

// write writes files that have passed check. What it has written is removed when
// it cannot write all of them.
func (o *outFolder) write(files []outFile) (err error) {
	var made []string
	defer func() {
		if err == nil {
			return
		}
		for _, name := range made {
			_ = o.root.Remove(filepath.FromSlash(name)) // the error that counts is known
		}
	}()
	for _, f := range files {
		if digest, ok := o.mine[f.path]; ok {
			if digest != sha256.Sum256(f.content) {
				return fmt.Errorf("two skills have different files at %s", o.full(f.path))
			}
			continue // a file of an enclosing skill
		}
		if err := o.writeFile(f); err != nil {
			return err
		}
		made = append(made, f.path)
	}
	for _, f := range files {
		if _, ok := o.mine[f.path]; !ok {
			o.mine[f.path] = sha256.Sum256(f.content)
			o.written = append(o.written, o.full(f.path))
		}
	}
	return nil
}

func (o *outFolder) writeFile(f outFile) error {
	name := filepath.FromSlash(f.path)
	if err := o.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if o.force { // a link is replaced, and not what it leads to
		if err := o.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	file, err := o.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(f.content)
	return errors.Join(err, file.Close())
}

// checkPortable refuses paths that lead elsewhere, or name something else, on some
// system.
func checkPortable(name string) error {
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("%.128q is not a path below the folder", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case strings.ContainsAny(part, `<>:"\|?*`):
			return fmt.Errorf("%.128q has a character that Windows does not allow", name)
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
			return fmt.Errorf("%.128q ends with a dot or a space, which Windows removes", name)
		case isDevice(part):
			return fmt.Errorf("%.128q is the name of a device on Windows", name)
		case len(part) > 255:
			return fmt.Errorf("%.64q has a part of more than 255 bytes", name)
		}
		for _, r := range part {
			if r < ' ' || r == 0x7f {
				return fmt.Errorf("%.128q has a control character", name)
			}
		}
	}
	return nil
}

// isDevice reports whether Windows takes a name for a device, whatever its
// extension.
func isDevice(part string) bool {
	base, _, _ := strings.Cut(part, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	number, ok := strings.CutPrefix(base, "COM")
	if !ok {
		number, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && (len(number) == 1 && number >= "0" && number <= "9" || number == "¹" || number == "²" || number == "³")
}
