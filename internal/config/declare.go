// Package config reads the settings of a program from flags, environment variables
// and files, as a struct declares them.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/infer"
)

// A Declaration is what a struct says of the settings of a program.
type Declaration struct{ settings []setting }

// A setting is a field of the struct.
type setting struct {
	infer.Setting
	keywords
	variable string
	flag     string // a secret has the name and not the flag
}

// The keywords are those of the schema of a setting.
type keywords struct {
	Kind             string `json:"type"`
	Items            *keywords
	Description      string
	Default          json.RawMessage
	Sensitive        bool `json:"x-sensitive"`
	Enum             []json.RawMessage
	Format           string
	Pattern          string
	Minimum          json.Number
	Maximum          json.Number
	ExclusiveMinimum json.Number
	ExclusiveMaximum json.Number
	MultipleOf       json.Number
	MinLength        json.Number
	MaxLength        json.Number
	MinItems         json.Number
	MaxItems         json.Number
}

// Declare reads the fields of t. It refuses what cannot be written as the text of a
// variable, and names that mean something else already. The error names the field.
func Declare(t reflect.Type) (*Declaration, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the settings are the fields of a struct, and %s is none", t)
	}
	fields, err := infer.Settings(t)
	if err != nil {
		return nil, err
	}
	d := new(Declaration)
	for _, field := range fields {
		s, err := newSetting(field)
		if err == nil {
			err = d.checkNames(s)
		}
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", field.Place, err)
		}
		d.settings = append(d.settings, s)
	}
	return d, nil
}

func newSetting(field infer.Setting) (setting, error) {
	s := setting{Setting: field}
	if !isName(field.Name) {
		return s, fmt.Errorf(`%q is not the name of a setting: give it one of lower-case words, such as json:"database_url"`, field.Name)
	}
	s.variable = strings.ToUpper(field.Name)
	s.flag = strings.ReplaceAll(field.Name, "_", "-")
	if err := json.Unmarshal(field.Schema.JSON(), &s.keywords); err != nil {
		return s, err
	}
	switch {
	case !s.isScalar() && (s.Items == nil || !s.Items.isScalar()):
		return s, fmt.Errorf("type %s is not a string, a number, a boolean or a list of them: embed a struct to have its fields as settings", field.Type)
	case field.Quoted:
		return s, errors.New("the json option string is for JSON: a setting is text in any case")
	case s.Sensitive && s.Default != nil:
		return s, errors.New("a secret has no default, which everybody who has the program could read")
	case s.Sensitive && (s.Enum != nil || s.Items != nil && s.Items.Enum != nil):
		return s, errors.New("a secret is not one of a list that everybody can read")
	}
	return s, nil
}

func (k *keywords) isScalar() bool {
	return slices.Contains([]string{"string", "integer", "number", "boolean"}, k.Kind)
}

// maxName bounds the name of a setting.
const maxName = 64

// isName accepts lower-case words that are joined by underscores, so that the flag
// and the variable of a setting follow from its name, and no two names have the
// same.
func isName(s string) bool {
	for word := range strings.SplitSeq(s, "_") {
		if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return 'a' <= s[0] && s[0] <= 'z' && len(s) <= maxName
}

// reserved are the variables that a shell, the system or the library sets or reads,
// beside those with a prefix of reservedPrefixes.
var reserved = []string{
	"PORT",
	"EDITOR", "HOME", "HOSTNAME", "LANG", "LOGNAME", "OS", "PATH", "PWD", "SHELL", "TEMP", "TERM", "TMP", "TMPDIR", "TZ", "USER", "USERNAME",
}

var reservedPrefixes = []string{"MCPENGINE_", "AWS_", "OTEL_"}

// checkNames refuses a setting whose variable or flag has another meaning.
func (d *Declaration) checkNames(s setting) error {
	if slices.Contains(reserved, s.variable) || slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(s.variable, p) }) {
		return fmt.Errorf("the variable %s has a meaning already: give the setting another name", s.variable)
	}
	if s.flag == "h" || s.flag == "help" {
		return fmt.Errorf("the flag --%s shows the settings: give the setting another name", s.flag)
	}
	for _, other := range d.settings {
		if s.variable == other.file() || s.file() == other.variable {
			return fmt.Errorf("the variable %s would name the file of one setting and be the value of another: give the setting another name", max(s.variable, other.variable))
		}
	}
	return nil
}

// file is the variable that names a file with the value.
func (s *setting) file() string { return s.variable + "_FILE" }

// label names the setting in an error.
func (s *setting) label() string {
	if s.Sensitive {
		return s.variable + " (or " + s.file() + ")"
	}
	return s.variable + " (--" + s.flag + ")"
}

// JSON returns the declaration for programs that write forms or manifests.
func (d *Declaration) JSON() ([]byte, error) {
	type variable struct {
		Name      string          `json:"name"`
		Flag      string          `json:"flag,omitempty"`
		Required  bool            `json:"required"`
		Sensitive bool            `json:"sensitive"`
		Schema    json.RawMessage `json:"schema"`
	}
	variables := []variable{} // [] and not null
	for _, s := range d.settings {
		v := variable{s.variable, s.flag, s.Required, s.Sensitive, s.Schema.JSON()}
		if s.Sensitive {
			v.Flag = ""
		}
		variables = append(variables, v)
	}
	return json.Marshal(map[string]any{"variables": variables})
}
