package schema

import (
	"fmt"
	"regexp/syntax"
	"unicode/utf8"
)

// Bounds on the regular expressions of a schema, in instructions of the
// programs that they compile to. [a-z]{1,500} has a thousand.
const (
	maxPattern  = 2_000
	maxPatterns = 100_000 // of all patterns together
)

// A pattern is a compiled regular expression.
//
// It is not a [regexp.Regexp] because the work of a match must be counted and
// must end with the request. Package regexp takes up to half a microsecond for
// each byte and ten instructions, and cannot be stopped.
type pattern struct {
	expr     string
	program  *syntax.Prog
	anchored bool // begins with ^
}

// CheckPattern reports what is wrong with a regular expression.
func CheckPattern(expr string) error {
	_, err := compilePattern(expr)
	return err
}

// pattern compiles a regular expression.
func (c *compiler) pattern(expr []byte) (*pattern, error) {
	p, err := compilePattern(string(expr))
	if err != nil {
		return nil, c.errorf("%w", err)
	}
	if c.instructions += len(p.program.Inst); c.instructions > maxPatterns {
		return nil, c.errorf("the patterns of the schema are too large together")
	}
	return p, nil
}

// compilePattern compiles a regular expression in the syntax of package regexp,
// which has no look-around and no back references: they would make the cost of a
// match exponential.
func compilePattern(expr string) (*pattern, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	if n := len(program.Inst); n > maxPattern {
		return nil, fmt.Errorf("the pattern %s compiles to %d instructions, more than %d: use smaller repetitions, or minLength and maxLength",
			clip(expr, maxExcerpt), n, maxPattern)
	}
	return &pattern{expr, program, program.StartCond()&syntax.EmptyBeginText != 0}, nil
}

// smallProgram is the number of instructions of a program that is matched
// without an allocation.
const smallProgram = 48

// Costs of a match, see spend.
const (
	runeCost        = 8
	instructionCost = 8
)

// match reports whether p matches somewhere in s. It follows all alternatives
// side by side, one character after the other, so that a match takes at most
// the length of s times the size of the program. It pays for each step.
func (w *walker) match(p *pattern, s []byte) bool {
	var small [3 * smallProgram]uint32 // most programs need no allocation
	m := matcher{insts: p.program.Inst, pending: small[:0:smallProgram], states: small[smallProgram : smallProgram : 2*smallProgram], seen: small[2*smallProgram:]}
	if len(m.insts) > smallProgram {
		m.seen = make([]uint32, len(m.insts))
	}
	before, begun := rune(-1), false
	for {
		r, size := rune(-1), 0
		if len(s) > 0 {
			r, size = rune(s[0]), 1
			if r >= utf8.RuneSelf {
				r, size = utf8.DecodeRune(s)
			}
		}
		if !begun || !p.anchored {
			m.pending = append(m.pending, uint32(p.program.Start))
		}
		begun = true
		var matched bool
		if m, matched = m.follow(syntax.EmptyOpContext(before, r)); matched {
			return true
		}
		if size == 0 || len(m.states) == 0 && p.anchored {
			return false
		}
		if !w.spend(runeCost + instructionCost*m.steps) {
			return false
		}
		m = m.step(r)
		before, s = r, s[size:]
	}
}

// A matcher holds the alternatives of a match that is under way. Its methods
// return the matcher after the step, which keeps it on the stack.
type matcher struct {
	insts   []syntax.Inst
	pending []uint32 // instructions to go on from
	states  []uint32 // instructions that wait for a character
	seen    []uint32 // by instruction, the round in which it was last met
	round   uint32
	steps   int // of the present round
}

// follow goes from the pending instructions to those that wait for a character
// and reports whether it meets the end of the program.
func (m matcher) follow(met syntax.EmptyOp) (after matcher, matched bool) {
	m.round++
	m.steps = 0
	m.states = m.states[:0]
	for len(m.pending) > 0 {
		last := len(m.pending) - 1
		pc := m.pending[last]
		m.pending = m.pending[:last]
		if m.seen[pc] == m.round {
			continue
		}
		m.seen[pc] = m.round
		m.steps++
		switch inst := &m.insts[pc]; inst.Op {
		case syntax.InstMatch:
			return m, true
		case syntax.InstAlt, syntax.InstAltMatch:
			m.pending = append(m.pending, inst.Out, inst.Arg)
		case syntax.InstCapture, syntax.InstNop:
			m.pending = append(m.pending, inst.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^met == 0 {
				m.pending = append(m.pending, inst.Out)
			}
		case syntax.InstFail:
		default:
			m.states = append(m.states, pc)
		}
	}
	return m, false
}

// step takes the character r.
func (m matcher) step(r rune) matcher {
	for _, pc := range m.states {
		inst := &m.insts[pc]
		taken := false
		switch inst.Op {
		case syntax.InstRuneAny:
			taken = true
		case syntax.InstRuneAnyNotNL:
			taken = r != '\n'
		case syntax.InstRune1:
			taken = r == inst.Rune[0]
		default:
			taken = inst.MatchRune(r)
		}
		if taken {
			m.pending = append(m.pending, inst.Out)
		}
	}
	return m
}
