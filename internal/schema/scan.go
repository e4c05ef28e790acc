package schema

import (
	"bytes"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// The functions of this file step through JSON text. They take an offset and
// return the offset behind what they read, or -1 when the text ends early.
// Callers promise well-formed JSON; a broken promise ends in -1, never in a
// panic.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipString reads the string whose opening quote is at i.
func skipString(b []byte, i int) int {
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

// skipAtom reads the number, true, false or null at i.
func skipAtom(b []byte, i int) int {
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

// skipValue reads the value at i without recursion, whatever its depth.
func skipValue(b []byte, i int) int {
	depth := 0
	for i >= 0 && i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
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
			i = skipAtom(b, i)
		}
		if depth <= 0 {
			return i
		}
	}
	return -1
}

// members iterates over the members of an object. Between calls of next the
// caller moves pos past the value.
type members struct {
	data  []byte
	pos   int // at first the object; then the value of the current member; at last the end of the object, or -1
	name  int // where the name of the current member starts
	begun bool
}

// next returns the next name as it is written, quotes included, or nil at the
// end of the object.
func (m *members) next() []byte {
	i, more := separator(m.data, m.pos, m.begun, '}')
	m.begun = true
	if !more {
		m.pos = i
		return nil
	}
	if m.data[i] != '"' {
		m.pos = -1
		return nil
	}
	m.name = i
	end := skipString(m.data, i)
	if end < 0 {
		m.pos = -1
		return nil
	}
	i = skipSpace(m.data, end)
	if i >= len(m.data) || m.data[i] != ':' {
		m.pos = -1
		return nil
	}
	m.pos = skipSpace(m.data, i+1)
	return m.data[m.name:end]
}

// elements iterates over the elements of an array. Between calls of next the
// caller moves pos past the value.
type elements struct {
	data  []byte
	pos   int // at first the array; then the current element; at last the end of the array, or -1
	begun bool
}

// next reports whether there is another element.
func (e *elements) next() bool {
	i, more := separator(e.data, e.pos, e.begun, ']')
	e.begun = true
	e.pos = i
	return more
}

// separator steps over what is between two entries of an object or an array:
// the opening bracket at first, then the comma. It returns the start of the
// next entry; or, when there is no more, the end of the whole or -1.
func separator(b []byte, i int, begun bool, closing byte) (at int, more bool) {
	if i < 0 {
		return -1, false
	}
	if !begun {
		i++
	}
	i = skipSpace(b, i)
	if i < len(b) && b[i] == closing {
		return i + 1, false
	}
	if begun {
		if i >= len(b) || b[i] != ',' {
			return -1, false
		}
		i = skipSpace(b, i+1)
	}
	if i >= len(b) {
		return -1, false
	}
	return i, true
}

// text returns the characters of a string literal. They are a part of the
// literal unless it has escapes.
func text(literal []byte) []byte {
	if len(literal) < 2 {
		return nil
	}
	plain := literal[1 : len(literal)-1]
	if bytes.IndexByte(plain, '\\') < 0 {
		return plain
	}
	// Well-formed JSON has no bad escape; of a bad one the part before it counts.
	return jsonrpc.AppendUnquoted(nil, literal)
}

// quote returns s, which is valid UTF-8, as a string literal.
func quote(s string) []byte { return jsonrpc.AppendString(nil, s) }
