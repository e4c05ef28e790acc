package jsonrpc

import (
	"bytes"
	"unicode/utf8"
)

// RepairText returns data with U+FFFD in the place of bytes that are not UTF-8
// and of escaped surrogates that are not a pair, and whether there were any.
// What else is wrong with data stays as it is.
func RepairText(data []byte) (repaired []byte, changed bool) {
	s := scanner{data: data}
	var out []byte
	kept := 0 // how much of data out has
	replace := func(size int, with string) {
		out = append(append(out, data[kept:s.pos]...), with...)
		s.pos += size
		kept = s.pos
	}
	for s.pos < len(data) {
		switch c := data[s.pos]; {
		case c == '\\':
			if size := s.loneSurrogate(); size > 0 {
				replace(size, `\ufffd`)
			} else {
				s.pos++
				if s.pos < len(data) && data[s.pos] < utf8.RuneSelf {
					s.pos++ // what is escaped, which may be another backslash
				}
			}
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRune(data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				replace(1, "\uFFFD")
				continue
			}
			s.pos += size
		}
	}
	if out == nil {
		return data, false
	}
	return bytes.Join([][]byte{out, data[kept:]}, nil), true
}

// loneSurrogate returns the length of the escape at s.pos if it is one of a
// surrogate without its other half, and 0 otherwise. It skips a pair.
func (s *scanner) loneSurrogate() int {
	const size = len(`\uXXXX`)
	unit, ok := s.hex4(s.pos)
	if !ok || unit < 0xD800 || unit > 0xDFFF {
		return 0
	}
	if low, ok := s.hex4(s.pos + size); unit <= 0xDBFF && ok && low >= 0xDC00 && low <= 0xDFFF {
		s.pos += 2*size - 2 // the caller skips two more
		return 0
	}
	return size
}
