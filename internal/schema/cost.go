package schema

// cost spends the budget for everything jsonschema-go could do with the value
// at pos. It cannot be stopped once it is at work.
func (w *walker) cost(n *node, pos int) {
	w.spend(1 + len(n.enum))
	w.depth++
	if w.depth > maxValueDepth {
		w.fail(errDepth)
	}
	if pos < 0 || pos >= len(w.data) {
		w.fail(errMalformed)
	}
	if w.stop != nil {
		return
	}
	n.inPlace(func(part *node) { w.cost(part, pos) })
	switch w.data[pos] {
	case '{':
		w.costMembers(n, pos)
	case '[':
		w.costElements(n, pos)
	default:
		end, _ := w.skip(pos)
		if n.str != nil && n.str.pattern != nil {
			w.spend(n.str.pattern.weight * (end - pos))
		}
	}
	w.depth--
}

func (w *walker) costMembers(n *node, pos int) {
	m := members{data: w.data, pos: pos}
	for name := m.next(); name != nil && w.stop == nil; name = m.next() {
		n.forMember(text(name), func(part *node) { w.cost(part, m.pos) })
		if o := n.object; o != nil && o.names != nil {
			w.cost(o.names, m.name)
		}
		m.pos, _ = w.skip(m.pos)
	}
}

func (w *walker) costElements(n *node, pos int) {
	e := elements{data: w.data, pos: pos}
	for i := 0; e.next() && w.stop == nil; i++ {
		if a := n.array; a != nil && i < len(a.prefix) {
			w.cost(a.prefix[i], e.pos)
		} else if a != nil && a.items != nil {
			w.cost(a.items, e.pos)
		}
		if n.slow != nil {
			for _, part := range n.slow.items {
				w.cost(part, e.pos)
			}
		}
		e.pos, _ = w.skip(e.pos)
	}
}

// inPlace calls f with every subschema that n applies to the same value.
func (n *node) inPlace(f func(*node)) {
	for _, one := range [...]*node{n.ref, n.not, n.cond, n.then, n.elze} {
		if one != nil {
			f(one)
		}
	}
	groups := [...][]*node{n.all, n.any, n.one, nil}
	if n.slow != nil {
		groups[3] = n.slow.inPlace
	}
	for _, group := range groups {
		for _, part := range group {
			f(part)
		}
	}
}

// forMember calls f with every subschema that n applies to a member.
func (n *node) forMember(name []byte, f func(*node)) {
	if o := n.object; o != nil {
		matched := false
		if i := o.find(name); i >= 0 && o.properties[i].schema != nil {
			matched = true
			f(o.properties[i].schema)
		}
		for i := range o.patterns {
			if o.patterns[i].pattern.regexp.Match(name) {
				matched = true
				f(o.patterns[i].schema)
			}
		}
		if o.additional != nil && !matched {
			f(o.additional)
		}
	}
	if n.slow != nil {
		for _, part := range n.slow.members {
			f(part)
		}
	}
}
