package uritemplate

import "strings"

// Overlap reports whether a URI matches both templates.
func Overlap(a, b *Template) bool {
	p, q := a.tokens(), b.tokens()
	// reached[j] says that some text matches the tokens of p so far and the first
	// j tokens of q.
	reached := make([]bool, len(q)+1)
	reached[0] = true
	skipRepeated(reached, q)
	for _, token := range p {
		reached = token.after(reached, q)
		skipRepeated(reached, q)
	}
	return reached[len(q)]
}

// skipRepeated lets repeated tokens of q match nothing.
func skipRepeated(reached []bool, q []token) {
	for j := range q {
		if reached[j] && q[j].repeated {
			reached[j+1] = true
		}
	}
}

// after returns where in q a text may end when t comes next.
func (t token) after(reached []bool, q []token) []bool {
	next := make([]bool, len(reached))
	if t.repeated {
		copy(next, reached)
	}
	for j := range q {
		if !t.meets(q[j]) || !reached[j] && !(t.repeated && next[j]) {
			continue
		}
		next[j+1] = true
		if q[j].repeated {
			next[j] = true
		}
	}
	return next
}

// A token matches a character of a folded URI, or any number of them.
type token struct {
	character byte // 0 for each that a variable may have
	repeated  bool
	query     bool
}

func (t *Template) tokens() (tokens []token) {
	for i, literal := range t.folded {
		for _, c := range []byte(literal) {
			tokens = append(tokens, token{character: c})
		}
		if i < len(t.names) { // one character or more
			tokens = append(tokens, token{query: t.query[i]}, token{query: t.query[i], repeated: true})
		}
	}
	return tokens
}

// meets reports whether a character matches both tokens.
func (t token) meets(other token) bool {
	switch {
	case t.character != 0 && other.character != 0:
		return t.character == other.character
	case t.character != 0:
		return other.takes(t.character)
	case other.character != 0:
		return t.takes(other.character)
	}
	return true
}

// takes reports whether a variable may have the character.
func (t token) takes(c byte) bool {
	if t.query {
		return !strings.ContainsRune("&#", rune(c))
	}
	return !strings.ContainsRune("/?#", rune(c))
}
