package page

import (
	"fmt"
	"html"
	"strings"
)

// A token is a piece of an HTML document. The pieces are the document: joined in
// order, their texts are what was read.
type token struct {
	kind  tokenKind
	text  string // as it is written
	line  int    // of its first character
	name  string // of a tag's element, in lower case
	attrs []attribute
}

type tokenKind int

const (
	textToken tokenKind = iota
	commentToken
	doctypeToken
	startToken
	endToken
	rawToken // the content of a script, a style and the like
)

// An attribute of a start tag.
type attribute struct {
	name    string // in lower case
	text    string // as it is written
	start   int    // its index in the tag
	value   string // without quotation marks and character references
	decoded bool   // the value had character references
	line    int
}

// attr returns an attribute of a start tag, or nil.
func (t *token) attr(name string) *attribute {
	for i := range t.attrs {
		if t.attrs[i].name == name {
			return &t.attrs[i]
		}
	}
	return nil
}

// value returns the value of an attribute, or "".
func (t *token) value(name string) string {
	if a := t.attr(name); a != nil {
		return a.value
	}
	return ""
}

// rawElements are the elements whose content is text up to their end tag. A
// view runs with scripts, so noscript is one of them.
var rawElements = map[string]bool{
	"iframe": true, "noembed": true, "noframes": true, "noscript": true, "script": true,
	"style": true, "textarea": true, "title": true, "xmp": true,
}

// A tokenizer splits a document into tokens. It reads what the HTML Standard
// calls valid and refuses the rest, where a browser would guess: a guess of its
// own could miss an address that the browser then loads.
type tokenizer struct {
	in   string
	at   int
	line int
	tag  int    // the index of the tag that is read
	raw  string // the element whose raw content comes next
	svg  int    // how many svg and math elements are open
}

// A syntaxError is a place that the tokenizer does not read.
type syntaxError struct {
	line int
	text string
}

func (e *syntaxError) Error() string { return e.text }

func (z *tokenizer) errorf(line int, format string, args ...any) error {
	return &syntaxError{line, fmt.Sprintf(format, args...)}
}

// next returns the next token, and false at the end of the document.
func (z *tokenizer) next() (t token, ok bool, err error) {
	if z.at == len(z.in) {
		if z.raw != "" {
			return token{}, false, z.errorf(z.line, "<%s> is not closed", z.raw)
		}
		return token{}, false, nil
	}
	t.line = z.line
	start := z.at
	switch rest := z.in[z.at:]; {
	case z.raw != "":
		t.kind, err = rawToken, z.rawContent()
	case rest[0] != '<':
		t.kind = textToken
		z.to(strings.IndexByte(rest, '<'))
	case strings.HasPrefix(rest, "<!--"):
		t.kind, err = commentToken, z.comment()
	case hasPrefixFold(rest, "<!doctype"):
		t.kind = doctypeToken
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			err = z.errorf(z.line, `the doctype is not closed with ">"`)
		}
		z.to(end + 1)
	case len(rest) > 1 && isLetter(rest[1]):
		t.kind, err = startToken, z.startTag(&t)
	case len(rest) > 2 && rest[1] == '/' && isLetter(rest[2]):
		t.kind, err = endToken, z.endTag(&t)
	default:
		err = z.errorf(z.line, `"<" begins no tag here: write "&lt;"`)
	}
	t.text = z.in[start:z.at]
	return t, true, err
}

// to moves n bytes on, or to the end if n is negative, and counts lines.
func (z *tokenizer) to(n int) {
	if n < 0 {
		n = len(z.in) - z.at
	}
	z.line += strings.Count(z.in[z.at:z.at+n], "\n")
	z.at += n
}

// comment refuses the comments that browsers end elsewhere than at "-->".
func (z *tokenizer) comment() error {
	const open, end = "<!--", "-->"
	line, rest := z.line, z.in[z.at+len(open):]
	inner, _, closed := strings.Cut(rest, end)
	switch {
	case !closed:
		return z.errorf(line, "a comment is not closed with %q", end)
	case strings.HasPrefix(inner, ">"), strings.HasPrefix(inner, "->"), strings.HasSuffix(inner, "<!-"),
		strings.Contains(inner, open), strings.Contains(inner, "--!>"):
		return z.errorf(line, "the comment is not valid HTML: browsers would end it elsewhere")
	}
	z.to(len(open) + len(inner) + len(end))
	return nil
}

// rawContent moves to the end tag of the element.
func (z *tokenizer) rawContent() error {
	line, name, rest := z.line, z.raw, z.in[z.at:]
	z.raw = ""
	end := endTagIndex(rest, name)
	if end < 0 {
		return z.errorf(line, "<%s> is not closed", name)
	}
	content := rest[:end]
	switch {
	case name == "script" && strings.Contains(content, "<!--"):
		// From here on a browser counts script tags to find the end.
		return z.errorf(line, `a script has "<!--": write "\x3C!--"`)
	case z.svg > 0 && (strings.Contains(content, "<") || name != "title" && strings.Contains(content, "&")):
		return z.errorf(line, `<%s> inside of <svg> or <math> has "<" or "&", which mean something else there`, name)
	}
	z.to(end)
	return nil
}

