package mcpengine

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// checkForm refuses a schema that is not one of a form: a flat object of primitive
// properties (schema, "ElicitRequestFormParams").
func checkForm(t reflect.Type, s *schema.Schema) error {
	root, err := jsonrpc.ParseObject(s.JSON())
	if err != nil {
		return err
	}
	if s.Type() != "object" || root.Get("properties") == nil {
		return fmt.Errorf("%v is not a struct with fields", t)
	}
	properties, err := jsonrpc.ParseObject(root.Get("properties"))
	if err != nil {
		return err
	}
	for _, m := range properties {
		if err := checkFormField(m.Value); err != nil {
			return fmt.Errorf("%v: field %q: %w", t, m.Name, err)
		}
	}
	return nil
}

// formKeywords are the keywords of the properties of a form.
var formKeywords = []string{
	"type", "title", "description", "default", "enum", "minLength", "maxLength", "format", "minimum", "maximum", "items", "minItems", "maxItems",
}

func checkFormField(text []byte) error {
	property, err := jsonrpc.ParseObject(text)
	if err != nil {
		return err
	}
	switch string(property.Get("type")) {
	case `"string"`, `"number"`, `"integer"`, `"boolean"`:
	case `"array"`:
		items, err := jsonrpc.ParseObject(property.Get("items"))
		if err != nil || items.Get("enum") == nil {
			return errors.New("a list in a form holds enumerated strings")
		}
	default:
		return errors.New("a form holds strings, numbers, booleans and choices")
	}
	for _, keyword := range property {
		if !slices.Contains(formKeywords, string(keyword.Name)) {
			return fmt.Errorf("a form has no place for %s", keyword.Name)
		}
	}
	switch format := string(property.Get("format")); format {
	case "", `"email"`, `"uri"`, `"date"`, `"date-time"`:
		return nil
	default:
		return fmt.Errorf("a form does not know the format %s", format)
	}
}
