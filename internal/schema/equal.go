package schema

import (
	"context"
	"slices"
	"strconv"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// canonical appends the value at pos in a form that two values share exactly
// when they are equal (JSON Schema Core 2020-12, section 4.2.2): numbers by
// their digits, members in the order of their names, and strings after their
// length, so that no string can imitate the end of itself. It returns the end of
// the value, or -1 once stop is set.
func (w *walker) canonical(dst []byte, pos int) (form []byte, end int) {
	if w.depth++; w.depth > maxValueDepth {
		w.fail(errDepth)
	}
	defer func() { w.depth-- }()
	if pos < 0 || pos >= len(w.data) {
		w.fail(errMalformed)
	}
	if w.stop != nil {
		return dst, -1
	}
	switch w.data[pos] {
	case '{':
		return w.canonicalObject(dst, pos)
	case '[':
		dst = append(dst, '[')
		e := scan.Elements{Data: w.data, Pos: pos}
		for e.Pos >= 0 && e.Next() {
			dst, e.Pos = w.canonical(dst, e.Pos)
			dst = append(dst, ',')
		}
		return append(dst, ']'), e.Pos
	}
	end, ok := w.skip(pos)
	if !ok || !w.spend(nodeCost+4*(end-pos)) {
		return dst, -1
	}
	switch typeOf(w.data[pos]) {
	case typeString:
		return appendText(dst, scan.Text(w.data[pos:end])), end
	case typeNumber:
		return parseDecimal(w.data[pos:end]).append(dst), end
	}
	return append(dst, w.data[pos:end]...), end
}

func (w *walker) canonicalObject(dst []byte, pos int) (form []byte, end int) {
	var forms []string
	m := scan.Members{Data: w.data, Pos: pos}
	for name := m.Next(); name != nil; name = m.Next() {
		form := appendText(nil, scan.Text(name))
		form, m.Pos = w.canonical(form, m.Pos)
		forms = append(forms, string(form))
		if !w.spend(memberCost + 4*len(form)) {
			return dst, -1
		}
	}
	slices.Sort(forms)
	dst = append(dst, '{')
	for _, form := range forms {
		dst = append(append(dst, form...), ',')
	}
	return append(dst, '}'), m.Pos
}

func appendText(dst, s []byte) []byte {
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, int64(len(s)), 10)
	return append(append(dst, ':'), s...)
}

// append appends the sign, the digits and the exponent of d.
func (d decimal) append(dst []byte) []byte {
	if d.neg {
		dst = append(dst, '-')
	}
	dst = append(append(dst, d.hi...), d.lo...)
	return strconv.AppendInt(append(dst, 'e'), d.exp, 10)
}

// Canonical returns a form that value shares with every equal value, whatever
// its spelling and the order of its members, and with no other value. It returns
// value itself when value is not JSON, or too large or too deep to compare.
func Canonical(value []byte) []byte {
	w := newWalker(context.Background(), value)
	form, _ := w.canonical(nil, scan.Space(value, 0))
	if w.stop != nil {
		return value
	}
	return form
}
