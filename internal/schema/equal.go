package schema

import (
	"bytes"
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

// canonicalObject appends the members in order, each behind a comma. Most objects are
// small, and many are in order as they are.
func (w *walker) canonicalObject(dst []byte, pos int) (form []byte, end int) {
	var room [16]int
	ends, sorted := room[:0], true
	dst = append(dst, '{')
	start := len(dst)
	last, at := start, start // the form of the member before, and of this one
	m := scan.Members{Data: w.data, Pos: pos}
	for name := m.Next(); name != nil; name = m.Next() {
		dst = appendText(dst, scan.Text(name))
		dst, m.Pos = w.canonical(dst, m.Pos)
		if !w.spend(memberCost + 4*(len(dst)-at)) {
			return dst, -1
		}
		sorted = sorted && (at == start || bytes.Compare(dst[last:at-1], dst[at:]) <= 0)
		dst = append(dst, ',')
		last, at = at, len(dst)
		ends = append(ends, at)
	}
	if !sorted {
		sortForms(dst[start:], start, ends)
	}
	return append(dst, '}'), m.Pos
}

// sortForms sorts the forms of members, of which each ends with a comma at one of the
// ends, counted from base.
func sortForms(forms []byte, base int, ends []int) {
	list, from := make([]string, len(ends)), 0
	for i, end := range ends {
		list[i] = string(forms[from : end-base-1])
		from = end - base
	}
	slices.Sort(list)
	forms = forms[:0]
	for _, form := range list {
		forms = append(append(forms, form...), ',')
	}
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
func Canonical(value []byte) []byte { return AppendCanonical(nil, value) }

// AppendCanonical appends what [Canonical] returns.
func AppendCanonical(dst, value []byte) []byte {
	w := newWalker(context.Background(), value)
	form, _ := w.canonical(dst, scan.Space(value, 0))
	if w.stop != nil {
		return append(dst, value...)
	}
	return form
}
