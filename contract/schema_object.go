package contract

// properties compares the properties of objects, and which of them are required.
func (s *schemaComparison) properties(at string, old, now map[string]any) {
	before, after := asObject(old["properties"]), asObject(now["properties"])
	wasRequired, isRequired := names(old["required"]), names(now["required"])
	for _, name := range union(before, after) {
		_, had := before[name]
		_, has := after[name]
		here := at + "/properties/" + escape(name)
		required := isRequired[name]
		switch {
		case had && has:
			s.walk(here, before[name], after[name])
		case had:
			s.gone(at, here, name, now)
		case required && !wasRequired[name] && s.direction == input:
			s.add(Breaking, here, "new required %s %q", s.noun(at), name)
		default:
			s.add(Compatible, here, "%s %q added", s.noun(at), name)
		}
	}
	for _, name := range union(isRequired, nil) {
		_, declared := after[name]
		_, had := before[name]
		if !wasRequired[name] && (had || !declared) {
			s.narrowed(at+"/required", "%s %q is required now", s.noun(at), name)
		}
	}
	for _, name := range union(wasRequired, nil) {
		if _, has := after[name]; !isRequired[name] && has {
			s.widened(at+"/required", "%s %q is not required any more", s.noun(at), name)
		}
	}
}

// gone records that a property is not declared any more.
func (s *schemaComparison) gone(at, here, name string, now map[string]any) {
	switch {
	case s.direction == output:
		s.add(Breaking, here, "property %q removed", name)
	case now["additionalProperties"] == false || now["unevaluatedProperties"] == false:
		s.add(Breaking, here, "%s %q removed: calls with it are refused", s.noun(at), name)
	default:
		s.add(Notice, here, "%s %q removed: calls may still have it", s.noun(at), name)
	}
}

// names returns the strings of a list as a set.
func names(list any) map[string]bool {
	items, _ := list.([]any)
	all := make(map[string]bool)
	for _, item := range items {
		all[text(item)] = true
	}
	return all
}

// additional compares the schemas of properties that are not declared.
func (s *schemaComparison) additional(at string, old, now map[string]any) {
	for _, name := range []string{"additionalProperties", "unevaluatedProperties"} {
		before, after := schemaOr(old[name]), schemaOr(now[name])
		if x, y := before != false, after != false; x != y {
			if y {
				s.widened(at+"/"+name, "properties that are not declared are allowed now")
			} else {
				s.narrowed(at+"/"+name, "properties that are not declared are refused now")
			}
			continue
		}
		s.subschema(at+"/"+name, before, after)
	}
}

// schemaOr returns the schema, or the one that allows everything where there is
// none.
func schemaOr(schema any) any {
	if schema == nil {
		return true
	}
	return schema
}

// subschema compares two schemas that may be absent. What is absent allows
// everything.
func (s *schemaComparison) subschema(at string, before, after any) {
	if before, after = schemaOr(before), schemaOr(after); before != true || after != true {
		s.walk(at, before, after)
	}
}
