package format

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// inline reads the value that begins with text on the current line. Lines that
// continue it are indented by more than parent.
func (r *reader) inline(text string, parent, depth int) json.RawMessage {
	switch text[0] {
	case '|', '>':
		return quote(r.blockScalar(text, parent))
	case '[', '{':
		return r.flow(text, parent, depth)
	case '"', '\'':
		s, rest := r.quoted(text, parent)
		r.endLine(rest)
		return quote(s)
	}
	return r.plain(text, parent)
}

// endLine goes on to the next line. It refuses anything but a comment in the
// rest of the current one.
func (r *reader) endLine(rest string) {
	switch trimmed := strings.TrimLeft(rest, " \t"); {
	case trimmed == "":
	case trimmed[0] != '#':
		r.failf("%.64q is too much behind the value", trimmed)
	case trimmed == rest:
		r.failf("a comment begins behind a space")
	}
	r.at++
}

// checkPlain refuses a text that cannot begin a scalar without quotes.
func (r *reader) checkPlain(text string) {
	next := byte(' ')
	if len(text) > 1 {
		next = text[1]
	}
	switch c := text[0]; c {
	case '&', '*':
		r.failf("anchors and aliases are not supported: write a text that begins with %q in quotes", string(c))
	case '!':
		r.failf("tags are not supported: write a text that begins with \"!\" in quotes")
	case '%', '@', '`', ',', ']', '}', '|', '>', '#', '[', '{':
		r.failf("a text that begins with %q must be in quotes", string(c))
	case '?':
		if isBlankByte(next) {
			r.failf("\"? \" begins an explicit key, which is not supported")
		}
	case '-', ':':
		if isBlankByte(next) {
			r.failf("a text that begins with %q must be in quotes", text[:1]+" ")
		}
	}
}

// plainEnd returns where a scalar without quotes ends: before a colon with a
// blank behind it, before a comment and, in brackets, before an indicator.
func plainEnd(text string, flow bool) int {
	for i := range len(text) {
		switch c := text[i]; {
		case flow && strings.IndexByte(",[]{}", c) >= 0:
			return i
		case c == ':' && (i+1 == len(text) || isBlankByte(text[i+1]) || flow && strings.IndexByte(",[]{}", text[i+1]) >= 0):
			return i
		case c == '#' && i > 0 && isBlankByte(text[i-1]):
			return i
		}
	}
	return len(text)
}

// plain reads a scalar without quotes. Lines are joined by spaces, and empty
// lines are kept as line breaks.
func (r *reader) plain(text string, parent int) json.RawMessage {
	r.checkPlain(text)
	s, open := r.plainLine(text)
	for lines := 1; open; lines++ {
		breaks := r.skipEmpty()
		if r.done() || r.line().indent <= parent || r.line().text[0] == '#' {
			break
		}
		var more string
		more, open = r.plainLine(r.line().text)
		s += fold(breaks) + more
		if !open {
			break
		}
	}
	return r.resolve(s)
}

// plainLine reads a line of a scalar without quotes, and reports whether the next
// one may continue it.
func (r *reader) plainLine(text string) (s string, open bool) {
	text = strings.TrimLeft(text, " \t")
	end := plainEnd(text, false)
	if end < len(text) && text[end] == ':' {
		r.failf("the text %.64q holds \": \", which begins a value: write the whole text in quotes", text)
	}
	r.at++
	return strings.TrimRight(text[:end], " \t"), end == len(text)
}

// skipEmpty goes on to the next line that is not empty, and counts the empty
// ones.
func (r *reader) skipEmpty() (breaks int) {
	for !r.done() && r.line().text == "" {
		r.checkTab()
		r.at++
		breaks++
	}
	return breaks
}

// fold returns what joins two lines with empty lines between them.
func fold(breaks int) string {
	if breaks == 0 {
		return " "
	}
	return strings.Repeat("\n", breaks)
}

// A number is what kind of number of the core schema a scalar is (YAML 1.2.2,
// 10.3.2).
type number int

const (
	notNumber number = iota
	decimal
	octal
	hexadecimal
	float
	infinite
)

func numberOf(s string) number {
	if digits, ok := strings.CutPrefix(s, "0o"); ok && consistsOf(digits, "01234567") {
		return octal
	}
	if digits, ok := strings.CutPrefix(s, "0x"); ok && consistsOf(digits, "0123456789abcdefABCDEF") {
		return hexadecimal
	}
	switch strings.TrimLeft(s[:min(len(s), 1)], "+-") + s[min(len(s), 1):] {
	case ".inf", ".Inf", ".INF":
		return infinite
	}
	switch s {
	case ".nan", ".NaN", ".NAN":
		return infinite
	}
	return decimalOf(s)
}

