package hostconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// A jsonDocument is a file of JSON, perhaps with comments and trailing commas.
// The library finds where things are; the bytes are cut here, because its own
// edits are not indented and do not know a byte order mark.
type jsonDocument struct {
	bom  string
	src  []byte
	root hujson.Value
}

func parseJSON(src []byte) (*jsonDocument, error) {
	d := &jsonDocument{}
	if rest, ok := bytes.CutPrefix(src, []byte(utf8BOM)); ok {
		d.bom, src = utf8BOM, rest
	}
	if blank(src) {
		// Hosts make empty files, and read them as no settings.
		src = emptyObject(src)
	}
	if err := d.reset(src); err != nil {
		return nil, err
	}
	if _, ok := d.root.Value.(*hujson.Object); !ok {
		return nil, fmt.Errorf("%s: the file is not a JSON object", position(src, d.root.StartOffset))
	}
	return d, nil
}

// blank reports whether a file has nothing but white space and comments.
func blank(src []byte) bool {
	for {
		src = bytes.TrimLeft(src, " \t\r\n")
		switch {
		case len(src) == 0:
			return true
		case bytes.HasPrefix(src, []byte("//")):
			_, src, _ = bytes.Cut(src, []byte("\n"))
		case bytes.HasPrefix(src, []byte("/*")):
			var closed bool
			if _, src, closed = bytes.Cut(src[2:], []byte("*/")); !closed {
				return false
			}
		default:
			return false
		}
	}
}

// emptyObject adds an empty object to a blank file, behind its comments.
func emptyObject(src []byte) []byte {
	if len(bytes.TrimSpace(src)) > 0 {
		text := bytes.TrimRight(src, " \t\r\n")
		return append(slices.Clip(text), newline(src)+"{}"+newline(src)...)
	}
	src = append([]byte("{}"), src...)
	if !bytes.Contains(src, []byte("\n")) {
		src = append(src, '\n')
	}
	return src
}

// reset parses the bytes that take the place of the document's.
func (d *jsonDocument) reset(src []byte) error {
	if at := tooDeep(src); at >= 0 {
		return fmt.Errorf("%s: more than %d levels", position(src, at), maxDepth)
	}
	// A comment may end with the file, which the library does not allow.
	root, err := hujson.Parse(append(slices.Clip(src), '\n'))
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "hujson: "))
	}
	d.src, d.root = src, root
	return nil
}

func (d *jsonDocument) bytes() []byte { return append([]byte(d.bom), d.src...) }

func (d *jsonDocument) get(path ...string) ([]byte, error) {
	found, rest, err := d.walk(path)
	if err != nil || len(rest) > 0 {
		return nil, err
	}
	plain := found.Clone()
	plain.Minimize()
	return plain.Pack(), nil
}

func (d *jsonDocument) names(path ...string) ([]string, error) {
	found, rest, err := d.walk(path)
	if err != nil || len(rest) > 0 {
		return nil, err
	}
	object, ok := found.Value.(*hujson.Object)
	if !ok {
		return nil, fmt.Errorf("%s: %s is not an object", position(d.src, found.StartOffset), pathString(path))
	}
	var names []string
	for i := range object.Members {
		names = append(names, object.Members[i].Name.Value.(hujson.Literal).String())
	}
	return names, nil
}

// walk follows the path as far as it goes, and returns what is left of it.
func (d *jsonDocument) walk(path []string) (*hujson.Value, []string, error) {
	at := &d.root
	for i, name := range path {
		object, ok := at.Value.(*hujson.Object)
		if !ok {
			return nil, nil, fmt.Errorf("%s: %s is not an object", position(d.src, at.StartOffset), pathString(path[:i]))
		}
		index, err := d.member(object, name)
		if err != nil {
			return nil, nil, err
		}
		if index < 0 {
			return at, path[i:], nil
		}
		at = &object.Members[index].Value
	}
	return at, nil, nil
}

