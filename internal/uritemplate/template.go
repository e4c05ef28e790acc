// Package uritemplate implements level 1 of RFC 6570, URI Template: plain
// {name} expressions, which is what MCP resource templates are made of. It
// expands templates, and matches URIs against them.
package uritemplate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxLength = 8 << 10 // of a template and of a URI, in bytes
	maxNames  = 32
)

var errURITooLong = fmt.Errorf("expand uri template: the uri is longer than %d bytes", maxLength)

// Template is a parsed URI template. It is immutable and safe for concurrent
// use.
type Template struct {
	source string
	names  []string

	// literals holds the text before, between and after the variables as it
	// stands in a canonical URI, and folded the same as in a folded one. There is
	// one more literal than there are names, and only the first and the last may
	// be empty.
	literals, folded []string

	query []bool // whether a variable is in the query or the fragment
}

// Parse parses a level 1 template. It refuses operators, variable lists and
// modifiers, which are levels 2 to 4, and what no URI can be matched against
// in only one way: a repeated name, and variables with nothing between them.
// A template without variables is valid and matches itself.
func Parse(s string) (*Template, error) {
	t, err := parse(s)
	if err != nil {
		return nil, fmt.Errorf("parse uri template: %w", err)
	}
	return t, nil
}

// String returns the template as it was given to [Parse].
func (t *Template) String() string { return t.source }

// Folded returns the template as folded text with all variables alike. Templates
// with the same folded text match the same URIs.
func (t *Template) Folded() string { return strings.Join(t.folded, "{}") }

// Compare orders templates: a template comes before every other one that matches
// all its URIs and more. Templates of which neither does are ordered as well, by
// the length of their literal text first.
func Compare(a, b *Template) int {
	return cmp.Or(
		cmp.Compare(b.literalLength(), a.literalLength()),
		cmp.Compare(len(a.names), len(b.names)),
		cmp.Compare(a.Folded(), b.Folded()),
	)
}

func (t *Template) literalLength() (n int) {
	for _, literal := range t.folded {
		n += len(literal)
	}
	return n
}

// Names returns the names of the variables in the order of the template.
func (t *Template) Names() []string { return slices.Clone(t.names) }

// Expand replaces each variable by its value, percent-encoding every byte of
// it that is not an unreserved character (RFC 6570, section 3.2.2). An empty
// value expands to nothing, and the result then does not match the template.
// Values without a variable are ignored. A variable without a value is an
// error, where the RFC would leave it out, and so are a value that is not UTF-8
// and a URI longer than 8 KiB.
func (t *Template) Expand(values map[string]string) (string, error) {
	var b strings.Builder
	b.WriteString(t.literals[0])
	for i, name := range t.names {
		value, ok := values[name]
		if !ok {
			return "", fmt.Errorf("expand uri template: variable %q has no value", name)
		}
		if !utf8.ValidString(value) {
			return "", fmt.Errorf("expand uri template: the value of %q is not UTF-8", name)
		}
		if b.Len()+len(value) > maxLength {
			return "", errURITooLong
		}
		escape(&b, value)
		b.WriteString(t.literals[i+1])
	}
	if b.Len() > maxLength {
		return "", errURITooLong
	}
	return b.String(), nil
}
