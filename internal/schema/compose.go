package schema

// composition checks the keywords that apply other subschemas to the same
// value, which is at pos.
func (w *walker) composition(n *node, pos int) bool {
	ok := true
	if n.ref != nil {
		_, ok = w.value(n.ref, pos)
	}
	if n.rare != nil {
		ok = w.rareComposition(n.rare, pos) && ok
	}
	for _, part := range n.all {
		if !ok && w.quiet {
			return false
		}
		_, good := w.value(part, pos)
		ok = ok && good
	}
	if !ok && w.quiet {
		return false
	}
	if n.any != nil {
		ok = w.anyOf(n.any, pos) && ok
	}
	if n.one != nil {
		ok = w.oneOf(n.one, pos) && ok
	}
	if n.not != nil && w.matches(n.not, pos) {
		if w.quiet {
			return false
		}
		ok = w.problem(pos, "is a value that is not allowed, got %s", w.excerpt(pos))
	}
	if n.cond != nil {
		ok = w.conditional(n, pos) && ok
	}
	return ok
}

// rareComposition checks the rare rules that apply to the same value, but for
// unevaluatedItems and unevaluatedProperties, which come last.
func (w *walker) rareComposition(rules *rareRules, pos int) bool {
	ok := true
	if w.data[pos] == '{' {
		ok = w.dependents(rules.dependents, pos)
	}
	if rules.dynamic != nil {
		_, good := w.value(w.dynamicTarget(rules.dynamic), pos)
		ok = ok && good
	}
	return ok
}

func (w *walker) conditional(n *node, pos int) bool {
	branch := n.otherwise
	if w.matches(n.cond, pos) {
		branch = n.then
	}
	if branch == nil {
		return true
	}
	_, ok := w.value(branch, pos)
	return ok
}

// matches reports whether the value at pos satisfies n, without a problem if it
// does not. Callers must not rely on the answer once stop is set.
func (w *walker) matches(n *node, pos int) bool {
	quiet := w.quiet
	w.quiet = true
	_, ok := w.value(n, pos)
	w.quiet = quiet
	return ok
}

func (w *walker) anyOf(alternatives []*node, pos int) bool {
	for _, n := range alternatives {
		if w.matches(n, pos) {
			return true
		}
	}
	return w.noMatch(alternatives, pos)
}

func (w *walker) oneOf(alternatives []*node, pos int) bool {
	count := 0
	for _, n := range alternatives {
		if w.matches(n, pos) {
			count++
		}
		if count > 1 {
			if w.quiet {
				return false
			}
			return w.problem(pos, "must match exactly one of %d alternatives, but matches several: got %s",
				len(alternatives), w.excerpt(pos))
		}
	}
	return count == 1 || w.noMatch(alternatives, pos)
}

// noMatch reports a value that satisfies none of the alternatives. When the
// value's type fits only one of them, it reports the problems of that one.
func (w *walker) noMatch(alternatives []*node, pos int) bool {
	if w.quiet || w.stop != nil {
		return false
	}
	kind := typeOf(w.data[pos])
	if kind == typeNumber {
		kind |= typeInteger
	}
	var types typeSet
	var likely []*node
	for _, n := range alternatives {
		t := n.accepted()
		types |= t
		if t&kind != 0 {
			likely = append(likely, n)
		}
	}
	switch {
	case len(likely) == 0 && types != 0:
		return w.problem(pos, "must be %s, got %s", types, w.excerpt(pos))
	case len(likely) == 1:
		w.value(likely[0], pos)
		return false
	}
	return w.problem(pos, "must match one of %d alternatives, got %s", len(alternatives), w.excerpt(pos))
}

// accepted returns the types that n may accept, as far as the keyword type says.
// The loop ends because compile refuses circles of references.
func (n *node) accepted() typeSet {
	for n.types == 0 && n.ref != nil {
		n = n.ref
	}
	switch {
	case n.never:
		return 0
	case n.types == 0:
		return ^typeSet(0)
	}
	return n.types
}
