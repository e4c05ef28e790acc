package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// maxFrontmatter bounds the text between the two lines of dashes.
const maxFrontmatter = 64 << 10

// ParseFrontmatter returns the frontmatter at the beginning of a SKILL.md as a
// JSON object, with its members in the order of the text. An error is a *[Fault].
func ParseFrontmatter(content []byte) (json.RawMessage, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	first, rest := cutLine(content)
	switch {
	case first == "---":
	case strings.TrimRight(first, " \t") == "---":
		return nil, &Fault{1, "blanks behind \"---\", which some readers do not accept"}
	default:
		return nil, &Fault{1, "a SKILL.md begins with frontmatter: a line \"---\", the fields, and a second line \"---\""}
	}
	text := rest
	for {
		if len(text)-len(rest) > maxFrontmatter || len(rest) == 0 {
			break
		}
		var next string
		before := rest
		if next, rest = cutLine(rest); strings.TrimRight(next, " \t") == "---" {
			return readYAML(string(text[:len(text)-len(before)]), 2)
		}
	}
	if len(rest) > 0 {
		return nil, &Fault{1, fmt.Sprintf("the frontmatter is longer than %d KiB, or has no second line \"---\"", maxFrontmatter>>10)}
	}
	return nil, &Fault{1, "the frontmatter has no second line \"---\""}
}

func cutLine(text []byte) (first string, rest []byte) {
	before, rest, _ := bytes.Cut(text, []byte("\n"))
	return string(bytes.TrimSuffix(before, []byte("\r"))), rest
}

// Difference returns the name of a field in which two frontmatters differ, and
// the empty string when they are the same.
func Difference(a, b json.RawMessage) (field string, err error) {
	var x, y map[string]any
	if err := json.Unmarshal(a, &x); err != nil {
		return "", err
	}
	if err := json.Unmarshal(b, &y); err != nil {
		return "", err
	}
	for name, value := range x {
		if other, ok := y[name]; !ok || !reflect.DeepEqual(value, other) {
			return name, nil
		}
	}
	for name := range y {
		if _, ok := x[name]; !ok {
			return name, nil
		}
	}
	return "", nil
}
