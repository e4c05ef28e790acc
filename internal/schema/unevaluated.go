package schema

import (
	"slices"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// rareRules are rules that few schemas have.
type rareRules struct {
	dependents     []dependent
	dynamic        *dynamicRef
	items, members *node // unevaluatedItems and unevaluatedProperties
}

// A dependent is a demand on objects that have the named member.
type dependent struct {
	name     string
	required []string
	schema   *node // nil for none
}

// A dynamicRef is a $dynamicRef. Where its static target is a $dynamicAnchor,
// the outermost resource that validation came through and that has an anchor
// of the name decides (JSON Schema Core 2020-12, section 8.2.3.2).
type dynamicRef struct {
	static *node
	name   string // "" when there is nothing dynamic about it
}

// rareRules returns the rare rules of n, to be set.
func (n *node) rareRules() *rareRules {
	if n.rare == nil {
		n.rare = new(rareRules)
	}
	return n.rare
}

// has reports whether the object at pos has a member of the given name.
func (w *walker) has(pos int, name string) bool {
	m := scan.Members{Data: w.data, Pos: pos}
	for key := m.Next(); key != nil && w.stop == nil; key = m.Next() {
		if string(scan.Text(key)) == name {
			return true
		}
		m.Pos, _ = w.skip(m.Pos)
		w.spend(propertyCost + len(key))
	}
	return false
}

func (w *walker) dynamicTarget(d *dynamicRef) *node {
	if d.name != "" {
		for _, r := range w.scope {
			if n := r.dynamic[d.name]; n != nil {
				return n
			}
		}
	}
	return d.static
}

// dependents checks the members that are required, and the subschemas that
// apply, because another member is there.
func (w *walker) dependents(list []dependent, pos int) bool {
	ok := true
	for _, d := range list {
		if !w.has(pos, d.name) {
			continue
		}
		for _, name := range d.required {
			if w.has(pos, name) {
				continue
			}
			if ok = false; w.quiet || w.stop != nil {
				return false
			}
			w.missing(pos, name, "required next to %s, and missing", clip(d.name, maxExcerpt))
		}
		if d.schema != nil {
			_, good := w.value(d.schema, pos)
			ok = ok && good
		}
	}
	return ok
}

// unevaluated checks the members or elements that no other keyword of n has
// evaluated, in a value that satisfies all of them (JSON Schema Core 2020-12, section 11).
func (w *walker) unevaluated(n *node, pos int) (ok bool) {
	ok = true
	switch rest := n.rare; {
	case w.data[pos] == '{' && rest.members != nil:
		applied := w.applied(nil, n, pos)
		m := scan.Members{Data: w.data, Pos: pos}
		for name := m.Next(); name != nil && w.stop == nil; name = m.Next() {
			start := m.Pos
			m.Pos, _ = w.skip(start)
			ok = w.rest(rest.members, start, w.isEvaluated(n, applied, name, 0, start)) && ok
		}
	case w.data[pos] == '[' && rest.items != nil:
		applied := w.applied(nil, n, pos)
		e := scan.Elements{Data: w.data, Pos: pos}
		for i := 0; w.stop == nil && e.Next(); i++ {
			start := e.Pos
			e.Pos, _ = w.skip(start)
			ok = w.rest(rest.items, start, w.isEvaluated(n, applied, nil, i, start)) && ok
		}
	}
	return ok && w.stop == nil
}

func (w *walker) rest(n *node, pos int, evaluated bool) bool {
	if evaluated {
		return true
	}
	if n.never {
		return w.problem(pos, "is not allowed here")
	}
	_, ok := w.value(n, pos)
	return ok
}

// applied appends the subschemas that n applies to the value at pos and that
// accept it, n first.
func (w *walker) applied(list []*node, n *node, pos int) []*node {
	if !w.spend(nodeCost+len(list)) || slices.Contains(list, n) {
		return list
	}
	if n.scope != nil {
		w.scope = append(w.scope, n.scope)
		defer func() { w.scope = w.scope[:len(w.scope)-1] }()
	}
	list = append(list, n)
	add := func(parts ...*node) {
		for _, part := range parts {
			if part != nil && w.matches(part, pos) {
				list = w.applied(list, part, pos)
			}
		}
	}
	add(n.ref)
	add(n.all...)
	add(n.any...)
	add(n.one...)
	if n.cond != nil {
		if w.matches(n.cond, pos) {
			add(n.cond, n.then)
		} else {
			add(n.otherwise)
		}
	}
	if n.rare == nil {
		return list
	}
	if n.rare.dynamic != nil {
		add(w.dynamicTarget(n.rare.dynamic))
	}
	for _, d := range n.rare.dependents {
		if w.data[pos] == '{' && w.has(pos, d.name) {
			add(d.schema)
		}
	}
	return list
}

// isEvaluated reports whether one of the applied subschemas evaluates a member,
// or the element with the index when name is nil.
func (w *walker) isEvaluated(n *node, applied []*node, name []byte, index, pos int) bool {
	if !w.spend(len(applied) * (propertyCost + len(name))) {
		return false
	}
	return slices.ContainsFunc(applied, func(part *node) bool {
		if name == nil {
			return part.array != nil && w.evaluatesElement(part.array, index, pos) ||
				part != n && part.rare != nil && part.rare.items != nil
		}
		return part.object != nil && w.evaluatesMember(part.object, scan.Text(name)) ||
			part != n && part.rare != nil && part.rare.members != nil
	})
}

func (w *walker) evaluatesElement(rules *arrayRules, index, pos int) bool {
	return rules.items != nil || index < len(rules.prefix) ||
		rules.contains != nil && w.matches(rules.contains, pos)
}

func (w *walker) evaluatesMember(rules *objectRules, name []byte) bool {
	if i := rules.find(name); rules.additional != nil || i >= 0 && rules.properties[i].schema != nil {
		return true
	}
	return slices.ContainsFunc(rules.patterns, func(p patternRule) bool { return w.match(p.pattern, name) })
}
