package schema

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// Bounds on the validation of one value (basic, "Composition-Keyword Resource
// Use").
const (
	maxValueDepth = 1000

	// maxWork is the work that a validation may cost, in units of about a
	// nanosecond, whatever the schema and the value are.
	maxWork = 400_000_000

	// lookEvery is the work between two looks at the context.
	lookEvery = 1_000_000

	// maxVerdicts bounds the verdicts that are remembered.
	maxVerdicts = 1 << 16
)

// The costs of steps, in the units of maxWork. Steps whose cost grows with a
// value also pay for its length.
const (
	nodeCost     = 32  // a value is checked against a subschema
	propertyCost = 32  // a property is looked for
	verdictCost  = 256 // a verdict is remembered
	equalCost    = 24  // a value is compared with a constant
	digitCost    = 16  // a digit is divided
	elementCost  = 192 // an element is compared with all others
	memberCost   = 192 // a member is put in order
)

var (
	errBudget = errors.New("takes too much work to check against the schema")
	errDepth  = errors.New("is nested too deeply")
	errEnough = errors.New("enough problems are known")
)

// A walker checks one value. It goes on after a problem, to find more of them,
// unless it is quiet.
type walker struct {
	data     []byte
	ctx      context.Context
	credit   int // work until the next look at the context
	budget   int // work after that
	depth    int
	quiet    bool // only the verdict counts: the walk returns at the first problem
	problems []problem
	stop     error       // why the walk has ended; never reset
	scope    []*resource // that the walk is in, the outermost first, if some reference is dynamic
	verdicts map[visit]int
}

// A visit is a value, by its position, that meets a subschema.
type visit struct {
	node *node
	pos  int
}

// rejected is the verdict on a value that does not satisfy a subschema. The
// verdict on one that does is the end of the value.
const rejected = -1

// validate checks value against root.
func validate(ctx context.Context, root *node, value []byte) error {
	w := newWalker(ctx, value)
	if w.accepts(root) {
		return nil
	}
	if err := ctx.Err(); err != nil && errors.Is(w.stop, err) {
		return err
	}
	return w.explain()
}

func newWalker(ctx context.Context, value []byte) walker {
	return walker{data: value, ctx: ctx, credit: lookEvery, budget: maxWork - lookEvery}
}

// accepts reports whether the whole text is one value that satisfies n.
func (w *walker) accepts(n *node) bool {
	end, ok := w.value(n, scan.Space(w.data, 0))
	if ok && scan.Space(w.data, end) != len(w.data) {
		w.stop = errMalformed
	}
	return ok && w.stop == nil
}

// fail ends the walk.
func (w *walker) fail(err error) (end int, ok bool) {
	if w.stop == nil {
		w.stop = err
	}
	return -1, false
}

// spend pays for work and reports whether the walk may go on.
func (w *walker) spend(cost int) bool {
	if w.credit -= cost; w.credit >= 0 {
		return true
	}
	return w.refill()
}

// refill takes credit from the budget. It ends the walk when nothing is left,
// or when the context has ended.
func (w *walker) refill() bool {
	if w.stop != nil {
		return false
	}
	if err := w.ctx.Err(); err != nil {
		w.fail(err)
		return false
	}
	if w.budget+w.credit < 0 {
		w.fail(errBudget)
		return false
	}
	w.budget += w.credit
	w.credit = min(lookEvery, w.budget)
	w.budget -= w.credit
	return true
}

// problem records what is wrong with the value at pos, and returns false.
// Callers with arguments do not come here when the walk is quiet: a value may
// fail one alternative and be valid, and boxing the arguments would allocate.
func (w *walker) problem(pos int, format string, args ...any) bool {
	return w.missing(pos, "", format, args...)
}

// missing is problem for a member that the object at pos does not have.
func (w *walker) missing(pos int, name, format string, args ...any) bool {
	if w.quiet || w.stop != nil {
		return false
	}
	w.problems = append(w.problems, problem{pos, name, fmt.Sprintf(format, args...)})
	if len(w.problems) == maxProblems {
		w.fail(errEnough)
	}
	return false
}

// value checks the value at pos against n. It returns the end of the value and
// whether the value is accepted. The end is not valid once stop is set, nor for
// a value that a quiet walk does not accept.
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
	switch {
	case n.free:
		return w.skip(pos)
	case !w.spend(nodeCost):
		return -1, false
	case n.shared:
		return w.remembered(n, pos)
	}
	return w.visit(n, pos)
}

