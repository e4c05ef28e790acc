package page

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxImports bounds how deep style sheets import each other.
const maxImports = 16

// atRule writes the name of an at-rule, or what it imports.
func (s *sheet) atRule() error {
	rest := s.in[s.at:]
	n := 1 + cssName(rest[1:])
	switch lower(rest[1:n]) {
	case "charset": // the document has one already
		i := strings.IndexByte(rest, ';')
		if i < 0 {
			return errors.New("@charset is not closed with ;")
		}
		s.at += i + 1
	case "namespace": // its address is only a name
		i := strings.IndexByte(rest, ';')
		if i < 0 {
			return errors.New("@namespace is not closed with ;")
		}
		s.copy(i + 1)
	case "import":
		return s.imported(n)
	case "layer": // the statement may stand before imports, and the block has its "{"
		s.copy(n)
	default:
		s.rule = true
		s.copy(n)
	}
	return nil
}

// imported writes the style sheet that an import names, in a rule for its media.
func (s *sheet) imported(n int) error {
	if s.rule || len(s.call) > 0 {
		return errors.New("browsers ignore @import after a rule: put it first")
	}
	rest := s.in[s.at+n:]
	space := len(rest) - len(strings.TrimLeft(rest, " \t\n\r\f"))
	text, length, err := importAddress(rest[space:])
	if err != nil {
		return err
	}
	media, _, closed := strings.Cut(rest[space+length:], ";")
	if !closed {
		return errors.New("@import is not closed with ;")
	}
	css, err := s.sheetAt(text, strings.TrimSpace(media))
	if err != nil {
		return err
	}
	s.out.WriteString(css)
	s.at += n + space + length + len(media) + 1
	return nil
}

func importAddress(css string) (text string, length int, err error) {
	switch {
	case css != "" && (css[0] == '"' || css[0] == '\''):
		return cssString(css)
	case hasPrefixFold(css, "url("):
		text, length, err = cssAddress(css[3:])
		return text, length + 3, err
	}
	return "", 0, errors.New("@import needs an address")
}

func (s *sheet) sheetAt(text, media string) (string, error) {
	a, err := s.resolve(s.here(), text, Resource)
	switch {
	case err != nil:
		return "", err
	case a.keep:
		return "", fmt.Errorf("@import of %s would stand behind rules that are inlined: use <link> in the document", text)
	case strings.ContainsAny(media, "/{}\"'"), hasPrefixFold(media, "layer"), hasPrefixFold(media, "supports"):
		return "", fmt.Errorf("@import of %s with %q cannot be inlined: only media queries can", text, media)
	case slices.Contains(s.open, a.file):
		return "", fmt.Errorf("%s imports itself", a.file)
	case len(s.open) > maxImports:
		return "", fmt.Errorf("style sheets import each other more than %d deep", maxImports)
	}
	css, err := s.read(a.file)
	if err != nil {
		return "", err
	}
	inner := &sheet{builder: s.builder, ref: reference{a.file, 1}, in: css, open: append(slices.Clone(s.open), a.file)}
	css = inner.inlined()
	if media != "" {
		css = "@media " + media + " {\n" + css + "\n}"
	}
	return css, nil
}
