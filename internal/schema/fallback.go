package schema

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// maxFallbackProblem bounds what is kept of an error of jsonschema-go, which
// may repeat the whole value.
const maxFallbackProblem = 512

var errNumber = errors.New("has a number that cannot be checked exactly")

// A fallback validates decoded values with jsonschema-go. It differs from the
// walk in one thing: a multipleOf that is not an integer is as inexact as the
// division of floats.
type fallback struct {
	schema *jsonschema.Resolved
}

// newFallback prepares the fallback for the schema that c has compiled.
func newFallback(c *compiler) (*fallback, error) {
	if c.foreign != nil {
		return nil, fmt.Errorf("%w (with %s)", c.foreign, c.slow)
	}
	var s jsonschema.Schema
	if err := s.UnmarshalJSON(c.visible()); err != nil {
		return nil, err
	}
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	if c.draft7 {
		s.Schema = "http://json-schema.org/draft-07/schema#"
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return nil, err
	}
	return &fallback{resolved}, nil
}

// A span is a part of the text.
type span struct{ start, end int }

// hide keeps the present member, whose value is at pos, from the fallback:
// jsonschema-go would read a keyword whatever its case, and fail on numbers
// that no float64 holds even where they mean nothing.
func (c *compiler) hide(pos int) {
	c.hidden = append(c.hidden, span{c.name, skipValue(c.data, pos)})
}

// visible returns the text with another member, that means nothing, in the
// place of each hidden one.
func (c *compiler) visible() []byte {
	var text []byte
	end := 0
	for i, hidden := range c.hidden {
		text = append(text, c.data[end:hidden.start]...)
		text = fmt.Appendf(text, `"x-%d":0`, i)
		end = hidden.end
	}
	return append(text, c.data[end:]...)
}

// noteNumbers keeps numbers from the fallback that a float64, which is how
// jsonschema-go reads a schema, would change.
func (c *compiler) noteNumbers(value []byte) {
	if c.foreign != nil {
		return
	}
	for i := 0; i < len(value); {
		switch b := value[i]; {
		case b == '"':
			i = skipString(value, i)
		case b == '-' || b >= '0' && b <= '9':
			end := skipAtom(value, i)
			if _, exact := parseFloat(value[i:end]); !exact {
				c.foreign = c.errorf("number %s is too long", excerpt(value[i:end]))
			}
			i = end
		default:
			i++
		}
	}
}

// parseFloat reads a number literal. It is exact when no integer has lost a
// digit; that 0.1 is a little off is true of both schema and value.
func parseFloat(literal []byte) (f float64, exact bool) {
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil {
		return 0, false
	}
	d := parseDecimal(literal)
	if !d.isInteger() {
		return f, true
	}
	return f, parseDecimal(strconv.AppendFloat(nil, f, 'f', -1, 64)).compare(d) == 0 || math.Abs(f) < 1<<53
}

func (f *fallback) validate(root *node, value []byte) error {
	w := newWalker(value)
	pos := skipSpace(value, 0)
	w.cost(root, pos)
	if end := skipValue(value, pos); end < 0 || skipSpace(value, end) != len(value) {
		w.fail(errMalformed)
	}
	if w.stop != nil {
		return &ValidationError{Problems: []string{w.stop.Error()}}
	}
	d := decoder{data: value}
	decoded, _, err := d.value(pos)
	if err != nil {
		return &ValidationError{Problems: []string{err.Error()}}
	}
	if err := f.schema.Validate(decoded); err != nil {
		problem := strings.TrimPrefix(err.Error(), "validating root: ")
		return &ValidationError{Problems: []string{clip(problem, maxFallbackProblem)}}
	}
	return nil
}
