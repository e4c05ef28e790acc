package schema

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/scan"
)

// Bounds on what an error repeats of a value or a schema.
const (
	maxProblems = 8
	maxExcerpt  = 64
	maxListed   = 256
)

// errMalformed ends the walk over a value that is not JSON, which the caller has
// promised it to be.
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

// A problem is a fault of the value at pos, or the absence of its member with
// the given name.
type problem struct {
	pos  int
	name string
	text string
}

// explain returns the problems with their places.
func (w *walker) explain() *ValidationError {
	e := new(ValidationError)
	for _, p := range w.problems {
		place := Place(w.data, p.pos)
		if p.name != "" {
			place = JoinPlace(place, p.name)
		}
		if place != "" {
			place += ": "
		}
		e.Problems = append(e.Problems, place+p.text)
	}
	if w.stop != nil && !errors.Is(w.stop, errEnough) {
		e.Problems = append(e.Problems, w.stop.Error())
	}
	return e
}

// Place returns the path of the part of a value that begins at pos, such as
// "trip.stops[2].city". The path of the whole value is empty.
func Place(value []byte, pos int) string {
	var place string
	for at := scan.Space(value, 0); at < pos && len(place) <= maxListed; {
		var step string
		switch value[at] {
		case '{':
			m := scan.Members{Data: value, Pos: at}
			name := m.Next()
			for end := scan.Value(value, m.Pos); name != nil && end >= 0 && end <= pos; end = scan.Value(value, m.Pos) {
				m.Pos = end
				name = m.Next()
			}
			if name == nil {
				return clip(place, maxListed)
			}
			step, at = joinPlace(place, name), m.Pos
		case '[':
			e := scan.Elements{Data: value, Pos: at}
			index, more := 0, e.Next()
			for end := scan.Value(value, e.Pos); more && end >= 0 && end <= pos; end = scan.Value(value, e.Pos) {
				e.Pos = end
				more = e.Next()
				index++
			}
			if !more {
				return clip(place, maxListed)
			}
			step, at = fmt.Sprintf("%s[%d]", place, index), e.Pos
		default:
			return clip(place, maxListed)
		}
		place = step
	}
	return clip(place, maxListed)
}

// JoinPlace returns the path of a member of the value at the path place.
func JoinPlace(place, name string) string { return clip(joinPlace(place, quote(name)), maxListed) }

func joinPlace(place string, name []byte) string {
	if place != "" {
		place += "."
	}
	return place + nameOf(name)
}

// nameOf returns a name literal, without its quotes where the path is clear
// without them.
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

// list joins the results of text for 0 ≤ i < n, up to maxListed bytes.
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

// quote returns s, which is valid UTF-8, as a string literal.
func quote(s string) []byte { return jsonrpc.AppendString(nil, s) }
