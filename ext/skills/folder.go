package skills

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
)

// maxEntries bounds the files and folders that are looked at.
const maxEntries = 20_000

// maxFaults bounds the mistakes that one error names.
const maxFaults = 50

// A stamp tells whether a file has changed.
type stamp struct {
	size     int64
	modified time.Time
}

// A survey is the files of all skills as they were found, before one was read.
type survey struct {
	files map[string]stamp // by path
	names []string         // the paths, sorted
	roots []string         // the folders of skills, sorted

	entries int
	faults  []error
}

// A faultList is an error of several mistakes, one a line.
type faultList []error

func (f faultList) Error() string   { return errors.Join(f...).Error() }
func (f faultList) Unwrap() []error { return f }

func (v *survey) faultf(format string, args ...any) {
	v.faults = append(v.faults, fmt.Errorf(format, args...))
}

// err returns the mistakes.
func (v *survey) err() error {
	if len(v.faults) == 0 {
		return nil
	}
	if more := len(v.faults) - maxFaults; more > 0 {
		return faultList(append(v.faults[:maxFaults:maxFaults], fmt.Errorf("and %d more mistakes", more)))
	}
	return faultList(v.faults)
}

// errTooMany ends a walk.
var errTooMany = fmt.Errorf("there are more than %d files and folders: give New a folder that holds skills alone", maxEntries)

// look finds the files of all skills. The mistakes that it finds are in the survey.
func look(fsys fs.FS) (*survey, error) {
	v := &survey{files: map[string]stamp{}}
	if err := fs.WalkDir(fsys, ".", v.visit); err != nil {
		return nil, err
	}
	v.keepSkills()
	v.checkBounds()
	if len(v.roots) == 0 && len(v.faults) == 0 {
		v.faultf("no folder has a file %s", format.FileName)
	}
	return v, nil
}

// describes reports whether the survey finds the files of a library unchanged.
func (v *survey) describes(l *library) bool {
	return len(v.faults) == 0 && slices.Equal(v.names, l.names) && !slices.ContainsFunc(v.names, func(name string) bool {
		f := l.files[name]
		return f == nil || f.stamp != v.files[name]
	})
}

// visit sees a file or folder. It is an [fs.WalkDirFunc].
func (v *survey) visit(name string, d fs.DirEntry, err error) error {
	if v.entries++; v.entries > maxEntries {
		return errTooMany
	}
	switch {
	case err != nil && name == ".":
		return err
	case err != nil:
		v.faultf("%s: %w", name, err)
		return nil
	case name == ".":
		return nil
	case strings.HasPrefix(d.Name(), "."):
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	case d.Type()&fs.ModeSymlink != 0:
		v.faultf("%s: symbolic links are not served: put the file itself here", name)
		return nil
	case !d.IsDir() && !d.Type().IsRegular():
		v.faultf("%s: neither a file nor a folder", name)
		return nil
	}
	if err := format.CheckSegment(d.Name()); err != nil {
		v.faultf("%q: %w", name, err)
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if !d.IsDir() {
		v.visitFile(name, d)
	}
	return nil
}

func (v *survey) visitFile(name string, d fs.DirEntry) {
	info, err := d.Info()
	if err != nil {
		v.faultf("%s: %w", name, err)
		return
	}
	v.files[name] = stamp{info.Size(), info.ModTime()}
	switch {
	case name == format.FileName:
		v.faultf("%s: a skill is a folder with the skill's name: give New the folder above", name)
	case d.Name() == format.FileName:
		v.roots = append(v.roots, path.Dir(name))
	case strings.EqualFold(d.Name(), format.FileName):
		v.faultf("%s: rename it to %s, in upper and lower case as here", name, format.FileName)
	}
}

// keepSkills forgets the files outside of skills.
func (v *survey) keepSkills() {
	slices.Sort(v.roots)
	for name := range v.files {
		if !v.inSkill(path.Dir(name)) {
			delete(v.files, name)
		}
	}
	v.names = slices.Sorted(maps.Keys(v.files))
}

// inSkill reports whether a folder is a skill or lies in one.
func (v *survey) inSkill(folder string) bool {
	for ; folder != "."; folder = path.Dir(folder) {
		if _, ok := slices.BinarySearch(v.roots, folder); ok {
			return true
		}
	}
	return false
}

// below returns the names below a folder. The names are sorted.
func below(names []string, folder string) []string {
	first, _ := slices.BinarySearch(names, folder+"/")
	end, _ := slices.BinarySearch(names, folder+"0") // "0" comes after "/"
	return names[first:end]
}

// checkBounds finds the skills with too many files or bytes.
func (v *survey) checkBounds() {
	for _, root := range v.roots {
		files, size := below(v.names, root), int64(0)
		for _, name := range files {
			size += v.files[name].size
		}
		if len(files) > format.MaxFiles {
			v.faultf("%s: the skill has %d files: %d are allowed", root, len(files), format.MaxFiles)
		}
		if size > format.MaxBytes {
			v.faultf("%s: the files of the skill have %d bytes: %d are allowed", root, size, format.MaxBytes)
		}
	}
}

// within reports whether a path is root or below it.
func within(name, root string) bool {
	return name == root || strings.HasPrefix(name, root) && name[len(root)] == '/'
}

// readFile returns the content of a file. It reads no more than a skill may have.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no longer a file", name)
	}
	content, err := io.ReadAll(io.LimitReader(f, format.MaxBytes+1))
	if err == nil && len(content) > format.MaxBytes {
		err = fmt.Errorf("%s has more than %d bytes", name, format.MaxBytes)
	}
	return content, err
}
