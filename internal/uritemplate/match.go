package uritemplate

import "strings"

// Match reports whether uri is an expansion of the template and returns the
// values of the variables in the order of [Template.Names].
//
// A variable matches one or more characters, but not the ones that separate: a
// "/", "?" or "#", and in a query "&" or "#". Whether a URI matches depends on
// its folded text alone, see [Fold]. Where several splits are possible, as for
// {a}-{b} and x-y-z, each variable in turn takes as little as it can, here x and
// y-z. A reserved character that is percent-encoded is part of a value rather
// than of the literal text, if the URI matches that way, so that Match undoes
// Expand unless a value holds the literal after it and that literal has no
// reserved character.
//
// Values are decoded: %2F becomes "/", and "..", NUL and line ends come
// through as well. Code that uses a value as a path, a query or a header has to
// check it first.
//
// Match takes time linear in the length of uri, and refuses a uri that is longer
// than 8 KiB or not well formed.
func (t *Template) Match(uri string) (values []string, ok bool) {
	if len(uri) > maxLength || !IsWellFormed(uri) {
		return nil, false
	}
	canonical, folded := Canonical(uri), Fold(uri)
	if canonical == folded {
		return t.match(t.folded, folded)
	}
	found, ok := t.match(t.folded, folded)
	if !ok {
		return nil, false
	}
	if exact, ok := t.match(t.literals, canonical); ok {
		return exact, true
	}
	return found, true
}

// MatchFolded is [Template.Match] for the folded text of a URI that is well
// formed, and without the values.
func (t *Template) MatchFolded(folded string) bool {
	_, ok := t.match(t.folded, folded)
	return ok
}

func (t *Template) match(literals []string, uri string) (values []string, ok bool) {
	last := len(t.names) - 1
	if last < 0 {
		return nil, uri == literals[0]
	}
	rest, ok := strings.CutPrefix(uri, literals[0])
	if !ok {
		return nil, false
	}
	rest, ok = strings.CutSuffix(rest, literals[last+1])
	if !ok {
		return nil, false
	}
	values = make([]string, len(t.names))
	for i, literal := range literals[1 : last+1] {
		// The first place is the right one, and there is no need to come back
		// for another: what fits behind a later place fits behind this one, as
		// long as the skipped text can be part of a variable. If it cannot, the
		// later place is out of reach anyway.
		end := indexLiteral(rest, literal)
		if end < 0 {
			return nil, false
		}
		if values[i], ok = unescapeValue(rest[:end], t.query[i]); !ok {
			return nil, false
		}
		rest = rest[end+len(literal):]
	}
	if values[last], ok = unescapeValue(rest, t.query[last]); !ok {
		return nil, false
	}
	return values, true
}

// indexLiteral returns where literal first stands in s behind a variable of at
// least one byte, or -1.
func indexLiteral(s, literal string) int {
	for from := 1; from < len(s); {
		i := strings.Index(s[from:], literal)
		if i < 0 {
			return -1
		}
		i += from
		// The digits of %41 belong to the variable, not to a literal 41 or 1.
		inTriplet := s[i-1] == '%' || i > 1 && s[i-2] == '%'
		if !inTriplet {
			return i
		}
		from = i + 1
	}
	return -1
}
