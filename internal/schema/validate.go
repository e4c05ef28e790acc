package schema

import (
	"errors"
	"unicode/utf8"
)

// Bounds on the validation of one value. The work a schema may cause grows
// with the value, so that a large value is not refused and an explosive schema
// is (basic, "Composition-Keyword Resource Use").
const (
	maxValueDepth = 1000
	baseBudget    = 1 << 20
	byteBudget    = 512
)

var (
	errBudget = errors.New("takes too much work to check against the schema")
	errDepth  = errors.New("is nested too deeply")
	errEnough = errors.New("enough problems are known")
)

// A walker checks one value. Without a report it stops at the first problem.
// With one it goes on, to find more of them.
type walker struct {
	data   []byte
	budget int
	depth  int
	report *report
	stop   error       // sticky: why the walk cannot go on
	scope  []*resource // the walk is in, the outermost first, where some reference is dynamic
}

// validate checks value against root. Most values are valid, so the first walk
// only finds out whether this one is; what is wrong with it takes another.
func validate(root *node, value []byte) error {
	w := newWalker(value)
	if w.accepts(root) {
		return nil
	}
	return explain(root, value)
}

func newWalker(value []byte) walker {
	return walker{data: value, budget: baseBudget + byteBudget*len(value)}
}

// accepts reports whether the whole text is one value that satisfies n.
func (w *walker) accepts(n *node) bool {
	end, ok := w.value(n, skipSpace(w.data, 0))
	if ok && skipSpace(w.data, end) != len(w.data) {
		w.stop = errMalformed
	}
	return ok && w.stop == nil
}

// explain returns the problems of a value that root does not accept.
func explain(root *node, value []byte) error {
	w := newWalker(value)
	w.report = new(report)
	w.accepts(root)
	problems := w.report.problems
	if w.stop != nil && !errors.Is(w.stop, errEnough) {
		problems = append(problems, w.stop.Error())
	}
	return &ValidationError{Problems: problems}
}

// fail ends the walk.
func (w *walker) fail(err error) (end int, ok bool) {
	if w.stop == nil {
		w.stop = err
	}
	return -1, false
}

// problem records what is wrong with the value in hand, and returns false.
// Callers with arguments do not come here without a report: a value may fail
// one alternative and be valid, and boxing the arguments would allocate.
func (w *walker) problem(format string, args ...any) bool {
	if w.report == nil || w.stop != nil {
		return false
	}
	w.report.add(format, args...)
	if len(w.report.problems) == maxProblems {
		w.fail(errEnough)
	}
	return false
}

// value checks the value at pos against n. It returns the end of the value and
// whether the value is accepted. The end is not valid once stop is set, nor for
// a value that is not accepted while there is no report.
func (w *walker) value(n *node, pos int) (end int, ok bool) {
	if w.stop != nil {
		return -1, false
	}
	if pos < 0 || pos >= len(w.data) {
		return w.fail(errMalformed)
	}
	for n.alias {
		n = n.ref
	}
	if n.free {
		return w.skip(pos)
	}
	if !w.spend(1) {
		return -1, false
	}
	if w.depth++; w.depth > maxValueDepth {
		return w.fail(errDepth)
	}
	if n.scope != nil {
		w.scope = append(w.scope, n.scope)
	}
	end, ok = w.own(n, pos)
	if w.stop == nil && (ok || w.report != nil) && n.composed() {
		ok = w.composition(n, pos) && ok
	}
	if ok && w.stop == nil && n.rare != nil {
		ok = w.unevaluated(n, pos)
	}
	if n.scope != nil {
		w.scope = w.scope[:len(w.scope)-1]
	}
	w.depth--
	return end, ok && w.stop == nil
}

// own checks the keywords that do not apply other subschemas to the same value.
func (w *walker) own(n *node, pos int) (end int, ok bool) {
	kind := typeOf(w.data[pos])
	ok = w.typ(n, kind, pos)
	if !ok {
		if w.report == nil {
			return -1, false
		}
		end, _ = w.skip(pos)
		return end, false
	}
	switch {
	case kind == typeObject && n.object != nil:
		end, ok = w.object(n.object, pos)
	case kind == typeArray && n.array != nil:
		end, ok = w.array(n.array, pos)
	default:
		end, ok = w.skip(pos)
		if ok && kind == typeString && n.str != nil {
			ok = w.string(n.str, w.data[pos:end])
		}
		if ok && kind == typeNumber && n.number != nil {
			ok = w.number(n.number, w.data[pos:end])
		}
	}
	if !ok && w.report == nil || w.stop != nil {
		return -1, false
	}
	if n.enum != nil || n.constant != nil {
		ok = w.listed(n, pos, w.data[pos:end]) && ok
	}
	return end, ok
}

// skip steps over a value that nothing is to be checked of.
func (w *walker) skip(pos int) (end int, ok bool) {
	end = skipValue(w.data, pos)
	if end < 0 {
		return w.fail(errMalformed)
	}
	if !w.spend(end - pos) {
		return -1, false
	}
	return end, true
}