// endTagIndex returns the index of the end tag of a raw element, or -1.
func endTagIndex(s, name string) int {
	for from := 0; ; {
		i := strings.Index(s[from:], "</")
		if i < 0 {
			return -1
		}
		i += from
		if after := s[i+2:]; hasPrefixFold(after, name) && len(after) > len(name) && strings.IndexByte(" \t\n\f\r/>", after[len(name)]) >= 0 {
			return i
		}
		from = i + 2
	}
}

func (z *tokenizer) endTag(t *token) error {
	z.to(2)
	t.name = z.tagName()
	z.space()
	if z.at == len(z.in) || z.in[z.at] != '>' {
		return z.errorf(t.line, `the end tag of %q is not closed with ">"`, t.name)
	}
	z.to(1)
	if t.name == "svg" || t.name == "math" {
		z.svg = max(z.svg-1, 0)
	}
	return nil
}

func (z *tokenizer) startTag(t *token) error {
	z.tag = z.at
	z.to(1)
	t.name = z.tagName()
	for {
		spaces := z.space()
		rest := z.in[z.at:]
		switch {
		case rest == "":
			return z.errorf(t.line, `the tag <%s> is not closed with ">"`, t.name)
		case rest[0] == '>':
			z.to(1)
			return z.opened(t, false)
		case strings.HasPrefix(rest, "/>"):
			z.to(2)
			return z.opened(t, true)
		case spaces == 0:
			return z.errorf(z.line, "the tag <%s> has %q where a space or \">\" belongs", t.name, rest[:1])
		}
		if err := z.attribute(t); err != nil {
			return err
		}
	}
}

// opened prepares for what follows a start tag.
func (z *tokenizer) opened(t *token, selfClosing bool) error {
	switch {
	case t.name == "plaintext":
		return z.errorf(t.line, "<plaintext> is not valid HTML")
	case rawElements[t.name] && selfClosing:
		return z.errorf(t.line, "<%s/> closes nothing: write an end tag", t.name)
	case rawElements[t.name]:
		z.raw = t.name
	case (t.name == "svg" || t.name == "math") && !selfClosing:
		z.svg++
	}
	return nil
}

func (z *tokenizer) tagName() string {
	rest := z.in[z.at:]
	n := strings.IndexAny(rest, " \t\n\f\r/>")
	if n < 0 {
		n = len(rest)
	}
	z.to(n)
	return lower(rest[:n])
}

func (z *tokenizer) space() int {
	rest := z.in[z.at:]
	n := len(rest) - len(strings.TrimLeft(rest, " \t\n\f\r"))
	z.to(n)
	return n
}

func (z *tokenizer) attribute(t *token) error {
	start, rest := z.at, z.in[z.at:]
	a := attribute{line: z.line, start: start - z.tag}
	n := strings.IndexAny(rest, " \t\n\f\r/>=")
	if n < 0 {
		n = len(rest)
	}
	a.name = lower(rest[:n])
	if a.name == "" || strings.ContainsAny(a.name, "\"'<\x00") {
		return z.errorf(a.line, "the tag <%s> has an attribute named %q", t.name, a.name)
	}
	z.to(n)
	end := z.at
	z.space()
	if strings.HasPrefix(z.in[z.at:], "=") {
		z.to(1)
		z.space()
		var err error
		if a.value, err = z.attributeValue(t.name, a.name); err != nil {
			return err
		}
		end = z.at
	} else {
		z.at, z.line = end, a.line // the space belongs to the tag
	}
	a.text = z.in[start:end]
	if value := html.UnescapeString(a.value); value != a.value {
		a.value, a.decoded = value, true
	}
	if t.attr(a.name) != nil {
		return z.errorf(a.line, "the tag <%s> has the attribute %s twice", t.name, a.name)
	}
	t.attrs = append(t.attrs, a)
	return nil
}

func (z *tokenizer) attributeValue(tag, name string) (string, error) {
	line, rest := z.line, z.in[z.at:]
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		n := strings.IndexByte(rest[1:], rest[0])
		if n < 0 {
			return "", z.errorf(line, "the value of %s in <%s> is not closed with %c", name, tag, rest[0])
		}
		z.to(n + 2)
		return rest[1 : n+1], nil
	}
	n := strings.IndexAny(rest, " \t\n\f\r>")
	if n < 0 {
		n = len(rest)
	}
	if n == 0 || strings.ContainsAny(rest[:n], "\"'<=`") {
		return "", z.errorf(line, "the value of %s in <%s> needs quotation marks", name, tag)
	}
	z.to(n)
	return rest[:n], nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// lower is for ASCII alone: HTML gives other letters no case.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && lower(s[:len(prefix)]) == prefix
}
