// Package skill has the entry of a skill, as io.modelcontextprotocol/skills
// defines it, with the rules that an entry keeps and the verification of content
// against it. Hosts get entries from package
// [github.com/mcpengine/mcpengine/ext/skills/skillsclient].
package skill

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
)

// ParseFrontmatter returns the frontmatter of a SKILL.md as a JSON object, with its
// members in their order, for hosts that have skills from elsewhere too. It reads
// the part of YAML that docs/skills.md describes; the error names the line that it
// does not.
func ParseFrontmatter(content []byte) (json.RawMessage, error) {
	return format.ParseFrontmatter(content)
}

// A Skill is the entry of a skill. Encoded as JSON it has the form of the
// protocol.
type Skill struct {
	// URI is the URI of the skill's SKILL.md.
	URI string

	// Name and Description are members of the frontmatter.
	Name        string
	Description string

	// Frontmatter is the whole frontmatter as a JSON object.
	Frontmatter json.RawMessage

	// Resources are all files of the skill, its SKILL.md included, in the order
	// of the server.
	Resources []Resource

	// Dynamic says that the server makes the skill's content for each request.
	// The skill has no Resources then, and its content cannot be verified.
	Dynamic bool
}

// A Resource is a file of a skill.
type Resource struct {
	URI    string `json:"uri"`
	Digest string `json:"digest"` // "sha256:" and 64 hexadecimal digits
	Size   int64  `json:"size"`   // in bytes
}

// wireSkill is a Skill in the protocol.
type wireSkill struct {
	URI         string          `json:"uri"`
	Frontmatter json.RawMessage `json:"frontmatter"`
	Resources   json.RawMessage `json:"resources"`
}

const dynamic = `"dynamic"`

