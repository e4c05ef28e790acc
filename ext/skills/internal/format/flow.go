package format

import (
	"encoding/json"
	"strings"
)

// A flowReader reads a value in brackets, which may go on over several lines.
type flowReader struct {
	*reader
	text   string // what is left of the current line
	parent int
	first  int // the line that the value begins on
}

// flow reads the sequence or mapping in brackets at the start of text.
func (r *reader) flow(text string, parent, depth int) json.RawMessage {
	f := &flowReader{r, text, parent, r.at}
	out := f.value(depth)
	r.endLine(f.text)
	return out
}

// skip goes on to the next character that is not a blank, a line break or part
// of a comment.
func (f *flowReader) skip() {
	for {
		trimmed := strings.TrimLeft(f.text, " \t")
		if trimmed != "" && (trimmed[0] != '#' || trimmed == f.text && f.text != f.line().text) {
			f.text = trimmed
			return
		}
		f.at++
		f.skipEmpty()
		if f.done() {
			f.at = f.first
			f.failf("the brackets are not closed")
		}
		l := f.line()
		closes := l.text[0] == ']' || l.text[0] == '}'
		if l.indent < f.parent || l.indent == f.parent && !closes {
			f.failf("the line stands in brackets and must be indented by more than %d", max(f.parent, 0))
		}
		if l.text[0] == '\t' {
			f.failf("a tab cannot indent: use spaces")
		}
		f.text = l.text
	}
}

// value reads a value in brackets.
func (f *flowReader) value(depth int) json.RawMessage {
	if depth > maxDepth {
		f.failf("values are nested deeper than %d", maxDepth)
	}
	switch f.text[0] {
	case '[':
		return f.items(']', depth, f.item)
	case '{':
		seen := map[string]bool{}
		return f.items('}', depth, func(depth int) json.RawMessage { return f.member(seen, depth) })
	}
	s, isQuoted := f.scalar()
	if isQuoted {
		return quote(s)
	}
	f.at++ // resolve reports the line before
	defer func() { f.at-- }()
	return f.resolve(s)
}

// items reads what stands between brackets, with commas between.
func (f *flowReader) items(end byte, depth int, item func(depth int) json.RawMessage) json.RawMessage {
	out := []byte{f.text[0]}
	f.text = f.text[1:]
	for f.skip(); f.text[0] != end; f.skip() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, item(depth+1)...)
		if f.skip(); f.text[0] == end {
			break
		}
		if f.text[0] != ',' {
			f.failf("%.64q is where a comma or %q is expected", f.text, string(end))
		}
		f.text = f.text[1:]
	}
	f.text = f.text[1:]
	return append(out, end)
}

func (f *flowReader) item(depth int) json.RawMessage {
	v := f.value(depth)
	if f.skip(); f.text[0] == ':' {
		f.failf("a pair in a list must be in braces, as in [{a: b}]")
	}
	return v
}

func (f *flowReader) member(seen map[string]bool, depth int) json.RawMessage {
	if f.text[0] == '[' || f.text[0] == '{' {
		f.failf("a name must be text")
	}
	key, isQuoted := f.scalar()
	switch {
	case !isQuoted && key == "<<":
		f.failf("the merge key \"<<\" is not supported")
	case !isQuoted && !isText(key):
		f.failf("the name %.64q is not text: write it in quotes", key)
	case seen[key]:
		f.failf("%.64q is there twice", key)
	case len(key) > maxName:
		f.failf("the name %.64q is longer than %d bytes", key, maxName)
	}
	seen[key] = true
	if f.skip(); f.text[0] != ':' {
		f.failf("the name %.64q has no value: write \"name: value\"", key)
	}
	f.text = f.text[1:]
	out := append(quote(key), ':')
	if f.skip(); f.text[0] == ',' || f.text[0] == '}' {
		return append(out, null...)
	}
	return append(out, f.value(depth)...)
}

// scalar reads a scalar in brackets.
func (f *flowReader) scalar() (s string, isQuoted bool) {
	if f.text[0] == '"' || f.text[0] == '\'' {
		s, f.text = f.quoted(f.text, f.parent)
		return s, true
	}
	f.checkPlain(f.text)
	if c := f.text[0]; c == ':' || c == '?' || c == '-' && (len(f.text) == 1 || strings.IndexByte(",[]{}", f.text[1]) >= 0) {
		f.failf("a text that begins with %q must be in quotes", string(c))
	}
	end := plainEnd(f.text, true)
	s = strings.TrimRight(f.text[:end], " \t")
	f.text = f.text[end:]
	if f.text != "" && f.text[0] == ':' && len(f.text) > 1 && !isBlankByte(f.text[1]) {
		f.failf("a space is missing behind the colon of %.64q: some readers take the colon for a part of the text", s)
	}
	if strings.Trim(f.text, " \t") == "" {
		f.checkContinued()
	}
	return s, false
}

// checkContinued refuses a scalar without quotes that goes on on the next line.
func (f *flowReader) checkContinued() {
	at, text := f.at, f.text
	if f.skip(); strings.IndexByte(",]}", f.text[0]) < 0 {
		f.failf("a text of several lines in brackets must be in quotes")
	}
	f.at, f.text = at, text
}
