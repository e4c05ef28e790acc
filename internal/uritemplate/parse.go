package uritemplate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

func parse(s string) (*Template, error) {
	if len(s) > maxLength {
		return nil, fmt.Errorf("longer than %d bytes", maxLength)
	}
	if !utf8.ValidString(s) {
		return nil, errors.New("not valid UTF-8")
	}
	t := &Template{source: s}
	var canonical, folded normalizer
	for rest := s; ; {
		text, expression, found := strings.Cut(rest, "{")
		if err := checkLiteral(text); err != nil {
			return nil, err
		}
		if found && text == "" && len(t.names) > 0 {
			return nil, fmt.Errorf("nothing separates variable %q from the next", t.names[len(t.names)-1])
		}
		t.literals = append(t.literals, canonical.text(text, false))
		t.folded = append(t.folded, folded.text(text, true))
		if len(t.literals) == 1 {
			t.literals[0], t.folded[0] = lowerScheme(t.literals[0]), lowerScheme(t.folded[0])
		}
		if !found {
			return t, nil
		}
		t.query = append(t.query, folded.query)
		name, after, closed := strings.Cut(expression, "}")
		if !closed {
			return nil, fmt.Errorf("expression %q is not closed", "{"+expression)
		}
		if err := t.addName(name); err != nil {
			return nil, fmt.Errorf("expression %q: %w", "{"+name+"}", err)
		}
		rest = after
	}
}

func (t *Template) addName(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if slices.Contains(t.names, name) {
		return errors.New("the name is used twice")
	}
	if len(t.names) == maxNames {
		return fmt.Errorf("more than %d variables", maxNames)
	}
	t.names = append(t.names, name)
	return nil
}

// checkName accepts a varname of RFC 6570, section 2.3, and names the feature
// of a higher level that stands where only a name may.
func checkName(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	if strings.ContainsRune("+#./;?&=,!@|", rune(name[0])) {
		return fmt.Errorf("operator %q is not supported, only {name} is", name[0])
	}
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case isAlnum(c), c == '_':
		case c == '.' && i+1 < len(name) && name[i+1] != '.':
			// A dot stands between characters; a leading one is an operator.
		case c == '%' && isTriplet(name[i:]):
			i += 2
		case c == ',':
			return errors.New("variable lists are not supported, only {name} is")
		case c == ':':
			return errors.New("the prefix modifier \":\" is not supported, only {name} is")
		case c == '*':
			return errors.New("the explode modifier \"*\" is not supported, only {name} is")
		default:
			return errors.New("a name consists of letters, digits, \"_\", \".\" and percent-encoded bytes")
		}
	}
	return nil
}

// checkLiteral accepts what the RFC allows outside an expression: reserved,
// unreserved and percent-encoded characters, and everything beyond ASCII but the
// C1 controls (section 2.1).
func checkLiteral(text string) error {
	for i, r := range text {
		switch {
		case r >= 0xA0:
		case r == '%' && !isTriplet(text[i:]):
			return errors.New("\"%\" is not followed by two hexadecimal digits")
		case r > ' ' && r < 0x7F && !strings.ContainsRune("\"<>\\^`|}", r):
			// The apostrophe is not in the grammar of section 2.1, but RFC 3986
			// has it among the characters of a URI.
		default:
			return fmt.Errorf("character %q is not allowed outside an expression", r)
		}
	}
	// Match relies on a literal to end and begin between characters.
	if _, ok := unescape(text); !ok {
		return fmt.Errorf("the percent-encoded text in %q is not UTF-8", text)
	}
	return nil
}
