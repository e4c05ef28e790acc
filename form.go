package mcpengine

import (
	"fmt"
	"reflect"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// formOf returns the schema of a form inferred from t: a flat object of
// primitive properties, and nothing that the schema of a form has no place for
// (schema, "ElicitRequestFormParams").
func (e *Engine) formOf(t reflect.Type) (*schema.Schema, error) {
	if s, ok := e.forms.Load(t); ok {
		return s.(*schema.Schema), nil
	}
	inferred, err := e.schemaOf(t)
	if err != nil {
		return nil, err
	}
	root, err := jsonrpc.ParseObject(inferred.JSON())
	if err != nil {
		return nil, err
	}
	if inferred.Type() != "object" || root.Get("properties") == nil {
		return nil, fmt.Errorf("%v is not a struct with fields", t)
	}
	if err := checkForm(root.Get("properties")); err != nil {
		return nil, fmt.Errorf("%v: %w", t, err)
	}
	form := fmt.Appendf(nil, `{"type":"object","properties":%s`, root.Get("properties"))
	if required := root.Get("required"); required != nil {
		form = fmt.Appendf(form, `,"required":%s`, required)
	}
	s, err := schema.Compile(append(form, '}'))
	if err != nil {
		return nil, err
	}
	e.forms.Store(t, s)
	return s, nil
}

func checkForm(properties []byte) error {
	members, err := jsonrpc.ParseObject(properties)
	if err != nil {
		return err
	}
	for _, m := range members {
		property, err := jsonrpc.ParseObject(m.Value)
		if err != nil {
			return err
		}
		switch string(property.Get("type")) {
		case `"string"`, `"number"`, `"integer"`, `"boolean"`:
		case `"array"`:
			items, err := jsonrpc.ParseObject(property.Get("items"))
			if err != nil || items.Get("enum") == nil {
				return fmt.Errorf("field %q: a list in a form holds enumerated strings", m.Name)
			}
		default:
			return fmt.Errorf("field %q: a form holds strings, numbers, booleans and choices", m.Name)
		}
	}
	return nil
}