// remembered is visit for a shared subschema. Without earlier verdicts the work
// could double with each level of a value.
func (w *walker) remembered(n *node, pos int) (end int, ok bool) {
	v := visit{n, pos}
	if end, known := w.verdicts[v]; known && (end != rejected || w.quiet) {
		return end, end != rejected
	}
	end, ok = w.visit(n, pos)
	if w.stop != nil || !w.spend(verdictCost) {
		return -1, false
	}
	if w.verdicts == nil {
		w.verdicts = make(map[visit]int)
	} else if len(w.verdicts) == maxVerdicts {
		clear(w.verdicts)
	}
	w.verdicts[v] = end
	if !ok {
		w.verdicts[v] = rejected
	}
	return end, ok
}

func (w *walker) visit(n *node, pos int) (end int, ok bool) {
	if w.depth++; w.depth > maxValueDepth {
		return w.fail(errDepth)
	}
	if n.scope != nil {
		w.scope = append(w.scope, n.scope)
	}
	end, ok = w.own(n, pos)
	if w.stop == nil && (ok || !w.quiet) && n.composed() {
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
		if w.quiet {
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
			ok = w.string(n.str, pos, end)
		}
		if ok && kind == typeNumber && n.number != nil {
			ok = w.number(n.number, pos, end)
		}
	}
	if ok && n.forms != nil {
		ok = w.form(n, kind, pos, end)
	}
	if !ok && w.quiet || w.stop != nil {
		return -1, false
	}
	if n.enum != nil || n.constant != nil {
		ok = w.listed(n, pos, end) && ok
	}
	return end, ok
}

// form checks the forms of n.
func (w *walker) form(n *node, kind typeSet, pos, end int) bool {
	value := w.data[pos:end]
	switch {
	case !w.spend(4 * len(value)):
		return false
	case kind == typeString:
		value = scan.Text(value)
	case kind != typeNumber:
		return true
	}
	for _, f := range n.forms {
		if f.Valid(value) {
			continue
		}
		if w.quiet {
			return false
		}
		return w.problem(pos, "must be %s, got %s", f.Wanted, w.excerpt(pos))
	}
	return true
}

// skip steps over a value without checking it.
func (w *walker) skip(pos int) (end int, ok bool) {
	end = scan.Value(w.data, pos)
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
	switch {
	case n.never:
		return w.problem(pos, "is not allowed")
	case n.types == 0 || n.types&kind != 0:
		return true
	case kind == typeNumber && n.types&typeInteger != 0:
		literal := w.data[pos:max(pos, scan.Atom(w.data, pos))]
		if !w.spend(len(literal)) {
			return false
		}
		if parseDecimal(literal).isInteger() {
			return true
		}
	}
	if w.quiet {
		return false
	}
	return w.problem(pos, "must be %s, got %s", n.types, w.excerpt(pos))
}

func (w *walker) excerpt(pos int) string {
	return excerpt(w.data[pos:max(pos, scan.Value(w.data, pos))])
}

func (w *walker) number(rules *numberRules, pos, end int) bool {
	literal := w.data[pos:end]
	if !w.spend((1 + len(rules.bounds)) * len(literal)) {
		return false
	}
	d := parseDecimal(literal)
	for i := range rules.bounds {
		b := &rules.bounds[i]
		if b.admits(d) {
			continue
		}
		if w.quiet {
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
		return w.problem(pos, "must be %s %s, got %s", word, excerpt(b.literal), excerpt(literal))
	}
	if m := rules.multipleOf; m != nil {
		if !w.spend(m.cost(d)) {
			return false
		}
		if !m.divides(d) {
			if w.quiet {
				return false
			}
			return w.problem(pos, "must be a multiple of %s, got %s", excerpt(m.literal), excerpt(literal))
		}
	}
	return true
}

func (w *walker) string(rules *stringRules, pos, end int) bool {
	literal := w.data[pos:end]
	if !w.spend(4 * len(literal)) {
		return false
	}
	s := scan.Text(literal)
	if rules.length != unlimited() {
		// Characters are code points (JSON Schema Validation 2020-12, section 6.3.1).
		if n := utf8.RuneCount(s); !rules.length.admits(n) {
			return w.size(pos, rules.length, n, "character", "characters")
		}
	}
	if rules.pattern == nil || w.match(rules.pattern, s) {
		return true
	}
	if w.quiet || w.stop != nil {
		return false
	}
	return w.problem(pos, "must match the pattern %s, got %s", clip(rules.pattern.expr, maxListed), excerpt(literal))
}

// size reports a count outside its limit.
func (w *walker) size(pos int, l limit, n int, one, many string) bool {
	if w.quiet {
		return false
	}
	word, bound := "at least", l.min
	if n >= l.min {
		word, bound = "at most", l.max
	}
	if bound == 1 {
		many = one
	}
	return w.problem(pos, "must have %s %d %s, got %d", word, bound, many, n)
}