// decimalOf tells decimal and float from other scalars.
func decimalOf(s string) number {
	whole, rest := cutDigits(cutSign(s))
	if whole && rest == "" {
		return decimal
	}
	fraction := false
	if behind, ok := strings.CutPrefix(rest, "."); ok {
		fraction, rest = cutDigits(behind)
	}
	if !whole && !fraction {
		return notNumber
	}
	if rest == "" {
		return float
	}
	if exponent, end := cutDigits(cutSign(rest[1:])); (rest[0] == 'e' || rest[0] == 'E') && exponent && end == "" {
		return float
	}
	return notNumber
}

func cutSign(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

func cutDigits(s string) (some bool, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return len(rest) < len(s), rest
}

func consistsOf(s, set string) bool { return s != "" && strings.Trim(s, set) == "" }

// maxInteger is the largest integer that every reader of JSON keeps.
const maxInteger = 1 << 53

// isText reports whether a scalar without quotes is text.
func isText(s string) bool {
	switch s {
	case "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE":
		return false
	}
	return numberOf(s) == notNumber
}

// resolve returns the value of a scalar without quotes.
func (r *reader) resolve(s string) json.RawMessage {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return null
	case "true", "True", "TRUE":
		return json.RawMessage("true")
	case "false", "False", "FALSE":
		return json.RawMessage("false")
	}
	switch numberOf(s) {
	case decimal:
		return r.integer(s, s, 10)
	case octal:
		return r.integer(s, s[2:], 8)
	case hexadecimal:
		return r.integer(s, s[2:], 16)
	case infinite:
		r.failPast("%.64q is not a number of JSON: write it in quotes", s)
	case float:
		return r.float(s)
	}
	return quote(s)
}

func (r *reader) float(s string) json.RawMessage {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		r.failPast("the number %.64q is too large: write it in quotes", s)
	}
	if json.Valid([]byte(s)) {
		return json.RawMessage(s) // 1.10 stays 1.10
	}
	return json.RawMessage(strconv.FormatFloat(f, 'g', -1, 64))
}

func (r *reader) integer(s, digits string, base int) json.RawMessage {
	n, err := strconv.ParseInt(digits, base, 64)
	if err != nil || n > maxInteger || n < -maxInteger {
		r.failPast("the number %.64q is too large: write it in quotes", s)
	}
	return strconv.AppendInt(nil, n, 10)
}

// failPast reports a mistake in the line before the current one.
func (r *reader) failPast(format string, args ...any) {
	r.at = max(r.at-1, 0)
	r.failf(format, args...)
}

// endOfQuoted returns where the quoted scalar at the start of a text ends, and -1
// when it does not end in the text.
func endOfQuoted(text string) int {
	q := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case q == '"' && text[i] == '\\':
			i++
		case text[i] != q:
		case q == '\'' && i+1 < len(text) && text[i+1] == q:
			i++
		default:
			return i + 1
		}
	}
	return -1
}

// quoted reads the quoted scalar at the start of text, which may go on on the
// next lines, and returns it with the rest of its last line.
func (r *reader) quoted(text string, parent int) (s, rest string) {
	q, first := text[:1], r.at
	var joined strings.Builder
	for {
		if end := endOfQuoted(text); end >= 0 {
			return joined.String() + r.unquote(text[:end]), text[end:]
		}
		escaped := q == `"` && endsWithBackslash(text)
		part := strings.TrimSuffix(text, `\`)
		if !escaped {
			part = strings.TrimRight(text, " \t")
			if q == `"` && endsWithBackslash(part) {
				part += text[len(part) : len(part)+1] // the blank is escaped
			}
		}
		joined.WriteString(r.unquote(part + q))
		r.at++
		breaks := r.skipEmpty()
		switch {
		case r.done():
			r.at = first
			r.failf("the text has no %s at its end", q)
		case r.line().indent <= parent:
			r.failf("the line goes on a text in quotes and must be indented by more than %d", max(parent, 0))
		}
		if !escaped || breaks > 0 {
			joined.WriteString(fold(breaks))
		}
		text = q + strings.TrimLeft(r.line().text, " \t")
	}
}