// member returns the index of the member of that name, or -1. Readers disagree about
// which of two members of one name counts, so neither is touched.
func (d *jsonDocument) member(object *hujson.Object, name string) (int, error) {
	index := -1
	for i := range object.Members {
		if object.Members[i].Name.Value.(hujson.Literal).String() != name {
			continue
		}
		if index >= 0 {
			return 0, fmt.Errorf("%s: %q is there twice", position(d.src, object.Members[i].Name.StartOffset), name)
		}
		index = i
	}
	return index, nil
}

func (d *jsonDocument) set(value []byte, path ...string) error {
	at, rest, err := d.walk(path)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		indent := lineIndent(d.src, at.StartOffset)
		return d.replace(splice(d.src, at.StartOffset, at.EndOffset, d.layout(value, indent)), path)
	}
	for _, name := range slices.Backward(rest[1:]) {
		value = []byte("{" + quote(name) + ":" + string(value) + "}")
	}
	object, ok := at.Value.(*hujson.Object)
	if !ok {
		return fmt.Errorf("%s: %s is not an object", position(d.src, at.StartOffset), pathString(path[:len(path)-len(rest)]))
	}
	return d.replace(d.insert(at, object, rest[0], value), path)
}

// insert adds a member at the end of an object.
func (d *jsonDocument) insert(at *hujson.Value, object *hujson.Object, name string, value []byte) []byte {
	nl, closing := newline(d.src), ""
	if d.flat() {
		nl = ""
	}
	indent := lineIndent(d.src, at.StartOffset) + d.unit()
	end := at.EndOffset - 1 // the closing brace
	after := at.StartOffset + 1
	comma := false
	if n := len(object.Members); n > 0 {
		last := &object.Members[n-1]
		indent = lineIndent(d.src, last.Name.StartOffset)
		after = last.Value.EndOffset
		if comma = last.Value.AfterExtra != nil; comma { // a trailing one
			after += len(last.Value.AfterExtra) + 1
		}
	}
	// Comments at the end stay with what they follow.
	point := after + len(bytes.TrimRight(d.src[after:end], " \t\r\n"))
	if nl != "" && !bytes.Contains(d.src[point:end], []byte("\n")) {
		closing = nl + lineIndent(d.src, at.StartOffset)
	}
	member := nl
	if nl != "" {
		member += indent
	}
	member += quote(name) + ":" + d.space() + d.layout(value, indent)
	if comma {
		member += ","
	}
	next := splice(d.src, point, point, member+closing)
	if len(object.Members) > 0 && !comma {
		next = splice(next, after, after, ",")
	}
	return next
}

func (d *jsonDocument) remove(path ...string) error {
	parent := path[:len(path)-1]
	at, rest, err := d.walk(parent)
	if err != nil || len(rest) > 0 {
		return err
	}
	object, ok := at.Value.(*hujson.Object)
	if !ok {
		return fmt.Errorf("%s: %s is not an object", position(d.src, at.StartOffset), pathString(parent))
	}
	index, err := d.member(object, path[len(path)-1])
	if err != nil || index < 0 {
		return err
	}
	return d.replace(d.cut(at, object, index), path)
}

// cut takes a member out, with the line it is on and one comma.
func (d *jsonDocument) cut(at *hujson.Value, object *hujson.Object, index int) []byte {
	member := &object.Members[index]
	last := index == len(object.Members)-1
	from, to := member.Name.StartOffset, member.Value.EndOffset
	comma := -1 // of the member before, which has nothing to separate any more
	switch {
	case !last || member.Value.AfterExtra != nil: // the library says so of a trailing one
		to += len(member.Value.AfterExtra) + 1
	case index > 0:
		before := &object.Members[index-1].Value
		comma = before.EndOffset + len(before.AfterExtra)
	}
	// The break before goes too, unless it is all that ends a line comment.
	space := from - len(bytes.TrimRight(d.src[:from], " \t\r\n"))
	if rest := bytes.TrimLeft(d.src[to:], " \t\r"); len(rest) > 0 && rest[0] == '\n' {
		from -= space
	}
	if len(object.Members) == 1 && len(bytes.TrimSpace(d.src[at.StartOffset+1:from])) == 0 &&
		len(bytes.TrimSpace(d.src[to:at.EndOffset-1])) == 0 {
		return splice(d.src, at.StartOffset+1, at.EndOffset-1, "")
	}
	next := splice(d.src, from, to, "")
	if comma >= 0 {
		next = splice(next, comma, comma+1, "")
	}
	return next
}

