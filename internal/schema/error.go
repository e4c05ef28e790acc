package schema

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds on what an error repeats of a value or a schema.
const (
	maxProblems = 8
	maxExcerpt  = 64
	maxListed   = 256
)

// errMalformed is how a value ends that is not JSON, against the promise of
// the caller.
var errMalformed = errors.New("malformed JSON")

// A ValidationError says why a value does not satisfy a schema. It is written
// for the model that has to correct the value.
type ValidationError struct {
	// Problems are at most eight sentences such as
	// "days: must be at most 7, got 12", in the order of the value.
	Problems []string
}

// Error joins the problems.
func (e *ValidationError) Error() string { return strings.Join(e.Problems, "; ") }

// A report collects problems and knows where in the value the walk is.
type report struct {
	path     []step
	problems []string
}

// A step is the name of a member, as a literal, or the index of an element.
type step struct {
	name  []byte
	index int
}

func (r *report) push(s step) { r.path = append(r.path, s) }

func (r *report) pop() { r.path = r.path[:len(r.path)-1] }

func (r *report) add(format string, args ...any) {
	problem := fmt.Sprintf(format, args...)
	if place := r.place(); place != "" {
		problem = place + ": " + problem
	}
	r.problems = append(r.problems, problem)
}

// place renders the path as in "trip.stops[2].city".
func (r *report) place() string {
	var b strings.Builder
	for _, s := range r.path {
		if s.name == nil {
			fmt.Fprintf(&b, "[%d]", s.index)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(nameOf(s.name))
	}
	return clip(b.String(), maxListed)
}

// nameOf returns a name literal without its quotes where they are not needed.
func nameOf(literal []byte) string {
	plain := literal[1 : len(literal)-1]
	for _, c := range plain {
		if c <= ' ' || strings.IndexByte(`".:;,\[]`, c) >= 0 {
			return excerpt(literal)
		}
	}
	if len(plain) == 0 {
		return `""`
	}
	return excerpt(plain)
}

// excerpt returns the beginning of a piece of JSON, on one line.
func excerpt(value []byte) string {
	s := clip(string(value[:min(len(value), maxExcerpt+utf8.UTFMax)]), maxExcerpt)
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}

// clip shortens s to at most n bytes, and an ellipsis.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// list joins the results of text for 0 ≤ i < n, as far as there is room.
func list(n int, text func(i int) string) string {
	var b strings.Builder
	for i := range n {
		if b.Len() > maxListed {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text(i))
	}
	return b.String()
}