// typ checks type, and the schema false.
func (w *walker) typ(n *node, kind typeSet, pos int) bool {
	if n.never {
		return w.problem("is not allowed")
	}
	if n.types == 0 || n.types&kind != 0 || kind == typeNumber && n.types&typeInteger != 0 &&
		parseDecimal(w.data[pos:max(pos, skipAtom(w.data, pos))]).isInteger() {
		return true
	}
	if w.report == nil {
		return false
	}
	return w.problem("must be %s, got %s", n.types, w.excerpt(pos))
}

func (w *walker) excerpt(pos int) string {
	return excerpt(w.data[pos:max(pos, skipValue(w.data, pos))])
}

// scalar prepares the value at pos for comparisons.
func (w *walker) scalar(pos int, literal []byte) scalar {
	s := newScalar(literal)
	if s.kind&(typeObject|typeArray) != 0 {
		s.text, _ = w.canonical(nil, pos)
	}
	return s
}

// listed checks enum and const.
func (w *walker) listed(n *node, pos int, literal []byte) bool {
	v := w.scalar(pos, literal)
	if n.constant != nil && !n.constant.equal(&v) {
		if w.report == nil {
			return false
		}
		return w.problem("must be %s, got %s", excerpt(n.constant.literal), excerpt(literal))
	}
	if n.enum == nil {
		return true
	}
	if !w.spend(len(n.enum)) {
		return false
	}
	for i := range n.enum {
		if n.enum[i].equal(&v) {
			return true
		}
	}
	if w.report == nil {
		return false
	}
	values := list(len(n.enum), func(i int) string { return excerpt(n.enum[i].literal) })
	return w.problem("must be one of %s, got %s", values, excerpt(literal))
}

func (w *walker) number(rules *numberRules, literal []byte) bool {
	d := parseDecimal(literal)
	for i := range rules.bounds {
		b := &rules.bounds[i]
		if b.admits(d) {
			continue
		}
		if w.report == nil {
			return false
		}
		word := "at least"
		switch {
		case b.upper && b.open:
			word = "less than"
		case b.upper:
			word = "at most"
		case b.open:
			word = "greater than"
		}
		return w.problem("must be %s %s, got %s", word, excerpt(b.literal), excerpt(literal))
	}
	if m := rules.multipleOf; m != nil && !m.divides(d) {
		if w.report == nil {
			return false
		}
		return w.problem("must be a multiple of %s, got %s", excerpt(m.literal), excerpt(literal))
	}
	return true
}

func (w *walker) string(rules *stringRules, literal []byte) bool {
	s := text(literal)
	if rules.length != unlimited() {
		// Characters are code points (JSON Schema Validation 2020-12, section 6.3.1).
		if n := utf8.RuneCount(s); !rules.length.admits(n) {
			return w.size(rules.length, n, "character", "characters")
		}
	}
	if rules.pattern == nil || w.match(rules.pattern, s) {
		return true
	}
	if w.report == nil || w.stop != nil {
		return false
	}
	return w.problem("must match the pattern %s, got %s", clip(rules.pattern.expr, maxListed), excerpt(literal))
}

func (w *walker) match(p *pattern, s []byte) bool {
	return w.spend(p.weight*len(s)) && p.match(s)
}

// spend takes cost from the budget and reports whether there was enough of it.
func (w *walker) spend(cost int) bool {
	if w.budget -= cost; w.budget < 0 {
		w.fail(errBudget)
		return false
	}
	return true
}

// size reports a count that is out of its limit.
func (w *walker) size(l limit, n int, one, many string) bool {
	if w.report == nil {
		return false
	}
	word, bound := "at least", l.min
	if n >= l.min {
		word, bound = "at most", l.max
	}
	if bound == 1 {
		many = one
	}
	return w.problem("must have %s %d %s, got %d", word, bound, many, n)
}

func (w *walker) array(rules *arrayRules, pos int) (end int, ok bool) {
	ok = true
	n, matches := 0, 0
	e := elements{data: w.data, pos: pos}
	for ; e.next(); n++ {
		schema := rules.items
		if n < len(rules.prefix) {
			schema = rules.prefix[n]
		}
		start := e.pos
		if !w.element(schema, n, &e) {
			if ok = false; w.report == nil {
				return -1, false
			}
		}
		if rules.contains != nil && w.quietly(rules.contains, start) {
			matches++
		}
	}
	if e.pos < 0 {
		return w.fail(errMalformed)
	}
	if !rules.length.admits(n) {
		ok = w.size(rules.length, n, "item", "items")
	}
	if rules.contains != nil && !rules.matches.admits(matches) {
		ok = w.size(rules.matches, matches, "matching item", "matching items")
	}
	if rules.unique && n > 1 {
		ok = w.unique(pos) && ok
	}
	return e.pos, ok
}

// element checks one element, n may be nil, and steps over it.
func (w *walker) element(n *node, index int, e *elements) (ok bool) {
	w.enter(step{index: index})
	if n == nil {
		e.pos, ok = w.skip(e.pos)
	} else {
		e.pos, ok = w.value(n, e.pos)
	}
	w.leave()
	return ok
}

func (w *walker) enter(s step) {
	if w.report != nil {
		w.report.push(s)
	}
}

func (w *walker) leave() {
	if w.report != nil {
		w.report.pop()
	}
}