// replace takes on the edited bytes when they parse and differ from the old
// ones at the path alone.
func (d *jsonDocument) replace(next []byte, path []string) error {
	edited := &jsonDocument{bom: d.bom}
	if err := edited.reset(next); err != nil {
		return fmt.Errorf("%w (%w)", errDamage, err)
	}
	before, after := others(&d.root, path), others(&edited.root, path)
	if !bytes.Equal(before, after) {
		return errDamage
	}
	*d = *edited
	return nil
}

// others returns a digest of what the path does not lead to. Objects that are on the
// path count only when something else is in them.
func others(v *hujson.Value, path []string) []byte {
	object, ok := v.Value.(*hujson.Object)
	if !ok || len(path) == 0 {
		if len(path) > 0 {
			return v.Pack()
		}
		return nil
	}
	var out []byte
	for i := range object.Members {
		m := &object.Members[i]
		if m.Name.Value.(hujson.Literal).String() == path[0] {
			out = append(out, others(&m.Value, path[1:])...)
			continue
		}
		out = append(out, packed(m)...)
	}
	return out
}

// packed returns a member without the white space and comments around it.
func packed(m *hujson.ObjectMember) []byte {
	name, value := m.Name, m.Value
	name.BeforeExtra, name.AfterExtra, value.BeforeExtra, value.AfterExtra = nil, nil, nil, nil
	return append(append(name.Pack(), ':'), append(value.Pack(), ',')...)
}

// flat reports whether the file is all on one line, and has something there.
func (d *jsonDocument) flat() bool {
	return len(d.root.Value.(*hujson.Object).Members) > 0 && !bytes.Contains(bytes.TrimSpace(d.src), []byte("\n"))
}

// unit returns the indentation of one level of the file.
func (d *jsonDocument) unit() string {
	for _, m := range d.root.Value.(*hujson.Object).Members {
		before := d.src[:m.Name.StartOffset]
		indent := before[bytes.LastIndexByte(before, '\n')+1:]
		if len(indent) > 0 && len(indent) <= 8 && len(bytes.Trim(indent, " \t")) == 0 {
			return string(indent)
		}
	}
	return "  "
}

func (d *jsonDocument) space() string {
	if d.flat() {
		return ""
	}
	return " "
}

// layout writes a value as the file would.
func (d *jsonDocument) layout(value []byte, indent string) string {
	if d.flat() {
		return string(value)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, value, indent, d.unit()); err != nil {
		return string(value) // the check of the edit says what is wrong
	}
	return strings.ReplaceAll(out.String(), "\n", newline(d.src))
}

// lineIndent returns the white space that the line of an offset begins with.
func lineIndent(src []byte, offset int) string {
	line := src[bytes.LastIndexByte(src[:offset], '\n')+1 : offset]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// tooDeep returns the offset at which the nesting passes maxDepth, or -1. The
// library has no bound of its own.
func tooDeep(src []byte) int {
	depth, inString := 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '/' && i+1 < len(src) && src[i+1] == '/':
			i += skip(src[i:], "\n")
		case c == '/' && i+1 < len(src) && src[i+1] == '*':
			i += 1 + skip(src[i+1:], "*/")
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return -1
}

// skip returns the distance to the last byte of the mark that ends a comment.
func skip(src []byte, end string) int {
	if i := bytes.Index(src[1:], []byte(end)); i >= 0 {
		return i + len(end)
	}
	return len(src)
}

// quote returns a string as JSON.
func quote(s string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(out.String(), "\n")
}
