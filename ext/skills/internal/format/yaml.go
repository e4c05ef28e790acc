package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep values may be nested.
const maxDepth = 32

// maxName bounds the names of members, as YAML does (YAML 1.2.2, 7.4).
const maxName = 1024

// A Fault is a mistake in a text, with its line.
type Fault struct {
	Line int // counted from 1
	Text string
}

func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.Text) }

// A line is a line of YAML without its break.
type line struct {
	indent int    // columns before the text
	text   string // empty for a line of blanks
	raw    string // the whole line, for block scalars
	number int
}

// isBlank reports whether the line holds no content: nothing, or a comment.
func (l line) isBlank() bool { return l.text == "" || l.text[0] == '#' }

// A reader reads the part of YAML 1.2 that the frontmatter of skills uses:
// mappings and sequences, in blocks and in brackets, and scalars in all five
// styles. Anchors, aliases, tags, directives, explicit keys and merge keys are
// refused, and so is whatever two parsers may understand differently. Scalars
// are resolved by the core schema.
//
// Its methods stop at the first mistake by a panic with a *Fault, which
// readYAML recovers.
type reader struct {
	lines []line
	at    int // the current line
}

// readYAML returns the mapping that the text consists of as a JSON object, with
// the members in the order of the text. First is the number of the text's first
// line. An error is a *Fault.
func readYAML(text string, first int) (object json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			fault, ok := p.(*Fault)
			if !ok {
				panic(p)
			}
			object, err = nil, fault
		}
	}()
	r := &reader{lines: splitLines(text, first)}
	r.skipBlank()
	if r.done() {
		return nil, &Fault{first, "the frontmatter is empty"}
	}
	if l := r.line(); isSequence(l.text) || !r.startsMapping(l.text) {
		if strings.ContainsAny(l.text[:1], "%?&*!") {
			r.checkPlain(l.text)
		}
		r.failf("the frontmatter must consist of lines such as \"name: value\"")
	}
	object = r.mapping(r.line().indent, 0)
	if r.skipBlank(); !r.done() {
		r.failf("the line is indented less than the first line of the frontmatter")
	}
	return object, nil
}

func splitLines(text string, first int) []line {
	var lines []line
	for number := first; text != ""; number++ {
		raw, rest, _ := strings.Cut(text, "\n")
		raw, text = strings.TrimSuffix(raw, "\r"), rest
		checkCharacters(raw, number)
		content := strings.TrimLeft(raw, " ")
		l := line{indent: len(raw) - len(content), text: content, raw: raw, number: number}
		if strings.Trim(content, " \t") == "" {
			l.text = ""
		}
		lines = append(lines, l)
	}
	return lines
}

// checkCharacters refuses what YAML does not allow, and the line breaks that
// YAML 1.1 knows and YAML 1.2 does not.
func checkCharacters(s string, number int) {
	if !utf8.ValidString(s) {
		panic(&Fault{number, "the text is not UTF-8"})
	}
	for _, c := range s {
		switch {
		case c == '\u0085', c == '\u2028', c == '\u2029':
			panic(&Fault{number, fmt.Sprintf("the character %U is a line break for some parsers: write it as an escape in double quotes", c)})
		case c < ' ' && c != '\t', c == 0x7f, 0x80 <= c && c < 0xa0, c == 0xfeff, c == 0xfffe, c == 0xffff:
			panic(&Fault{number, fmt.Sprintf("the character %U is not allowed: write it as an escape in double quotes", c)})
		}
	}
}

func (r *reader) done() bool { return r.at >= len(r.lines) }

func (r *reader) line() line { return r.lines[r.at] }

// fail reports a mistake in the current line, or in the last one.
func (r *reader) failf(format string, args ...any) {
	number := 1
	if len(r.lines) > 0 {
		number = r.lines[min(r.at, len(r.lines)-1)].number
	}
	panic(&Fault{number, fmt.Sprintf(format, args...)})
}

// skipBlank goes on to the next line with content.
func (r *reader) skipBlank() {
	for !r.done() && r.line().isBlank() {
		r.checkTab()
		r.at++
	}
	if !r.done() {
		r.checkTab()
	}
}

// checkTab refuses a tab before the text of a line, or in an empty line, where
// some readers do not accept it.
func (r *reader) checkTab() {
	l := r.line()
	if l.indent < len(l.raw) && l.raw[l.indent] == '\t' && (l.text == "" || l.text[0] == '\t') {
		r.failf("a tab cannot indent: use spaces")
	}
}

func isSequence(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

// node reads the value that starts on the current line, which is indented by
// more than parent.
func (r *reader) node(parent, depth int) json.RawMessage {
	if depth > maxDepth {
		r.failf("values are nested deeper than %d", maxDepth)
	}
	l := r.line()
	switch {
	case isSequence(l.text):
		return r.sequence(l.indent, depth)
	case r.startsMapping(l.text):
		return r.mapping(l.indent, depth)
	}
	return r.inline(l.text, parent, depth)
}

// sequence reads the entries at an indentation.
func (r *reader) sequence(indent, depth int) json.RawMessage {
	out := []byte{'['}
	for r.skipBlank(); !r.done() && r.line().indent == indent && isSequence(r.line().text); r.skipBlank() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, r.entry(indent, depth)...)
	}
	r.checkIndent(indent)
	return append(out, ']')
}

