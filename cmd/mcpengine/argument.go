package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
)

const (
	// maxArgumentBytes bounds a file or standard input that is an argument.
	maxArgumentBytes = 16 << 20

	// maxReferences bounds the references that the search for types follows.
	maxReferences = 32
)

// toolArguments reads arguments of a tool, KEY=VALUE or KEY:=JSON. The value of
// KEY=VALUE is text where the schema takes a string or does not say, and
// otherwise JSON. In both forms @FILE is the content of a file, @- is standard
// input, and @@ is a value that begins with @.
func (c *cli) toolArguments(schema json.RawMessage, pairs []string) (json.RawMessage, error) {
	types := parseSchema(schema)
	arguments := map[string]json.RawMessage{}
	for _, pair := range pairs {
		key, value, err := splitPair(pair)
		if err != nil {
			return nil, err
		}
		key, isJSON := strings.CutSuffix(key, ":")
		if key == "" || arguments[key] != nil {
			return nil, usageError{fmt.Errorf("argument %q has no name, or the name of an earlier argument", pair)}
		}
		if value, err = c.value(value); err != nil {
			return nil, fmt.Errorf("argument %s: %w", key, err)
		}
		allowed := types.of(key)
		if !isJSON && (len(allowed) == 0 || allowed["string"]) {
			arguments[key] = quote(value)
			continue
		}
		arguments[key] = json.RawMessage(value)
		if err := checkJSON(value, allowed, isJSON); err != nil {
			return nil, usageError{fmt.Errorf("argument %s: %w", key, err)}
		}
	}
	return json.Marshal(arguments)
}

// promptArguments reads arguments of a prompt, which are all text.
func (c *cli) promptArguments(pairs []string) (map[string]string, error) {
	arguments := map[string]string{}
	for _, pair := range pairs {
		key, value, err := splitPair(pair)
		if err != nil {
			return nil, err
		}
		if _, twice := arguments[key]; twice {
			return nil, usageError{fmt.Errorf("argument %q has been given before", pair)}
		}
		if arguments[key], err = c.value(value); err != nil {
			return nil, fmt.Errorf("argument %s: %w", key, err)
		}
	}
	return arguments, nil
}

func splitPair(pair string) (key, value string, err error) {
	key, value, ok := strings.Cut(pair, "=")
	if !ok || key == "" {
		return "", "", usageError{fmt.Errorf("argument %q is not KEY=VALUE", pair)}
	}
	return key, value, nil
}

// wholeArguments reads the arguments of a tool in one piece.
func (c *cli) wholeArguments(value string) (json.RawMessage, error) {
	if value == "-" {
		value = "@-"
	}
	text, err := c.value(value)
	if err != nil {
		return nil, fmt.Errorf("--json: %w", err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return nil, usageError{fmt.Errorf("--json: not a JSON object: %w", orNull(err))}
	}
	return json.RawMessage(text), nil
}

func orNull(err error) error {
	if err == nil {
		return fmt.Errorf("it is null")
	}
	return err
}

// value returns the text of an argument: itself, or the content of the file that
// it names.
func (c *cli) value(s string) (string, error) {
	name, ok := strings.CutPrefix(s, "@")
	if !ok || strings.HasPrefix(name, "@") {
		return name, nil
	}
	return c.readFile(name, maxArgumentBytes)
}

// readFile reads a file, or standard input where the name is "-".
func (c *cli) readFile(name string, limit int) (string, error) {
	r := c.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("more than %d KiB", limit>>10)
	}
	return string(data), err
}

func quote(s string) json.RawMessage {
	data, _ := json.Marshal(s) // a string always encodes
	return data
}

// checkJSON returns an error for invalid JSON, and for a type that the schema does
// not allow. The server checks the rest.
func checkJSON(value string, allowed map[string]bool, forced bool) error {
	var v any
	decoder := json.NewDecoder(strings.NewReader(value))
	decoder.UseNumber()
	err := decoder.Decode(&v)
	if err == nil && decoder.More() {
		err = fmt.Errorf("more than one value")
	}
	if forced || len(allowed) == 0 {
		if err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		return nil
	}
	kind := kindOf(v)
	if err != nil || !allowed[kind] && (kind != "integer" || !allowed["number"]) {
		return fmt.Errorf("%.40q is not %s", value, strings.Join(slices.Sorted(maps.Keys(allowed)), " or "))
	}
	return nil
}

// kindOf returns the name that JSON Schema has for the type of a value.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if f, err := v.Float64(); err == nil && f == math.Trunc(f) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// A typeSchema holds the keywords of a schema that are about types.
type typeSchema struct {
	Type       any                        `json:"type"`
	Enum       []any                      `json:"enum"`
	Const      *json.RawMessage           `json:"const"`
	Default    *json.RawMessage           `json:"default"`
	AnyOf      []typeSchema               `json:"anyOf"`
	OneOf      []typeSchema               `json:"oneOf"`
	Ref        string                     `json:"$ref"`
	Properties map[string]json.RawMessage `json:"properties"`
	Defs       map[string]json.RawMessage `json:"$defs"`
	Old        map[string]json.RawMessage `json:"definitions"`
	Required   []string                   `json:"required"`
}

// parseSchema reads a schema. A schema that it cannot read allows every type.
func parseSchema(raw []byte) *typeSchema {
	s := &typeSchema{}
	if json.Unmarshal(raw, s) != nil {
		return &typeSchema{}
	}
	return s
}

// of returns the types that an argument may have, or none if the schema does not
// say.
func (s *typeSchema) of(argument string) map[string]bool {
	types := map[string]bool{}
	budget := maxReferences
	if raw, ok := s.Properties[argument]; ok && !s.collect(parseSchema(raw), types, &budget) {
		return nil
	}
	return types
}

// collect adds the types of a part, and reports whether it says any.
func (s *typeSchema) collect(part *typeSchema, types map[string]bool, budget *int) bool {
	if *budget--; *budget < 0 {
		return false
	}
	if part.Type == nil {
		return s.collectOthers(part, types, budget)
	}
	names, ok := part.Type.([]any)
	if !ok {
		names = []any{part.Type}
	}
	for _, name := range names {
		if name, ok := name.(string); ok {
			types[name] = true
		}
	}
	return len(types) > 0
}

// collectOthers collects from a part that does not name its type.
func (s *typeSchema) collectOthers(part *typeSchema, types map[string]bool, budget *int) bool {
	if name, ok := strings.CutPrefix(part.Ref, "#/$defs/"); ok && s.Defs[name] != nil {
		return s.collect(parseSchema(s.Defs[name]), types, budget)
	}
	if name, ok := strings.CutPrefix(part.Ref, "#/definitions/"); ok && s.Old[name] != nil {
		return s.collect(parseSchema(s.Old[name]), types, budget)
	}
	values := part.Enum
	if part.Const != nil {
		values = append(values, decoded(*part.Const))
	}
	for _, v := range values {
		if f, ok := v.(float64); ok {
			v = json.Number(fmt.Sprint(f))
		}
		types[kindOf(v)] = true
	}
	says := len(values) > 0
	for _, options := range [][]typeSchema{part.AnyOf, part.OneOf} {
		for i := range options {
			if !s.collect(&options[i], types, budget) {
				return false // anything may be meant
			}
			says = true
		}
	}
	return says
}
