package schema

// A bitset is a set of small integers.
type bitset []uint64

func (s bitset) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s bitset) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// smallSet is how many words a bitset may have without an allocation.
const smallSet = 4

func (w *walker) object(rules *objectRules, pos int) (end int, ok bool) {
	var small [smallSet]uint64
	present := bitset(small[:])
	if len(rules.properties) > 64*smallSet {
		present = make(bitset, len(rules.properties)/64+1)
	}
	if !w.spend(len(rules.properties) / 8) {
		return -1, false
	}
	ok = true
	n := 0
	m := members{data: w.data, pos: pos}
	for name := m.next(); name != nil; name = m.next() {
		n++
		w.enter(step{name: name})
		good := w.member(rules, present, name, &m)
		w.leave()
		if !good {
			if ok = false; w.report == nil || w.stop != nil {
				return -1, false
			}
		}
	}
	if m.pos < 0 {
		return w.fail(errMalformed)
	}
	if !rules.size.admits(n) {
		ok = w.size(rules.size, n, "property", "properties")
	}
	return m.pos, w.required(rules, present) && ok
}

// member checks one member of an object and steps over it.
func (w *walker) member(rules *objectRules, present bitset, name []byte, m *members) bool {
	start := m.pos
	key := text(name)
	end, ok := 0, true // an end of 0 says that nothing has read the value yet
	if i := rules.find(key); i >= 0 {
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
	if rules.names != nil && !w.quietly(rules.names, m.name) {
		ok = w.problem("is not an allowed property name")
	}
	m.pos = end
	return ok
}

// unknown reports a member that the schema does not allow for.
func (w *walker) unknown(rules *objectRules, pos int) (end int, ok bool) {
	if w.report == nil {
		return -1, false
	}
	if len(rules.properties) == 0 {
		w.problem("unknown property; there must be none")
	} else {
		known := list(len(rules.properties), func(i int) string { return rules.properties[i].name })
		w.problem("unknown property; known are %s", clip(known, maxListed))
	}
	end, _ = w.skip(pos)
	return end, false
}

// required reports the properties that are not there but must be.
func (w *walker) required(rules *objectRules, present bitset) bool {
	if rules.required == 0 {
		return true
	}
	ok := true
	for i := range rules.properties {
		p := &rules.properties[i]
		if !p.required || present.has(i) {
			continue
		}
		if ok = false; w.report == nil || w.stop != nil {
			break
		}
		w.enter(step{name: quote(p.name)})
		w.problem("required property is missing")
		w.leave()
	}
	return ok
}