// MarshalJSON returns the skill in the form of the protocol.
func (s Skill) MarshalJSON() ([]byte, error) {
	w := wireSkill{s.URI, s.Frontmatter, json.RawMessage(dynamic)}
	if !s.Dynamic {
		var err error
		if w.Resources, err = json.Marshal(s.Resources); err != nil {
			return nil, err
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads the form of the protocol. Members of the wrong type are an
// error; the other rules are left to [Skill.Check].
func (s *Skill) UnmarshalJSON(data []byte) error {
	var w wireSkill
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*s = Skill{URI: w.URI, Frontmatter: w.Frontmatter}
	if s.Dynamic = string(w.Resources) == dynamic; !s.Dynamic && w.Resources != nil {
		if err := json.Unmarshal(w.Resources, &s.Resources); err != nil {
			return fmt.Errorf("resources: %w", err)
		}
	}
	// Names are compared as they stand: encoding/json would take "Name" too.
	var f map[string]any
	if w.Frontmatter != nil {
		if err := json.Unmarshal(w.Frontmatter, &f); err != nil {
			return fmt.Errorf("frontmatter: %w", err)
		}
	}
	s.Name, _ = f["name"].(string)
	s.Description, _ = f["description"].(string)
	return nil
}

// Root returns the URI of the skill's folder.
func (s *Skill) Root() string { return strings.TrimSuffix(s.URI, "/"+format.FileName) }

// Path returns the path of the skill's folder: "billing/refunds" for
// skill://billing/refunds/SKILL.md. It cannot fail once the skill has passed Check.
func (s *Skill) Path() (string, error) {
	path, err := format.FilePath(s.URI)
	return strings.TrimSuffix(path, "/"+format.FileName), err
}

// Path returns the path of the file: "billing/refunds/examples/email.md" for
// skill://billing/refunds/examples/email.md. It cannot fail once the skill has
// passed Check.
func (r *Resource) Path() (string, error) { return format.FilePath(r.URI) }

// Resource returns the file with that URI. It is nil when the skill has no such
// file.
func (s *Skill) Resource(uri string) *Resource {
	for i := range s.Resources {
		if s.Resources[i].URI == uri {
			return &s.Resources[i]
		}
	}
	return nil
}

// Check reports the first rule of an entry that the skill breaks (skills, "Skill
// Entries"). A skill that breaks one must not be loaded.
func (s *Skill) Check() error {
	root, ok := strings.CutSuffix(s.URI, "/"+format.FileName)
	if !ok {
		return fmt.Errorf("the URI %.128q of a skill does not end with /%s", s.URI, format.FileName)
	}
	if err := s.check(root); err != nil {
		return fmt.Errorf("skill %.128s: %w", s.URI, err)
	}
	return nil
}

func (s *Skill) check(root string) error {
	if _, err := format.FilePath(s.URI); err != nil {
		return err
	}
	if err := format.CheckName(s.Name); err != nil {
		return err
	}
	if last := root[strings.LastIndexByte(root, '/')+1:]; last != s.Name {
		return fmt.Errorf("the folder %.64q does not have the name %q of the frontmatter", last, s.Name)
	}
	if s.Description == "" {
		return errors.New("the frontmatter has no description")
	}
	if s.Dynamic {
		return nil
	}
	return s.checkResources(root)
}

func (s *Skill) checkResources(root string) error {
	if len(s.Resources) > format.MaxFiles {
		return fmt.Errorf("the skill has %d files: %d are allowed", len(s.Resources), format.MaxFiles)
	}
	seen, total := make(map[string]bool, len(s.Resources)), int64(0)
	for _, r := range s.Resources {
		switch {
		case !strings.HasPrefix(r.URI, root+"/"):
			return fmt.Errorf("the file %.128q is not below the folder of the skill", r.URI)
		case seen[r.URI]:
			return fmt.Errorf("the file %.128q is there twice", r.URI)
		case !format.IsDigest(r.Digest):
			return fmt.Errorf("the file %.128q has the digest %.80q, which is not \"sha256:\" and 64 lower-case hexadecimal digits", r.URI, r.Digest)
		case r.Size < 0 || r.Size > format.MaxBytes:
			return fmt.Errorf("the file %.128q has the size %d: a skill has between 0 and %d bytes", r.URI, r.Size, format.MaxBytes)
		}
		if _, err := format.FilePath(r.URI); err != nil {
			return err
		}
		seen[r.URI] = true
		total += r.Size
	}
	switch {
	case !seen[s.URI]:
		return fmt.Errorf("the files do not include the %s", format.FileName)
	case total > format.MaxBytes:
		return fmt.Errorf("the files have %d bytes: %d are allowed", total, format.MaxBytes)
	}
	return nil
}

// ErrVerification is wrapped by the errors of [Skill.Verify].
var ErrVerification = errors.New("verification failed")

// Verify returns nil when content is the content of the skill's file with that
// URI: its size and digest are those of the entry, and the frontmatter of a
// SKILL.md is the frontmatter of the entry (skills, "Integrity and
// Verification"). Otherwise the content must not be used, and the error wraps
// [ErrVerification]: the entry may be out of date. Of a dynamic skill only the
// frontmatter can be compared.
func (s *Skill) Verify(uri string, content []byte) error {
	if err := s.verify(uri, content); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerification, uri, err)
	}
	return nil
}

func (s *Skill) verify(uri string, content []byte) error {
	if !s.Dynamic {
		r := s.Resource(uri)
		if r == nil {
			return errors.New("the skill's entry does not list this file")
		}
		if int64(len(content)) != r.Size {
			return fmt.Errorf("the content has %d bytes, and the skill's entry says %d", len(content), r.Size)
		}
		if got := format.Digest(content); got != r.Digest {
			return fmt.Errorf("the content has the digest %s, and the skill's entry says %s", got, r.Digest)
		}
	} else if !strings.HasPrefix(uri, s.Root()+"/") {
		return errors.New("the file is not below the folder of the skill")
	}
	if uri != s.URI {
		return nil
	}
	f, err := ParseFrontmatter(content)
	if err != nil {
		return err
	}
	field, err := format.Difference(f, s.Frontmatter)
	if err != nil {
		return err
	}
	if field != "" {
		return fmt.Errorf("the frontmatter has another %q than the skill's entry", field)
	}
	return nil
}
