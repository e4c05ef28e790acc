package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/mcpengine/mcpengine/internal/infer"
)

// help is the table of the settings.
func (d *Declaration) help() string {
	rows := [][2]string{{"FLAG", "VARIABLE"}}
	for _, s := range d.settings {
		flag := "--" + s.flag
		if s.Sensitive {
			flag = "(secret)"
		}
		rows = append(rows, [2]string{flag, s.variable})
	}
	var flag, name int
	for _, row := range rows {
		flag, name = max(flag, len(row[0])), max(name, len(row[1]))
	}
	var b strings.Builder
	for i, row := range rows {
		text := "VALUE"
		if i > 0 {
			text = d.settings[i-1].describe()
		}
		fmt.Fprintf(&b, "%-*s  %-*s  %s\n", flag, row[0], name, row[1], text)
	}
	b.WriteString("\nA flag wins over a variable. VARIABLE_FILE, instead of VARIABLE, names a file that holds the value.\n")
	return b.String()
}

// describe is the setting in the table.
func (s *setting) describe() string {
	switch {
	case s.Default != nil:
		return s.wanted() + "; by default " + plain(s.Default)
	case s.Required:
		return s.wanted() + "; required"
	}
	return s.wanted()
}

// wanted says what the setting is and what it must be, on one line.
func (s *setting) wanted() string {
	expected, description := s.expected(s.element()), strings.Join(strings.Fields(s.Description), " ")
	switch {
	case description == "":
		return expected
	case expected == anyText:
		return description
	}
	return description + ": " + expected
}

// anyText is what a string must be without tags.
const anyText = "text"

// expected completes "must be". The type is that of the value, or of the values in a
// list.
func (k *keywords) expected(t reflect.Type) string {
	switch {
	case k.Items != nil:
		return "a list" + k.bounds("items", k.MinItems, k.MaxItems) + ", separated by commas, of values that are each " + k.Items.expected(t)
	case k.Enum != nil:
		var values []string
		for _, value := range k.Enum {
			values = append(values, plain(value))
		}
		return "one of " + strings.Join(values, ", ")
	case k.Kind == "boolean":
		return "true or false"
	case k.Kind == "string":
		return k.text(t) + k.bounds("characters", k.MinLength, k.MaxLength) + each(" that matches ", k.Pattern)
	}
	return map[string]string{"integer": "an integer", "number": "a number"}[k.Kind] + k.bounds("", k.Minimum, k.Maximum) +
		each(" above ", k.ExclusiveMinimum) + each(" below ", k.ExclusiveMaximum) + each(" that is a multiple of ", k.MultipleOf)
}

// text names the form of a string.
func (k *keywords) text(t reflect.Type) string {
	switch k.Format {
	case "file-path":
		return "the path of a file"
	case "directory-path":
		return "the path of a folder"
	case "":
		if wanted := infer.Wanted(t); wanted != "" {
			return wanted
		}
		return anyText
	}
	return infer.WantedFormat(k.Format)
}

// bounds says how large a number, or how long something is. The unit of a number is
// empty.
func (k *keywords) bounds(unit string, low, high json.Number) string {
	of := " "
	if unit != "" {
		of, unit = " of ", " "+unit
	}
	switch {
	case low != "" && high != "" && low == high:
		return of + string(low) + unit
	case low != "" && high != "":
		return of + "from " + string(low) + " to " + string(high) + unit
	case low != "":
		return of + "at least " + string(low) + unit
	case high != "":
		return of + "at most " + string(high) + unit
	}
	return ""
}

// each is the text with what goes before it, or nothing.
func each[T ~string](before string, text T) string {
	if text == "" {
		return ""
	}
	return before + string(text)
}

// plain is JSON as a person writes it.
func plain(literal json.RawMessage) string {
	var text string
	if json.Unmarshal(literal, &text) == nil {
		return text
	}
	return string(literal)
}
