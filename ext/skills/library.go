package skills

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
	"github.com/mcpengine/mcpengine/ext/skills/skill"
)

// A library is the skills of a folder at one time. It never changes.
type library struct {
	skills  map[string]*entry // by path
	order   []*entry          // by path, sorted
	files   map[string]*file  // by path
	names   []string          // the paths of the files, sorted
	folders map[string][]string
	changes bool // the files have modification times
}

// An entry is a skill.
type entry struct {
	skill.Skill
	path string
	wire json.RawMessage
}

// A file is a file of one or more skills.
type file struct {
	stamp
	path        string
	name        string // as a resource
	description string
	mimeType    string
	digest      string
	content     []byte // of a SKILL.md, until the library is made
}

func (f *file) uri() string { return format.URI(f.path) }

// sameResource reports whether two files are the same resource, apart from their
// content.
func (f *file) sameResource(g *file) bool {
	return f.name == g.name && f.description == g.description && f.mimeType == g.mimeType
}

// read reads the folder. Files that have not changed since known was read are
// not read again. When none has, it returns known.
func (s *server) read(known *library) (*library, error) {
	v, err := look(s.fsys)
	switch {
	case err != nil:
		return nil, err
	case known != nil && v.describes(known):
		return known, nil
	}
	readable := v.names
	if len(v.faults) > 0 { // only the mistakes count
		readable = slices.DeleteFunc(slices.Clone(v.names), func(name string) bool { return path.Base(name) != format.FileName })
	}
	l := &library{skills: map[string]*entry{}, files: map[string]*file{}, names: v.names, folders: map[string][]string{}}
	for _, name := range readable {
		st := v.files[name]
		f, err := s.readStamped(name, st, known)
		if err != nil {
			v.faultf("%s: %w", name, err)
			continue
		}
		l.files[name] = f
		l.changes = l.changes || !st.modified.IsZero()
	}
	for _, root := range v.roots {
		s.addSkill(l, v, root, known)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	for _, root := range v.roots {
		if err := l.finish(l.skills[root]); err != nil {
			return nil, err
		}
	}
	l.addFolders()
	return l, s.checkRestrictions(l)
}

func (s *server) readStamped(name string, st stamp, known *library) (*file, error) {
	if known != nil {
		if f := known.files[name]; f != nil && f.stamp == st && !st.modified.IsZero() {
			return f, nil
		}
	}
	content, err := readFile(s.fsys, name)
	if err != nil {
		return nil, err
	}
	st.size = int64(len(content))
	f := &file{stamp: st, path: name, name: path.Base(name), mimeType: mimeTypeOf(name, content), digest: format.Digest(content)}
	if f.name == format.FileName {
		f.content = content
	}
	return f, nil
}

// addSkill reads the SKILL.md of a skill.
func (s *server) addSkill(l *library, v *survey, root string, known *library) {
	f := l.files[root+"/"+format.FileName]
	if f == nil {
		return // it could not be read, which was reported
	}
	if f.content == nil {
		old := known.skills[root] // the file has not changed since
		l.skills[root] = &entry{Skill: old.Skill, path: root}
		return
	}
	parsed, faults := format.Parse(f.content, path.Base(root))
	for _, fault := range faults {
		v.faultf("%s:%d: %s", f.path, fault.Line, fault.Text)
	}
	f.name, f.description, f.content = parsed.Name, parsed.Description, nil
	l.skills[root] = &entry{path: root, Skill: skill.Skill{
		URI: f.uri(), Name: parsed.Name, Description: parsed.Description, Frontmatter: parsed.Frontmatter,
	}}
}

// finish lists the files of a skill and encodes its entry.
func (l *library) finish(e *entry) (err error) {
	e.Resources = nil
	for _, name := range below(l.names, e.path) {
		f := l.files[name]
		e.Resources = append(e.Resources, skill.Resource{URI: f.uri(), Digest: f.digest, Size: f.size})
	}
	if err := e.Check(); err != nil {
		return err // a file has grown since it was looked at
	}
	if e.wire, err = json.Marshal(e.Skill); err != nil {
		return fmt.Errorf("encode the entry of %s: %w", e.path, err)
	}
	l.order = append(l.order, e)
	return nil
}

// addFolders finds the children of all folders at, above and in skills.
func (l *library) addFolders() {
	children := map[string]map[string]bool{}
	for name := range l.files {
		for name != "." {
			parent := path.Dir(name)
			if children[parent] == nil {
				children[parent] = map[string]bool{}
			}
			children[parent][name] = true
			name = parent
		}
	}
	for parent, names := range children {
		l.folders[parent] = slices.Sorted(maps.Keys(names))
	}
	delete(l.folders, ".") // it has no URI
}

// A restriction is the rules of [Restrict].
type restriction struct {
	path  string
	rules []auth.Rule
}

// checkRestrictions refuses restrictions on a part of a skill.
func (s *server) checkRestrictions(l *library) error {
	var errs []error
	for _, r := range s.restrictions {
		for _, e := range l.order {
			if within(r.path, e.path) && r.path != e.path {
				errs = append(errs, fmt.Errorf("Restrict(%q): the path is in the skill %s, which can only be restricted as a whole", r.path, e.path))
			}
		}
		if strings.Trim(r.path, "/") != r.path || r.path == "" {
			errs = append(errs, fmt.Errorf("Restrict(%q): not a path such as \"billing/refunds\"", r.path))
		}
	}
	return errors.Join(errs...)
}
