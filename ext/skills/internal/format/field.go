package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of fields, in characters (Agent Skills, "Frontmatter").
const (
	maxDescription   = 1024
	maxCompatibility = 500
)

// reservedMetadata begins the names of metadata that only extensions of the
// protocol define (skills, "Frontmatter").
const reservedMetadata = "io.modelcontextprotocol/"

// A File is what a SKILL.md says of its skill.
type File struct {
	Name, Description string
	Frontmatter       json.RawMessage
}

// Parse returns what a SKILL.md says in a folder of that name, and the mistakes
// that its author made, each with its line.
func Parse(content []byte, folder string) (s File, faults []*Fault) {
	if !utf8.Valid(content) {
		return s, []*Fault{{1 + bytes.Count(validPrefix(content), []byte("\n")), "the text is not UTF-8"}}
	}
	frontmatter, err := ParseFrontmatter(content)
	if err != nil {
		return s, []*Fault{err.(*Fault)} //nolint:errorlint // as it says
	}
	var fields map[string]any
	if err := json.Unmarshal(frontmatter, &fields); err != nil {
		return s, []*Fault{{1, err.Error()}} // cannot happen: the text is ours
	}
	c := &fieldChecker{content: content, fields: fields}
	s.Frontmatter = frontmatter
	s.Name = c.text("name", true, 64)
	if err := CheckName(s.Name); err != nil && c.faults == nil {
		c.faultf("name", "%v", err)
	}
	if c.faults == nil && s.Name != folder {
		c.faultf("name", "the name is %q and the folder is %q: they must be the same", s.Name, folder)
	}
	s.Description = c.text("description", true, maxDescription)
	c.text("license", false, maxFrontmatter)
	c.text("compatibility", false, maxCompatibility)
	c.metadata()
	c.allowedTools()
	slices.SortStableFunc(c.faults, func(a, b *Fault) int { return a.Line - b.Line })
	return s, c.faults
}

func validPrefix(content []byte) []byte {
	rest := content
	for len(rest) > 0 {
		c, n := utf8.DecodeRune(rest)
		if c == utf8.RuneError && n == 1 {
			break
		}
		rest = rest[n:]
	}
	return content[:len(content)-len(rest)]
}

// A fieldChecker checks the fields that Agent Skills defines. Others are their
// authors' business.
type fieldChecker struct {
	content []byte
	fields  map[string]any
	faults  []*Fault
}

func (c *fieldChecker) faultf(field, format string, args ...any) {
	c.faults = append(c.faults, &Fault{fieldLine(c.content, field), fmt.Sprintf(format, args...)})
}

// text checks and returns a field that must be text.
func (c *fieldChecker) text(field string, required bool, longest int) string {
	value, ok := c.fields[field]
	s, isString := value.(string)
	switch n := utf8.RuneCountInString(s); {
	case !ok && !required:
	case !ok:
		c.faultf(field, "the frontmatter has no %s", field)
	case !isString:
		c.faultf(field, "the %s must be text: write it in quotes", field)
	case strings.TrimSpace(s) == "":
		c.faultf(field, "the %s is empty", field)
	case n > longest:
		c.faultf(field, "the %s has %d characters: %d are allowed", field, n, longest)
	}
	return s
}

func (c *fieldChecker) metadata() {
	value, ok := c.fields["metadata"]
	m, isObject := value.(map[string]any)
	if ok && !isObject {
		c.faultf("metadata", "the metadata must be names and values, as in \"author: example\"")
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if strings.HasPrefix(key, reservedMetadata) {
			c.faultf("metadata", "the metadata %.64q has a name that is reserved for extensions of the protocol", key)
		}
	}
}

// allowedTools accepts the text that Agent Skills wants, and the list that many
// hosts accept too.
func (c *fieldChecker) allowedTools() {
	switch value := c.fields["allowed-tools"].(type) {
	case nil, string:
	case []any:
		if slices.ContainsFunc(value, func(v any) bool { _, ok := v.(string); return !ok }) {
			c.faultf("allowed-tools", "the allowed-tools must be text")
		}
	default:
		c.faultf("allowed-tools", "the allowed-tools must be text, or a list of texts")
	}
}

// fieldLine returns the line of a field at the outermost level of the
// frontmatter, and the first line when it is not there.
func fieldLine(content []byte, field string) int {
	for i, l := range bytes.Split(content, []byte("\n")) {
		if i > 0 && bytes.HasPrefix(l, []byte("---")) {
			break
		}
		before, _, found := bytes.Cut(l, []byte(":"))
		if found && string(bytes.Trim(before, " \t'\"")) == field {
			return i + 1
		}
	}
	return 1
}
