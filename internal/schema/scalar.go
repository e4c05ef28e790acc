package schema

import (
	"bytes"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// A scalar is a value of enum or const. It may be an object or an array.
type scalar struct {
	literal []byte
	kind    typeSet
	text    []byte  // of a string; the canonical form of an object or array
	number  decimal // of a number
}

func newScalar(literal []byte) scalar {
	s := scalar{literal: literal, kind: typeOf(literal[0])}
	switch s.kind {
	case typeString:
		s.text = scan.Text(literal)
	case typeNumber:
		s.number = parseDecimal(literal)
	}
	return s
}

func (s *scalar) equal(o *scalar) bool {
	if s.kind != o.kind {
		return false
	}
	switch s.kind {
	case typeString, typeObject, typeArray:
		return bytes.Equal(s.text, o.text)
	case typeNumber:
		return s.number.compare(o.number) == 0
	}
	return bytes.Equal(s.literal, o.literal)
}

// scalar returns the value at pos in a form that compares fast.
func (w *walker) scalar(pos int, literal []byte) scalar {
	s := newScalar(literal)
	if s.kind&(typeObject|typeArray) != 0 {
		s.text, _ = w.canonical(nil, pos)
	}
	return s
}

// listed checks enum and const.
func (w *walker) listed(n *node, pos, end int) bool {
	literal := w.data[pos:end]
	if n.constant != nil && !w.equals(n.constant, pos, literal) {
		if w.quiet || w.stop != nil {
			return false
		}
		return w.problem(pos, "must be %s, got %s", excerpt(n.constant.literal), excerpt(literal))
	}
	if n.enum == nil || w.inEnum(n, pos, literal) {
		return true
	}
	if w.quiet || w.stop != nil {
		return false
	}
	values := list(len(n.enum), func(i int) string { return excerpt(n.enum[i].literal) })
	return w.problem(pos, "must be one of %s, got %s", values, excerpt(literal))
}

// inEnum reports whether the value at pos is in the enum of n.
func (w *walker) inEnum(n *node, pos int, literal []byte) bool {
	if n.enumForms != nil {
		var buffer [64]byte
		form, _ := w.canonical(buffer[:0], pos)
		return n.enumForms[string(form)]
	}
	v := w.scalar(pos, literal)
	if !w.spend((1 + len(n.enum)) * (equalCost + len(literal)/4)) {
		return false
	}
	for i := range n.enum {
		if n.enum[i].equal(&v) {
			return true
		}
	}
	return false
}

func (w *walker) equals(constant *scalar, pos int, literal []byte) bool {
	v := w.scalar(pos, literal)
	return w.spend(equalCost+len(literal)) && constant.equal(&v)
}
