package apps

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// typeOf returns the TypeScript type of a schema: the values of the schema are
// values of the type, though not always the other way round. Keywords that
// TypeScript has no type for, such as a pattern, are left out.
func (d *declarer) typeOf(schema any, indent string) string {
	object, ok := schema.(map[string]any)
	if !ok {
		if schema == false {
			return "never"
		}
		return "unknown"
	}
	parts := d.parts(object, indent)
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "unknown" })
	if len(parts) == 0 {
		return "unknown"
	}
	if len(parts) == 1 {
		return parts[0]
	}
	for i, part := range parts {
		parts[i] = bracketed(part)
	}
	return strings.Join(parts, " & ")
}

// parts returns the types that a value of a schema has at once.
func (d *declarer) parts(object map[string]any, indent string) (parts []string) {
	if ref, ok := object["$ref"].(string); ok {
		name, known := d.defs[ref]
		if !known {
			name = "unknown"
		}
		parts = append(parts, name)
	}
	if all, ok := object["allOf"].([]any); ok {
		for _, schema := range all {
			parts = append(parts, d.typeOf(schema, indent))
		}
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if schemas, ok := object[keyword].([]any); ok {
			parts = append(parts, union(schemas, func(schema any) string { return d.typeOf(schema, indent) }))
		}
	}
	value, constant := object["const"]
	values, listed := object["enum"].([]any)
	switch {
	case constant:
		parts = append(parts, literal(value))
	case listed:
		parts = append(parts, union(values, literal))
	default:
		parts = append(parts, d.ofKinds(object, indent))
	}
	return parts
}

// ofKinds returns the type of the keyword type and of those that go with it.
func (d *declarer) ofKinds(object map[string]any, indent string) string {
	var kinds []any
	switch kind := object["type"].(type) {
	case string:
		kinds = []any{kind}
	case []any:
		kinds = kind
	default:
		switch {
		case object["properties"] != nil:
			kinds = []any{"object"}
		case object["items"] != nil || object["prefixItems"] != nil:
			kinds = []any{"array"}
		default:
			return "unknown"
		}
	}
	return union(kinds, func(kind any) string {
		switch kind {
		case "string":
			return "string"
		case "boolean":
			return "boolean"
		case "number", "integer":
			return "number"
		case "null":
			return "null"
		case "array":
			return d.array(object, indent)
		case "object":
			return d.object(object, indent)
		}
		return "unknown"
	})
}

func (d *declarer) array(object map[string]any, indent string) string {
	first, ok := object["prefixItems"].([]any)
	rest := "unknown"
	if items, given := object["items"]; given {
		rest = d.typeOf(items, indent)
	}
	if !ok {
		return bracketed(rest) + "[]"
	}
	types := make([]string, len(first))
	for i, schema := range first {
		types[i] = bracketed(d.typeOf(schema, indent)) + "?" // a shorter array is valid too
	}
	if rest != "never" {
		types = append(types, "..."+bracketed(rest)+"[]")
	}
	return "[" + strings.Join(types, ", ") + "]"
}

func (d *declarer) object(object map[string]any, indent string) string {
	properties, _ := object["properties"].(map[string]any)
	required, _ := object["required"].([]any)
	var b strings.Builder
	for _, name := range order(properties, required) {
		schema, _ := properties[name].(map[string]any)
		description, _ := schema["description"].(string)
		b.WriteString(comment(indent+"  ", description))
		b.WriteString(indent + "  " + quote(name))
		if !slices.Contains(required, any(name)) {
			b.WriteString("?")
		}
		b.WriteString(": " + d.typeOf(properties[name], indent+"  ") + ";\n")
	}
	others, given := object["additionalProperties"]
	members := "{}"
	if b.Len() > 0 {
		members = "{\n" + b.String() + indent + "}"
	}
	switch {
	case others == false && b.Len() == 0:
		return "Record<string, never>"
	case !given || others == false:
		return members
	case b.Len() == 0:
		return "Record<string, " + d.typeOf(others, indent) + ">"
	}
	return members + " & Record<string, unknown>"
}

// order returns the names of properties: the required ones as they are listed,
// then the others. The order of a JSON object is lost when it is decoded.
func order(properties map[string]any, required []any) (names []string) {
	for _, name := range required {
		if text, ok := name.(string); ok && properties[text] != nil && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// union joins types, each once.
func union(of []any, typeOf func(any) string) string {
	var types []string
	for _, value := range of {
		text := typeOf(value)
		if text == "unknown" {
			return text
		}
		if !slices.Contains(types, text) {
			types = append(types, text)
		}
	}
	if len(types) == 0 {
		return "never"
	}
	return strings.Join(types, " | ")
}

// bracketed returns a type that another operator may follow.
func bracketed(text string) string {
	if strings.Contains(text, " | ") || strings.Contains(text, " & ") {
		return "(" + text + ")"
	}
	return text
}

// literal returns the type of one value. An object or an array is not spelled
// out.
func literal(value any) string {
	switch value.(type) {
	case map[string]any, []any:
		return "unknown"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "unknown"
	}
	return string(text)
}

var identifier = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

// quote returns the name of a property as TypeScript has it.
func quote(name string) string {
	if identifier.MatchString(name) {
		return name
	}
	text, err := json.Marshal(name)
	if err != nil {
		return `""`
	}
	return string(text)
}
