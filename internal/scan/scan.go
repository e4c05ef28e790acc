// Package scan steps through JSON text without decoding it.
//
// Its functions take an offset and return the offset after the part that they
// have read, or -1 when the text ends early. Callers promise well-formed JSON.
// For other text the functions return -1 or an offset, and never panic.
package scan

import (
	"bytes"
	"iter"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// Space skips the white space at i.
func Space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// str reads the string whose opening quote is at i.
func str(b []byte, i int) int {
	i++
	n := bytes.IndexByte(b[i:], '"')
	if n < 0 {
		return -1
	}
	escape := bytes.IndexByte(b[i:i+n], '\\')
	if escape < 0 {
		return i + n + 1
	}
	for i += escape; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// Atom reads the number, true, false or null at i.
func Atom(b []byte, i int) int {
	start := i
	for i < len(b) && (b[i] >= '0' && b[i] <= '9' || b[i] >= 'a' && b[i] <= 'z' ||
		b[i] == '-' || b[i] == '+' || b[i] == '.' || b[i] == 'E') {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// Value reads the value at i without recursion, whatever its depth.
func Value(b []byte, i int) int {
	depth := 0
	for i >= 0 && i < len(b) {
		switch b[i] {
		case '"':
			i = str(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ' ', '\n', '\r', '\t', ',', ':':
			i++
			if depth > 0 {
				continue
			}
			return -1
		default:
			i = Atom(b, i)
		}
		if depth <= 0 {
			return i
		}
	}
	return -1
}

// Members iterates over the members of an object. Between calls of Next the
// caller moves Pos past the value.
type Members struct {
	Data  []byte
	Pos   int // the object; after Next the value of the member; at the end the end of the object, or -1
	Name  int // where the name of the current member starts
	begun bool
}

// Next returns the next name as it is written, quotes included, or nil at the
// end of the object.
func (m *Members) Next() []byte {
	i, more := separator(m.Data, m.Pos, m.begun, '}')
	m.begun = true
	if !more {
		m.Pos = i
		return nil
	}
	if m.Data[i] != '"' {
		m.Pos = -1
		return nil
	}
	m.Name = i
	end := str(m.Data, i)
	if end < 0 {
		m.Pos = -1
		return nil
	}
	i = Space(m.Data, end)
	if i >= len(m.Data) || m.Data[i] != ':' {
		m.Pos = -1
		return nil
	}
	m.Pos = Space(m.Data, i+1)
	return m.Data[m.Name:end]
}

// Elements iterates over the elements of an array. Between calls of Next the
// caller moves Pos past the value.
type Elements struct {
	Data  []byte
	Pos   int // the array; after Next the element; at the end the end of the array, or -1
	begun bool
}

// Next reports whether there is another element.
func (e *Elements) Next() bool {
	i, more := separator(e.Data, e.Pos, e.begun, ']')
	e.begun = true
	e.Pos = i
	return more
}

// separator steps over the opening bracket of an object or an array, or over
// the comma between two entries. It returns the start of the next entry or, when
// there is no more, the end of the whole or -1.
func separator(b []byte, i int, begun bool, closing byte) (at int, more bool) {
	if i < 0 {
		return -1, false
	}
	if !begun {
		i++
	}
	i = Space(b, i)
	if i < len(b) && b[i] == closing {
		return i + 1, false
	}
	if begun {
		if i >= len(b) || b[i] != ',' {
			return -1, false
		}
		i = Space(b, i+1)
	}
	if i >= len(b) {
		return -1, false
	}
	return i, true
}

// Text returns the characters of a string literal. They are a part of the
// literal unless it has escapes.
func Text(literal []byte) []byte {
	if len(literal) < 2 {
		return nil
	}
	plain := literal[1 : len(literal)-1]
	if bytes.IndexByte(plain, '\\') < 0 {
		return plain
	}
	// Well-formed JSON has no bad escape. Text before a bad one is returned.
	return jsonrpc.AppendUnquoted(nil, literal)
}

// Object returns the members of an object: their names as text, and their values.
// There are none in another value.
func Object(value []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		m := Members{Data: value, Pos: Space(value, 0)}
		if m.Pos >= len(value) || value[m.Pos] != '{' {
			return
		}
		for name := m.Next(); name != nil; name = m.Next() {
			start := m.Pos
			m.Pos = Value(value, start)
			if m.Pos < 0 || !yield(Text(name), value[start:m.Pos]) {
				return
			}
		}
	}
}

// At returns the value at a path of members, and nil when there is none.
func At(value []byte, path []string) []byte {
	pos := Space(value, 0)
	for _, name := range path {
		if pos >= len(value) || value[pos] != '{' {
			return nil
		}
		m := Members{Data: value, Pos: pos}
		literal := m.Next()
		for literal != nil && string(Text(literal)) != name {
			m.Pos = Value(value, m.Pos)
			literal = m.Next()
		}
		if literal == nil {
			return nil
		}
		pos = m.Pos
	}
	end := Value(value, pos)
	if end < 0 {
		return nil
	}
	return value[pos:end]
}