// entry reads an entry of a sequence. What comes after the dash is read as if it
// stood on a line of its own.
func (r *reader) entry(indent, depth int) json.RawMessage {
	l := r.line()
	rest := strings.TrimLeft(l.text[1:], " ")
	if strings.HasPrefix(rest, "\t") {
		r.failf("a tab cannot indent: use spaces")
	}
	if isComment(rest) {
		r.at++
		return r.below(indent, indent, depth)
	}
	l.indent += len(l.text) - len(rest)
	l.text = rest
	r.lines[r.at] = l
	return r.node(indent, depth+1)
}

// below reads the value on the lines below, which is null when none is indented
// by more than parent. A sequence may be indented by as little as least.
func (r *reader) below(parent, least, depth int) json.RawMessage {
	r.skipBlank()
	if r.done() {
		return null
	}
	l := r.line()
	if l.indent > parent || l.indent == parent && least < parent && isSequence(l.text) {
		return r.node(parent, depth+1)
	}
	return null
}

var null = json.RawMessage("null")

// mapping reads the members at an indentation.
func (r *reader) mapping(indent, depth int) json.RawMessage {
	out, seen := []byte{'{'}, map[string]bool{}
	for r.skipBlank(); !r.done() && r.line().indent == indent; r.skipBlank() {
		key, rest, ok := r.key(r.line().text)
		if !ok {
			r.failf("the line is not a member such as \"name: value\"")
		}
		if seen[key] {
			r.failf("%.64q is there twice", key)
		}
		seen[key] = true
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, quote(key)...), ':')
		out = append(out, r.member(rest, indent, depth)...)
	}
	r.checkIndent(indent)
	return append(out, '}')
}

// member reads the value of a member, whose text begins behind the colon.
func (r *reader) member(rest string, indent, depth int) json.RawMessage {
	switch {
	case isComment(rest):
		r.at++
		return r.below(indent, indent-1, depth)
	case isSequence(rest):
		r.failf("a list begins on the line below its name")
	}
	return r.inline(rest, indent, depth+1)
}

// checkIndent refuses a line that is indented between two levels.
func (r *reader) checkIndent(indent int) {
	if r.done() || r.line().indent < indent {
		return
	}
	if l := r.line(); l.indent > indent {
		r.failf("the line is indented by %d, where %d is expected", l.indent, indent)
	}
}

// isComment reports whether nothing but a comment is left of a line.
func isComment(rest string) bool {
	rest = strings.TrimLeft(rest, " \t")
	return rest == "" || rest[0] == '#'
}

// startsMapping reports whether a text begins with a key.
func (r *reader) startsMapping(text string) bool {
	_, _, ok := r.key(text)
	return ok
}

// key takes a text apart at the colon behind its key. The rest has no blanks
// before it, unless it is a comment.
func (r *reader) key(text string) (key, rest string, ok bool) {
	switch text[0] {
	case '"', '\'':
		key, rest, ok = r.quotedKey(text)
	case '[', '{', '|', '>':
		return "", "", false
	default:
		key, rest, ok = r.plainKey(text)
	}
	if !ok {
		return "", "", false
	}
	if len(text)-len(rest) > maxName {
		r.failf("the name %.64q is longer than %d bytes", key, maxName)
	}
	if trimmed := strings.TrimLeft(rest, " \t"); !strings.HasPrefix(trimmed, "#") {
		rest = trimmed
	} else if trimmed == rest {
		r.failf("a comment begins behind a space")
	}
	return key, rest, true
}

func (r *reader) quotedKey(text string) (key, rest string, ok bool) {
	end := endOfQuoted(text)
	if end < 0 {
		return "", "", false // a text of several lines, which is not a key
	}
	rest = strings.TrimLeft(text[end:], " \t")
	if !strings.HasPrefix(rest, ":") || len(rest) > 1 && !isBlankByte(rest[1]) {
		return "", "", false
	}
	return r.unquote(text[:end]), rest[1:], true
}

func (r *reader) plainKey(text string) (key, rest string, ok bool) {
	end := plainEnd(text, false)
	if end >= len(text) || text[end] != ':' {
		return "", "", false
	}
	key = strings.TrimRight(text[:end], " \t")
	r.checkPlain(text)
	switch {
	case key == "<<":
		r.failf("the merge key \"<<\" is not supported")
	case !isText(key):
		r.failf("the name %.64q is not text: write it in quotes", key)
	}
	return key, text[end+1:], true
}

func isBlankByte(c byte) bool { return c == ' ' || c == '\t' }

// quote returns a JSON string.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can be encoded
	return bytes.TrimRight(b.Bytes(), "\n")
}
