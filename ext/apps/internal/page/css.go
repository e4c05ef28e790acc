package page

import (
	"errors"
	"strings"
)

// styleSheet returns a style sheet, or the value of a style attribute, with the
// files that it loads.
func (b *builder) styleSheet(ref reference, css string) string {
	s := &sheet{builder: b, ref: ref, in: css, open: []string{ref.file}}
	return s.inlined()
}

// A sheet is a style sheet, as far as it is read.
type sheet struct {
	*builder
	ref  reference // of its first character
	in   string
	at   int
	out  strings.Builder
	rule bool     // a rule was there, after which imports are ignored
	call []string // the functions and brackets that are open
	open []string // the files that import each other, this one last
}

// here is the place that is read.
func (s *sheet) here() reference {
	return reference{s.ref.file, s.ref.line + strings.Count(s.in[:s.at], "\n")}
}

// copy writes the next n bytes as they are.
func (s *sheet) copy(n int) {
	n = min(n, len(s.in)-s.at)
	s.out.WriteString(s.in[s.at : s.at+n])
	s.at += n
}

func (s *sheet) inlined() string {
	for s.at < len(s.in) {
		if err := s.next(); err != nil {
			s.fault(s.here().file, s.here().line, "%w", err)
			break
		}
		if s.out.Len() > MaxSize {
			break // the document is too large then
		}
	}
	return escapeStyle(s.out.String())
}

// next writes the next piece.
func (s *sheet) next() error {
	rest := s.in[s.at:]
	c := rest[0]
	switch {
	case strings.HasPrefix(rest, "/*"):
		n, err := cssComment(rest)
		s.copy(n)
		return err
	case c == '"' || c == '\'':
		return s.quoted()
	case c == '\\':
		s.copy(2)
	case c == '@':
		return s.atRule()
	case isLetter(c) || c == '-' || c == '_' || c >= 0x80:
		return s.word()
	case c == '(' || c == '[' || c == '{':
		s.call = append(s.call, string(c))
		s.rule = s.rule || c == '{'
		s.copy(1)
	case c == ')' || c == ']' || c == '}':
		s.call = s.call[:max(len(s.call)-1, 0)]
		s.copy(1)
	default:
		s.copy(1)
	}
	return nil
}

func cssComment(css string) (int, error) {
	n := strings.Index(css[2:], "*/")
	if n < 0 {
		return len(css), errors.New("a comment is not closed with */")
	}
	return n + 4, nil
}

// quoted writes a string, which is an address inside of image-set.
func (s *sheet) quoted() error {
	text, n, err := cssString(s.in[s.at:])
	if err != nil {
		return err
	}
	if len(s.call) == 0 || !strings.HasSuffix(s.call[len(s.call)-1], "image-set") {
		s.copy(n)
		return nil
	}
	s.out.WriteString(cssURL(s.data(s.here(), text)))
	s.at += n
	return nil
}

// word writes a name, and the address if the name is url.
func (s *sheet) word() error {
	rest := s.in[s.at:]
	n := cssName(rest)
	name := lower(rest[:n])
	if n == len(rest) || rest[n] != '(' {
		s.copy(n)
		return nil
	}
	if name != "url" && name != "src" {
		s.call = append(s.call, name)
		s.copy(n + 1)
		return nil
	}
	text, length, err := cssAddress(rest[n:])
	if err != nil {
		return err
	}
	address := s.data(s.here(), text)
	if address == text {
		s.copy(n + length)
		return nil
	}
	s.out.WriteString(cssURL(address))
	s.at += n + length
	return nil
}

// cssURL writes an address that needs no escape but for its fragment.
func cssURL(address string) string {
	return `url("` + strings.NewReplacer(`"`, "%22", `\`, "%5C").Replace(address) + `")`
}

// cssName returns the length of the name that begins css.
func cssName(css string) int {
	for i := range len(css) {
		if c := css[i]; !isLetter(c) && c != '-' && c != '_' && c < 0x80 && (c < '0' || c > '9') {
			return i
		}
	}
	return len(css)
}

// cssString returns the text of the string that begins css, and its length there.
func cssString(css string) (text string, length int, err error) {
	for i := 1; i < len(css); i++ {
		switch css[i] {
		case css[0]:
			return css[1:i], i + 1, nil
		case '\\':
			i++
		case '\n':
			return "", 0, errors.New("a string is not closed in its line")
		}
	}
	return "", 0, errors.New("a string is not closed")
}

// cssAddress returns the address in the brackets that begin css, and their
// length.
func cssAddress(css string) (text string, length int, err error) {
	i := 1
	space := func() {
		for i < len(css) && strings.IndexByte(" \t\n\r\f", css[i]) >= 0 {
			i++
		}
	}
	space()
	if i < len(css) && (css[i] == '"' || css[i] == '\'') {
		var n int
		if text, n, err = cssString(css[i:]); err != nil {
			return "", 0, err
		}
		i += n
	} else {
		n := strings.IndexAny(css[i:], " \t\n\r\f)\"'(")
		if n < 0 {
			return "", 0, errors.New("url( is not closed")
		}
		text = css[i : i+n]
		i += n
	}
	space()
	if i >= len(css) || css[i] != ')' {
		return "", 0, errors.New("url( is not closed after the address")
	}
	if strings.Contains(text, `\`) {
		return "", 0, errors.New("an address has an escape: write it with %")
	}
	return text, i + 1, nil
}

// escapeStyle keeps a style sheet from ending early: "\/" is "/" in strings, and
// comments do not care.
func escapeStyle(css string) string {
	for {
		i := endTagIndex(css+">", "style")
		if i < 0 {
			return css
		}
		css = css[:i+1] + `\` + css[i+1:]
	}
}
