package schema

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A pattern is a regular expression with an estimate of what it costs to match
// one byte.
type pattern struct {
	expr   string
	match  func([]byte) bool
	weight int
}

// A patternCompiler turns a regular expression into a function that matches
// it. There are two, so that a program that infers all its schemas does not
// link package regexp, which takes 0.2 MiB.
type patternCompiler func(expr string) (match func([]byte) bool, err error)

// anyPattern knows all regular expressions. Go's have no look-around and no
// back references, which is what keeps them linear in the length of the value.
func anyPattern(expr string) (func([]byte) bool, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	return re.Match, nil
}

// The patterns of numbers that are written as strings.
const (
	integerPattern  = `^-?(0|[1-9][0-9]*)$`
	unsignedPattern = `^(0|[1-9][0-9]*)$`
	numberPattern   = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`
)

// numberPatterns knows the patterns that Infer writes.
func numberPatterns(expr string) (func([]byte) bool, error) {
	switch expr {
	case integerPattern:
		return isInteger, nil
	case unsignedPattern:
		return func(s []byte) bool { return isNumber(s) && !bytes.ContainsAny(s, "-.eE") }, nil
	case numberPattern:
		return isNumber, nil
	}
	return nil, fmt.Errorf("the pattern %s is not one that is inferred", clip(expr, maxExcerpt))
}

// isInteger reports whether s is an integer as JSON writes it, with neither
// fraction nor exponent.
func isInteger(s []byte) bool { return isNumber(s) && !bytes.ContainsAny(s, ".eE") }

// isNumber reports whether s is a number as JSON writes it.
func isNumber(s []byte) bool {
	return len(s) > 0 && skipAtom(s, 0) == len(s) && typeOf(s[0]) == typeNumber && jsonrpc.Valid(s) == nil
}

// pattern compiles a regular expression.
func (c *compiler) pattern(expr []byte) (*pattern, error) {
	match, err := c.patterns(string(expr))
	if err != nil {
		return nil, c.errorf("%w", err)
	}
	weight := 16 * (1 + len(expr)/32)
	if bytes.IndexByte(expr, '{') >= 0 {
		weight *= 8 // a{1000} is a program of a thousand steps
	}
	return &pattern{expr: string(expr), match: match, weight: weight}, nil
}
