package jsonrpc

import (
	"bytes"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a message. The deepest message of the
// specification nests about ten levels.
const maxDepth = 128

// A scanner checks JSON text (RFC 8259, within the limits of RFC 7493: unique
// names, valid UTF-8, no unpaired surrogates) while it walks over it.
type scanner struct {
	data    []byte
	pos     int
	depth   int
	checked bool // names are known to be unique
}

func (s *scanner) errorf(format string, args ...any) error {
	return fmt.Errorf("%s at byte %d", fmt.Sprintf(format, args...), s.pos)
}

func (s *scanner) unexpected(want string) error {
	if s.pos >= len(s.data) {
		return s.errorf("unexpected end of text, want %s", want)
	}
	return s.errorf("unexpected byte %q, want %s", s.data[s.pos], want)
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// end checks that only white space is left.
func (s *scanner) end() error {
	if s.space(); s.pos < len(s.data) {
		return s.errorf("text goes on after the value")
	}
	return nil
}

// value walks over one value, which starts at the current position.
func (s *scanner) value() error {
	if s.pos >= len(s.data) {
		return s.unexpected("a value")
	}
	switch c := s.data[s.pos]; {
	case c == '"':
		_, _, err := s.str()
		return err
	case c == '{':
		return s.object(nil)
	case c == '[':
		return s.array()
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.unexpected("a value")
}

func (s *scanner) literal(word string) error {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		return s.unexpected(word)
	}
	s.pos += len(word)
	return nil
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > maxDepth {
		return s.errorf("nested more than %d levels deep", maxDepth)
	}
	s.pos++
	s.space()
	return nil
}

func (s *scanner) array() error { return s.elements(nil) }

// elements walks over an array and, when visit is not nil, shows it each
// element.
func (s *scanner) elements(visit func([]byte) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.take(']') {
		return nil
	}
	for {
		start := s.pos
		if err := s.value(); err != nil {
			return err
		}
		if visit != nil {
			if err := visit(s.data[start:s.pos]); err != nil {
				return err
			}
		}
		s.space()
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("',' or ']'")
		}
		s.space()
	}
}

// A level is an object whose members are kept, and where in it the next level
// stands. It lets one walk over a message keep what the protocol needs of it.
type level struct {
	keep *Object
	name string // the member that holds the next level, if it is an object
	next *level
}

// object walks over an object and, when l is not nil, keeps its members.
func (s *scanner) object(l *level) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.take('}') {
		return nil
	}
	var names nameSet
	for {
		m, err := s.member(l)
		if err != nil {
			return err
		}
		if !s.checked && !names.add(m.Name) {
			return s.errorf("duplicate name %.64q", m.Name)
		}
		if l != nil {
			*l.keep = append(*l.keep, m)
		}
		s.space()
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("',' or '}'")
		}
		s.space()
	}
}

func (s *scanner) member(l *level) (m Member, err error) {
	if s.pos >= len(s.data) || s.data[s.pos] != '"' {
		return m, s.unexpected("a name")
	}
	raw, escaped, err := s.str()
	if err != nil {
		return m, err
	}
	m.Name = raw[1 : len(raw)-1]
	if escaped {
		m.Name = AppendUnquoted(nil, raw)
	}
	s.space()
	if !s.take(':') {
		return m, s.unexpected("':'")
	}
	s.space()
	start := s.pos
	if l != nil && l.next != nil && string(m.Name) == l.name && start < len(s.data) && s.data[start] == '{' {
		err = s.object(l.next)
	} else {
		err = s.value()
	}
	m.Value = s.data[start:s.pos]
	return m, err
}

func (s *scanner) take(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// str walks over a string and returns its text with the quotation marks.
func (s *scanner) str() (raw []byte, escaped bool, err error) {
	start := s.pos
	s.pos++
	for {
		s.pos += plainPrefix(s.data[s.pos:])
		if s.pos == len(s.data) {
			return nil, false, s.unexpected("'\"'")
		}
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], escaped, nil
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		case c < ' ':
			return nil, false, s.errorf("control character in a string")
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return nil, false, s.errorf("invalid UTF-8")
			}
			s.pos += size
		}
	}
}

// plainPrefix returns how many bytes at the start of text are ASCII characters
// that stand for themselves in a string. Most of a message is such text, so it
// looks at eight bytes at a time: each of the terms has the highest bit set in
// the first byte that is a quotation mark, a backslash, a control character or
// not ASCII. The bits above that one may be wrong.
func plainPrefix[Text ~[]byte | ~string](text Text) (n int) {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; n+8 <= len(text); n += 8 {
		w := load8(text[n : n+8])
		quote, backslash := w^ones*'"', w^ones*'\\'
		if found := ((quote-ones)&^quote | (backslash-ones)&^backslash | (w-ones*' ')&^w | w) & high; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(text) && text[n] >= ' ' && text[n] < utf8.RuneSelf && text[n] != '"' && text[n] != '\\' {
		n++
	}
	return n
}

// load8 returns the first eight bytes of text as a number, the first one lowest. The
// compiler makes one instruction of it.
func load8[Text ~[]byte | ~string](text Text) uint64 {
	_ = text[7]
	return uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
		uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
}

// escape walks over one escape sequence, a surrogate pair counting as one.
func (s *scanner) escape() error {
	if s.pos+1 >= len(s.data) {
		return s.errorf("unfinished escape sequence")
	}
	switch s.data[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return nil
	case 'u':
	default:
		return s.errorf("invalid escape sequence")
	}
	unit, ok := s.hex4(s.pos)
	switch {
	case !ok:
		return s.errorf("invalid escape sequence")
	case unit >= 0xDC00 && unit <= 0xDFFF:
		return s.errorf("unpaired surrogate")
	case unit >= 0xD800 && unit <= 0xDBFF:
		low, ok := s.hex4(s.pos + 6)
		if !ok || low < 0xDC00 || low > 0xDFFF {
			return s.errorf("unpaired surrogate")
		}
		s.pos += 12
	default:
		s.pos += 6
	}
	return nil
}

// hex4 reads the code unit of the \uXXXX that starts at byte i.
func (s *scanner) hex4(i int) (unit rune, ok bool) {
	if i+6 > len(s.data) || s.data[i] != '\\' || s.data[i+1] != 'u' {
		return 0, false
	}
	for _, c := range s.data[i+2 : i+6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

func (s *scanner) number() error {
	s.take('-')
	switch {
	case s.take('0'):
	case !s.digits():
		return s.unexpected("a digit")
	}
	if s.take('.') && !s.digits() {
		return s.unexpected("a digit")
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return s.unexpected("a digit")
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// A nameSet holds the names of one object: a handful in an array, and more in
// a map, so that an object of many names costs no more than its length.
type nameSet struct {
	few  [8][]byte
	n    int
	many map[string]struct{}
}

// add adds name and reports whether it is new.
func (set *nameSet) add(name []byte) bool {
	for _, known := range set.few[:set.n] {
		if bytes.Equal(known, name) {
			return false
		}
	}
	if set.n < len(set.few) {
		set.few[set.n] = name
		set.n++
		return true
	}
	if set.many == nil {
		set.many = make(map[string]struct{})
	}
	if _, ok := set.many[string(name)]; ok {
		return false
	}
	set.many[string(name)] = struct{}{}
	return true
}
