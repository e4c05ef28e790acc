package schema

import "github.com/mcpengine/mcpengine/internal/scan"

// A bitset is a set of small integers.
type bitset []uint64

func (s bitset) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s bitset) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// smallSet is the number of words of a bitset that needs no allocation.
const smallSet = 4

func (w *walker) object(rules *objectRules, pos int) (end int, ok bool) {
	var small [smallSet]uint64
	present := bitset(small[:])
	if len(rules.properties) > 64*smallSet {
		present = make(bitset, len(rules.properties)/64+1)
	}
	if !w.spend(len(rules.properties) / 16) {
		return -1, false
	}
	ok = true
	n, required := 0, 0 // members, and the required ones among them
	m := scan.Members{Data: w.data, Pos: pos}
	for name := m.Next(); name != nil; name = m.Next() {
		n++
		good := w.member(rules, present, &required, name, &m)
		if !good {
			if ok = false; w.quiet || w.stop != nil {
				return -1, false
			}
		}
	}
	if m.Pos < 0 {
		return w.fail(errMalformed)
	}
	if !rules.size.admits(n) {
		ok = w.size(pos, rules.size, n, "property", "properties")
	}
	return m.Pos, (required == rules.required || w.requires(rules, present, pos)) && ok
}

// member checks one member of an object and steps over it.
func (w *walker) member(rules *objectRules, present bitset, required *int, name []byte, m *scan.Members) bool {
	start := m.Pos
	if !w.spend(propertyCost + len(name)) {
		return false
	}
	key := scan.Text(name)
	end, ok := 0, true // an end of 0: the value has not been read yet
	if i := rules.find(key); i >= 0 {
		if rules.properties[i].required && !present.has(i) {
			*required++
		}
		present.add(i)
		if n := rules.properties[i].schema; n != nil {
			end, ok = w.value(n, start)
		}
	}
	for i := range rules.patterns {
		p := &rules.patterns[i]
		if !w.match(p.pattern, key) {
			continue
		}
		var good bool
		end, good = w.value(p.schema, start)
		ok = ok && good
	}
	switch {
	case end != 0:
	case rules.additional == nil:
		end, ok = w.skip(start)
	case rules.additional.never:
		end, ok = w.unknown(rules, start)
	default:
		end, ok = w.value(rules.additional, start)
	}
	if rules.names != nil && !w.matches(rules.names, m.Name) {
		ok = w.problem(start, "is not an allowed property name")
	}
	m.Pos = end
	return ok
}

// unknown reports a member that additionalProperties refuses.
func (w *walker) unknown(rules *objectRules, pos int) (end int, ok bool) {
	if w.quiet {
		return -1, false
	}
	if len(rules.properties) == 0 {
		w.problem(pos, "unknown property; there must be none")
	} else {
		known := list(len(rules.properties), func(i int) string { return rules.properties[i].name })
		w.problem(pos, "unknown property; known are %s", clip(known, maxListed))
	}
	end, _ = w.skip(pos)
	return end, false
}

// requires reports the properties that the object at pos lacks.
func (w *walker) requires(rules *objectRules, present bitset, pos int) bool {
	for i := range rules.properties {
		if w.quiet || w.stop != nil {
			break
		}
		if p := &rules.properties[i]; p.required && !present.has(i) {
			w.missing(pos, p.name, "required property is missing")
		}
	}
	return false
}