// endsWithBackslash reports whether the last character is an unescaped "\".
func endsWithBackslash(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// unquote returns the value of a quoted scalar of one line.
func (r *reader) unquote(quoted string) string {
	body := quoted[1 : len(quoted)-1]
	if quoted[0] == '\'' {
		return strings.ReplaceAll(body, "''", "'")
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(body, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		c, n := r.escape(after)
		b.WriteRune(c)
		body = after[n:]
	}
}

// escapes are the characters of escapes without digits.
var escapes = map[byte]rune{
	'0': 0, 'a': '\a', 'b': '\b', 't': '\t', '\t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r', 'e': 0x1b, ' ': ' ',
	'"': '"', '/': '/', '\\': '\\', 'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029,
}

// escape returns the character of an escape, and the length of the escape
// without its backslash.
func (r *reader) escape(s string) (c rune, length int) {
	if s == "" {
		r.failf("the escape \"\\\" is incomplete")
	}
	if c, ok := escapes[s[0]]; ok {
		return c, 1
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if digits == 0 {
		r.failf("%q is not an escape", `\`+string([]rune(s)[:1]))
	}
	if len(s) <= digits {
		r.failf("the escape %q is incomplete", `\`+s)
	}
	n, err := strconv.ParseUint(s[1:1+digits], 16, 32)
	if err != nil {
		r.failf("the escape %q has other characters than hexadecimal digits", `\`+s[:1+digits])
	}
	if !utf8.ValidRune(rune(n)) {
		r.failf("the escape %q is not a character", `\`+s[:1+digits])
	}
	return rune(n), 1 + digits
}

// blockHeader takes the first line of a block scalar apart: how far the text is
// indented, 0 where its first line tells, and what becomes of the line breaks at
// its end.
func blockHeader(s string) (indent int, chomp byte, ok bool) {
	rest := s[1:]
	for range 2 {
		switch {
		case rest == "":
		case indent == 0 && '1' <= rest[0] && rest[0] <= '9':
			indent, rest = int(rest[0]-'0'), rest[1:]
		case chomp == 0 && (rest[0] == '-' || rest[0] == '+'):
			chomp, rest = rest[0], rest[1:]
		}
	}
	return indent, chomp, isComment(rest) && !strings.HasPrefix(rest, "#")
}

// blockScalar reads a literal ("|") or folded (">") scalar.
func (r *reader) blockScalar(header string, parent int) string {
	explicit, chomp, ok := blockHeader(header)
	if !ok {
		r.failf("%.64q cannot begin a text: write a text that begins with %q in quotes", header, header[:1])
	}
	r.at++
	indent := r.blockIndent(explicit, parent)
	breaks := r.blockBreaks(indent)
	b := strings.Builder{}
	last := "" // the line break before the breaks
	for r.inBlock(indent) {
		b.WriteString(strings.Repeat("\n", breaks))
		content := r.line().raw[indent:]
		b.WriteString(content)
		r.at++
		last = "\n"
		breaks = r.blockBreaks(indent)
		if !r.inBlock(indent) {
			break
		}
		next := r.line().raw[indent:]
		switch {
		case header[0] == '|' || isBlankByte(content[0]) || isBlankByte(next[0]):
			b.WriteByte('\n')
		case breaks == 0:
			b.WriteByte(' ')
		}
	}
	if !r.done() && r.line().text != "" && r.line().indent > parent && r.line().text[0] != '#' {
		r.failf("the line is indented by %d, where the text began with %d", r.line().indent, indent)
	}
	switch chomp {
	case '-':
		return b.String()
	case '+':
		return b.String() + last + strings.Repeat("\n", breaks)
	}
	return b.String() + last
}

// blockIndent returns the indentation of a block scalar: as the header says, or
// as its first line with content has it.
func (r *reader) blockIndent(explicit, parent int) int {
	if explicit > 0 {
		return max(parent, 0) + explicit
	}
	widest := 0
	for _, l := range r.lines[r.at:] {
		if strings.Trim(l.raw, " ") != "" && l.indent > parent {
			if widest > l.indent {
				r.failf("an empty line is indented by more than the text")
			}
			if l.raw[l.indent] == '\t' {
				r.failf("the text begins with a tab: say how far it is indented, as in \"|2\"")
			}
			return l.indent
		}
		if strings.Trim(l.raw, " ") != "" {
			break // the text is empty
		}
		widest = max(widest, l.indent)
	}
	return max(widest, parent+1)
}

// blockBreaks goes on over the empty lines of a block scalar and counts them.
func (r *reader) blockBreaks(indent int) (breaks int) {
	for !r.done() && strings.Trim(r.line().raw, " ") == "" && len(r.line().raw) <= indent {
		r.at++
		breaks++
	}
	return breaks
}

// inBlock reports whether the current line belongs to a block scalar.
func (r *reader) inBlock(indent int) bool {
	return !r.done() && len(r.line().raw) > indent && strings.Trim(r.line().raw[:indent], " ") == ""
}
