package schema

import (
	"bytes"
	"errors"
	"math/bits"
)

// A decimal is the exact number that JSON wrote: a float64 holds neither
// 9007199254740993 nor 1e400. Its value is 0.HL × 10^exp, where H and L are the
// significant digits before and after the decimal point: H has no leading
// zero, and the two together no trailing zero. Zero has no digits.
type decimal struct {
	neg    bool
	hi, lo []byte
	exp    int64
}

// maxExponent bounds exponents. No permitted text has enough digits to make a
// larger one matter.
const maxExponent = 1 << 40

// parseDecimal reads a number literal.
func parseDecimal(literal []byte) decimal {
	var d decimal
	if len(literal) > 0 && literal[0] == '-' {
		d.neg = true
		literal = literal[1:]
	}
	if i := bytes.IndexAny(literal, "eE"); i >= 0 {
		d.exp = parseExponent(literal[i+1:])
		literal = literal[:i]
	}
	d.hi, d.lo, _ = bytes.Cut(literal, []byte{'.'})
	d.exp += int64(len(d.hi))
	for len(d.hi) > 0 && d.hi[0] == '0' {
		d.hi = d.hi[1:]
		d.exp--
	}
	if len(d.hi) == 0 {
		for len(d.lo) > 0 && d.lo[0] == '0' {
			d.lo = d.lo[1:]
			d.exp--
		}
	}
	d.lo = bytes.TrimRight(d.lo, "0")
	if len(d.lo) == 0 {
		d.hi = bytes.TrimRight(d.hi, "0")
	}
	if d.len() == 0 {
		return decimal{}
	}
	return d
}

func parseExponent(text []byte) int64 {
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	var n int64
	for _, c := range text {
		n = min(n*10+int64(c-'0'), maxExponent)
	}
	if negative {
		return -n
	}
	return n
}

// len returns the number of significant digits.
func (d decimal) len() int { return len(d.hi) + len(d.lo) }

// digit returns the significant digit with index i, counted from the left.
func (d decimal) digit(i int) byte {
	if i < len(d.hi) {
		return d.hi[i]
	}
	return d.lo[i-len(d.hi)]
}

func (d decimal) isZero() bool { return d.len() == 0 }

// isInteger reports whether the number has no fraction: 1.0 and 1e2 have none
// (JSON Schema Core 2020-12, section 4.2.3).
func (d decimal) isInteger() bool { return d.isZero() || d.exp >= int64(d.len()) }

// compare returns -1, 0 or +1 as d is less than, equal to or greater than e.
func (d decimal) compare(e decimal) int {
	switch {
	case d.neg && !e.neg:
		return -1
	case e.neg && !d.neg:
		return +1
	case d.neg:
		return e.compareMagnitude(d)
	}
	return d.compareMagnitude(e)
}

func (d decimal) compareMagnitude(e decimal) int {
	switch {
	case d.isZero() && e.isZero():
		return 0
	case d.isZero():
		return -1
	case e.isZero():
		return +1
	case d.exp != e.exp:
		if d.exp < e.exp {
			return -1
		}
		return +1
	}
	for i := range min(d.len(), e.len()) {
		if a, b := d.digit(i), e.digit(i); a != b {
			return 2*bit(a > b) - 1
		}
	}
	// Neither ends in a zero, so the longer number is greater.
	return bit(d.len() > e.len()) - bit(d.len() < e.len())
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A divisor is the value of multipleOf: digits × 10^exp, without a trailing
// zero in digits.
type divisor struct {
	literal []byte
	digits  uint64
	exp     int64
}

// maxDivisorDigits is the number of digits that leaves room for one more in a
// uint64.
const maxDivisorDigits = 18

func newDivisor(literal []byte) (*divisor, error) {
	d := parseDecimal(literal)
	if d.neg || d.isZero() {
		return nil, errors.New("must be greater than 0")
	}
	if d.len() > maxDivisorDigits {
		return nil, errors.New("must have at most 18 significant digits")
	}
	m := &divisor{literal: literal, exp: d.exp - int64(d.len())}
	for i := range d.len() {
		m.digits = m.digits*10 + uint64(d.digit(i)-'0')
	}
	return m, nil
}

// cost returns the work of divides for d.
func (m *divisor) cost(d decimal) int {
	return digitCost * (d.len() + 4*bits.Len64(uint64(max(d.exp, 0))))
}

// divides reports whether d is an integral multiple of m. Unlike a division
// of floats it knows that 0.3 is a multiple of 0.1.
func (m *divisor) divides(d decimal) bool {
	if d.isZero() {
		return true
	}
	shift := d.exp - int64(d.len()) - m.exp
	if shift < 0 {
		return false // m ends in zeros that d does not have
	}
	var rest uint64
	for i := range d.len() {
		rest = (rest*10 + uint64(d.digit(i)-'0')) % m.digits
	}
	for power := uint64(10) % m.digits; shift > 0 && rest != 0; shift /= 2 {
		if shift%2 == 1 {
			rest = mulMod(rest, power, m.digits)
		}
		power = mulMod(power, power, m.digits)
	}
	return rest == 0
}

// mulMod returns x×y mod m, for x and y less than m.
func mulMod(x, y, m uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return bits.Rem64(hi, lo, m)
}
