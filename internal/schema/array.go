package schema

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/mcpengine/mcpengine/internal/scan"
)

func (w *walker) array(rules *arrayRules, pos int) (end int, ok bool) {
	ok = true
	n, matches := 0, 0
	e := scan.Elements{Data: w.data, Pos: pos}
	for ; e.Next(); n++ {
		schema := rules.items
		if n < len(rules.prefix) {
			schema = rules.prefix[n]
		}
		start := e.Pos
		good := false
		if schema == nil {
			e.Pos, good = w.skip(start)
		} else {
			e.Pos, good = w.value(schema, start)
		}
		if !good {
			if ok = false; w.quiet || w.stop != nil {
				return -1, false
			}
		}
		if rules.contains != nil && w.matches(rules.contains, start) {
			matches++
		}
	}
	if e.Pos < 0 {
		return w.fail(errMalformed)
	}
	if !rules.length.admits(n) {
		ok = w.size(pos, rules.length, n, "item", "items")
	}
	if rules.contains != nil && !rules.matches.admits(matches) {
		ok = w.size(pos, rules.matches, matches, "matching item", "matching items")
	}
	if rules.unique && n > 1 {
		ok = w.unique(pos) && ok
	}
	return e.Pos, ok
}

// A fingerprint stands for an element: equal elements have equal sums.
type fingerprint struct {
	sum uint64
	pos int
}

// unique checks that no two elements of the array at pos are equal.
func (w *walker) unique(pos int) bool {
	var elems []fingerprint
	var form []byte
	seed := maphash.MakeSeed() // so that nobody can make sums collide
	e := scan.Elements{Data: w.data, Pos: pos}
	for e.Pos >= 0 && e.Next() {
		start := e.Pos
		form, e.Pos = w.canonical(form[:0], start)
		if !w.spend(elementCost) {
			return false
		}
		elems = append(elems, fingerprint{maphash.Bytes(seed, form), start})
	}
	if w.stop != nil {
		return false
	}
	slices.SortFunc(elems, func(a, b fingerprint) int {
		return cmp.Or(cmp.Compare(a.sum, b.sum), a.pos-b.pos)
	})
	repeated := -1
	for i := 1; i < len(elems) && w.stop == nil; i++ {
		if elems[i-1].sum != elems[i].sum || repeated >= 0 && elems[i].pos > repeated {
			continue
		}
		a, _ := w.canonical(nil, elems[i-1].pos)
		b, _ := w.canonical(nil, elems[i].pos)
		if bytes.Equal(a, b) {
			repeated = elems[i].pos
		}
	}
	if w.quiet || w.stop != nil || repeated < 0 {
		return w.stop == nil && repeated < 0
	}
	return w.problem(pos, "must not repeat an item, got %s more than once", w.excerpt(repeated))
}
