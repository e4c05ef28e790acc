package mcpengine

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// An argument is a property of the input of a prompt or template. Its value
// arrives as text: prompt arguments and URIs carry nothing else.
type argument struct {
	name        string
	title       string
	description string
	required    bool
	isText      bool // the property is a string, not a number or a boolean
}

// argumentsOf returns the properties of an inferred schema in the order of the
// struct's fields.
func argumentsOf(s *schema.Schema) ([]argument, error) {
	root, err := jsonrpc.ParseObject(s.JSON())
	if err != nil || root.Get("properties") == nil {
		return nil, err
	}
	properties, err := jsonrpc.ParseObject(root.Get("properties"))
	if err != nil {
		return nil, err
	}
	var arguments []argument
	for _, p := range properties {
		a, err := argumentOf(p)
		if err != nil {
			return nil, err
		}
		a.required = bytes.Contains(root.Get("required"), jsonrpc.AppendString(nil, a.name))
		arguments = append(arguments, a)
	}
	return arguments, nil
}

func argumentOf(p jsonrpc.Member) (argument, error) {
	a := argument{name: string(p.Name)}
	property, err := jsonrpc.ParseObject(p.Value)
	if err != nil {
		return a, fmt.Errorf("argument %q: %w", a.name, err)
	}
	if raw := property.Get("title"); raw != nil {
		a.title = jsonrpc.UnquoteString(raw)
	}
	if raw := property.Get("description"); raw != nil {
		a.description = jsonrpc.UnquoteString(raw)
	}
	types := property.Get("type")
	switch {
	case bytes.Contains(types, []byte(`"string"`)):
		a.isText = true
	case bytes.Contains(types, []byte(`"object"`)), bytes.Contains(types, []byte(`"array"`)), types == nil:
		return a, fmt.Errorf("argument %q must be a string, a number or a boolean: it travels as text", a.name)
	}
	return a, nil
}

// sameNames checks that every variable of a template has a field of the input, and
// every field a variable.
func sameNames(variables []string, arguments []argument) error {
	for _, a := range arguments {
		if !slices.Contains(variables, a.name) {
			return fmt.Errorf("the input has a field %q but the URI has no variable {%s}", a.name, a.name)
		}
	}
	for _, v := range variables {
		if !slices.ContainsFunc(arguments, func(a argument) bool { return a.name == v }) {
			return fmt.Errorf("the URI has a variable {%s} but the input has no field for it", v)
		}
	}
	return nil
}

// encodeArguments makes the JSON object of arguments from their names and
// texts.
func encodeArguments(arguments []argument, names, values []string) []byte {
	dst := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonrpc.AppendString(dst, name)
		dst = append(dst, ':')
		dst = appendArgument(dst, arguments, name, values[i])
	}
	return append(dst, '}')
}

// appendArgument appends the text of one argument as a JSON value. Text that is
// neither a number nor a boolean stays a string, which the schema refuses.
func appendArgument(dst []byte, arguments []argument, name, text string) []byte {
	i := slices.IndexFunc(arguments, func(a argument) bool { return a.name == name })
	if i >= 0 && !arguments[i].isText && isScalar(text) {
		return append(dst, text...)
	}
	return jsonrpc.AppendString(dst, text)
}

func isScalar(text string) bool {
	switch {
	case text == "" || text[0] == '"' || text[0] == '{' || text[0] == '[':
		return false
	}
	return jsonrpc.Valid([]byte(text)) == nil
}
