package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// maxFields bounds the fields of a form, and the choices of a field.
const maxFields = 100

// A formField is a property of a form: a string, number, integer, boolean, choice
// or list of choices (schema, PrimitiveSchemaDefinition).
type formField struct {
	choices
	Type        string          `json:"type"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Default     json.RawMessage `json:"default"`
	Items       choices         `json:"items"`

	name     string
	required bool
}

// choices are values to choose from, in the forms that the schema has for them.
type choices struct {
	Enum  []string `json:"enum"`
	Names []string `json:"enumNames"`
	OneOf []choice `json:"oneOf"`
	AnyOf []choice `json:"anyOf"`
}

type choice struct {
	Value string `json:"const"`
	Title string `json:"title"`
}

// all returns the choices, each with a title.
func (c choices) all() []choice {
	all := slices.Concat(c.OneOf, c.AnyOf)
	for i, value := range c.Enum {
		title := ""
		if i < len(c.Names) {
			title = c.Names[i]
		}
		all = append(all, choice{value, title})
	}
	return all
}

// formFields reads a form, in its order.
func formFields(schema []byte) ([]*formField, error) {
	object, err := jsonrpc.ParseObject(schema)
	if err != nil {
		return nil, err
	}
	var required []string
	if raw := object.Get("required"); raw != nil {
		if err := json.Unmarshal(raw, &required); err != nil {
			return nil, err
		}
	}
	properties, err := jsonrpc.ParseObject(object.Get("properties"))
	if err != nil {
		return nil, err
	}
	if len(properties) > maxFields {
		return nil, fmt.Errorf("more than %d fields", maxFields)
	}
	var fields []*formField
	for _, p := range properties {
		f := &formField{name: string(p.Name), required: slices.Contains(required, string(p.Name))}
		if err := json.Unmarshal(p.Value, f); err != nil {
			return nil, fmt.Errorf("field %q: %w", p.Name, err)
		}
		if len(f.all()) > maxFields || len(f.Items.all()) > maxFields {
			return nil, fmt.Errorf("field %q: more than %d choices", p.Name, maxFields)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// question returns the text that asks for the field.
func (f *formField) question() string {
	var b strings.Builder
	title := f.Title
	if title == "" {
		title = f.name
	}
	if f.Description != "" {
		b.WriteString(fmt.Sprintf("  (%s)\n", terminal.Fold(f.Description)))
	}
	for i, c := range slices.Concat(f.all(), f.Items.all()) {
		b.WriteString(fmt.Sprintf("  %d. %s\n", i+1, terminal.Fold(c.Value+"  "+c.Title)))
	}
	b.WriteString("  " + terminal.Fold(title))
	switch {
	case f.Type == "array":
		b.WriteString(", several with commas")
	case f.Type == "boolean":
		b.WriteString(" (y/n)")
	case len(f.all()) > 0:
	case f.Type != "string":
		b.WriteString(fmt.Sprintf(" (%s)", terminal.Fold(f.Type)))
	}
	switch {
	case f.Default != nil:
		b.WriteString(fmt.Sprintf(" [%s]", terminal.Fold(string(f.Default))))
	case !f.required:
		b.WriteString(" [none]")
	}
	return b.String() + ": "
}

// parse turns an answer into a value. The server checks lengths, ranges and
// formats.
func (f *formField) parse(line string) (json.RawMessage, error) {
	switch {
	case f.Type == "array":
		values := []string{}
		for part := range strings.SplitSeq(line, ",") {
			value, err := choose(f.Items.all(), strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			values = append(values, value)
		}
		return json.Marshal(values)
	case len(f.all()) > 0:
		value, err := choose(f.all(), line)
		if err != nil {
			return nil, err
		}
		return quote(value), nil
	}
	return parsePrimitive(f.Type, line)
}

func parsePrimitive(kind, line string) (json.RawMessage, error) {
	switch kind {
	case "boolean":
		switch strings.ToLower(line) {
		case "y", "yes", "true":
			return json.RawMessage("true"), nil
		case "n", "no", "false":
			return json.RawMessage("false"), nil
		}
		return nil, errors.New("answer y or n")
	case "integer":
		if _, err := strconv.ParseInt(line, 10, 64); err != nil || !json.Valid([]byte(line)) {
			return nil, errors.New("answer with a whole number")
		}
		return json.RawMessage(line), nil
	case "number":
		if _, err := strconv.ParseFloat(line, 64); err != nil || !json.Valid([]byte(line)) {
			return nil, errors.New("answer with a number")
		}
		return json.RawMessage(line), nil
	}
	if line == "" {
		return nil, errors.New("an answer is required")
	}
	return quote(line), nil
}

// choose returns the value with that text or number.
func choose(all []choice, line string) (string, error) {
	for _, c := range all {
		if c.Value == line {
			return line, nil
		}
	}
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || n > len(all) {
		return "", fmt.Errorf("answer with one of the %d choices or its number", len(all))
	}
	return all[n-1].Value, nil
}
