package schema

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A field is a struct field that is a property.
type field struct {
	name     string
	typ      reflect.Type
	tag      reflect.StructTag
	place    string // in Go, such as "Address.Zip"
	depth    int    // in embedded structs
	tagged   bool   // the json tag gives the name
	optional bool
	text     bool // a number that is written as a string
	hidden   bool // by another one
}

// structure writes the schema of a struct.
func (in *inferrer) structure(t reflect.Type, nullable bool) error {
	first := len(in.fields)
	all, err := collect(in.fields, t, field{}, nil)
	if err != nil {
		return err
	}
	in.fields = all
	defer func() { in.fields = in.fields[:first] }()
	fields := dominant(all[first:])
	in.typ("object", nullable)
	if len(fields) > 0 {
		in.key("properties")
		in.open()
		for i := range fields {
			if err := in.property(&fields[i]); err != nil {
				return fmt.Errorf("field %s: %w", fields[i].place, err)
			}
		}
		in.close()
	}
	in.required(fields)
	in.key("additionalProperties")
	in.buf = append(in.buf, "false"...)
	defer in.leave()
	return in.enter()
}

func (in *inferrer) required(fields []field) {
	begun := false
	for i := range fields {
		if fields[i].optional {
			continue
		}
		if begun {
			in.buf = append(in.buf, ',')
		} else {
			in.key("required")
			in.buf = append(in.buf, '[')
		}
		begun = true
		in.buf = jsonrpc.AppendString(in.buf, fields[i].name)
	}
	if begun {
		in.buf = append(in.buf, ']')
	}
}

// collect adds the fields of t, which is the type of the embedded field outer
// or the whole, to fields. A struct that embeds itself adds nothing more.
func collect(fields []field, t reflect.Type, outer field, seen []reflect.Type) ([]field, error) {
	if slices.Contains(seen, t) {
		return fields, nil
	}
	first := len(fields)
	fields = slices.Grow(fields, t.NumField())
	for sf := range t.Fields() {
		tag := sf.Tag.Get("json")
		if tag == "-" || !sf.IsExported() && !sf.Anonymous && tag == "" {
			continue
		}
		f, err := newField(sf, tag, outer)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.place, err)
		}
		if !sf.Anonymous || f.tagged {
			if i := slices.IndexFunc(fields[first:], func(g field) bool { return g.name == f.name && g.depth == f.depth }); i >= 0 {
				return nil, fmt.Errorf("fields %s and %s are both named %q in JSON", fields[first+i].place, f.place, f.name)
			}
			fields = append(fields, f)
			continue
		}
		if fields, err = collect(fields, indirect(sf.Type), f, append(slices.Clip(seen), t)); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func newField(sf reflect.StructField, tag string, outer field) (field, error) {
	name, options, _ := strings.Cut(tag, ",")
	_, hasDefault := sf.Tag.Lookup("default")
	f := field{
		name:     cmp.Or(name, sf.Name),
		typ:      sf.Type,
		tag:      sf.Tag,
		place:    strings.TrimPrefix(outer.place+"."+sf.Name, "."),
		depth:    outer.depth + 1,
		tagged:   name != "",
		optional: outer.optional || hasDefault || sf.Type.Kind() == reflect.Pointer,
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "omitempty", "omitzero":
			f.optional = true
		case "string":
			f.text = true
		default:
			return f, fmt.Errorf("the json option %s is not supported", option)
		}
	}
	return f, f.check(sf)
}

// check refuses what encoding/json would pass over in silence.
func (f *field) check(sf reflect.StructField) error {
	switch {
	case f.tagged && !isTagName(f.name):
		return fmt.Errorf("tag json: %q is not a name that encoding/json knows", f.name)
	case f.tagged && !sf.IsExported():
		return errors.New("a field with a json tag must be exported")
	case sf.Anonymous && !f.tagged && indirect(sf.Type).Kind() != reflect.Struct:
		return errors.New("an embedded type that is not a struct needs a name in its json tag")
	}
	return nil
}

// isTagName reports whether encoding/json takes the name in a tag for one.
func isTagName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// indirect follows the pointers that t is.
func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// dominant drops the fields that another one hides: of those with the same
// name the least deep wins; among equals the one whose tag says the name; and
// when that does not decide, none.
func dominant(fields []field) []field {
	hides := func(a, b *field) bool {
		return a.name != b.name || a.depth < b.depth || a.depth == b.depth && a.tagged && !b.tagged
	}
	for i := range fields {
		for j := range fields {
			fields[i].hidden = fields[i].hidden || i != j && !hides(&fields[i], &fields[j])
		}
	}
	return slices.DeleteFunc(fields, func(f field) bool { return f.hidden })
}

// property writes the property that f describes.
func (in *inferrer) property(f *field) error {
	if in.buf[len(in.buf)-1] != '{' {
		in.buf = append(in.buf, ',')
	}
	in.buf = append(jsonrpc.AppendString(in.buf, f.name), ':')
	start := len(in.buf)
	in.open()
	err := in.fieldType(f)
	if err != nil {
		return err
	}
	if err := in.enum(f, start); err != nil {
		return err
	}
	rules := in.buf[start:]
	if text, ok := f.tag.Lookup("jsonschema"); ok {
		if err := checkDescription(text); err != nil {
			return err
		}
		if err := in.text("description", text); err != nil {
			return fmt.Errorf("tag jsonschema: %w", err)
		}
	}
	if err := in.defaultValue(f, rules); err != nil {
		return err
	}
	// The annotation comes last: what is before it is compiled alone, for the
	// other tags, and there its place would be wrong.
	if name, ok := f.tag.Lookup("header"); ok {
		in.headers = true
		if err := in.text("x-mcp-header", name); err != nil {
			return fmt.Errorf("tag header: %w", err)
		}
	}
	in.close()
	return nil
}

// fieldType writes the keywords for the type of f.
func (in *inferrer) fieldType(f *field) error {
	if !f.text {
		return in.keywords(f.typ)
	}
	t := indirect(f.typ)
	pattern := integerPattern
	switch {
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
	case t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uintptr:
		pattern = unsignedPattern
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		pattern = numberPattern
	default:
		return errors.New("the json option string is for numbers")
	}
	in.typ("string", t != f.typ)
	defer in.leave()
	return cmp.Or(in.text("pattern", pattern), in.enter())
}

// checkDescription refuses the key=value form in which other libraries write
// the tag: it would become a description that misleads.
func checkDescription(text string) error {
	word, _, _ := strings.Cut(text, " ")
	if text == "" || strings.Contains(word, "=") {
		return fmt.Errorf("tag jsonschema is the description and nothing else, got %q", text)
	}
	return nil
}

// enum writes the enum tag of f, whose schema begins at start.
func (in *inferrer) enum(f *field, start int) error {
	tag, ok := f.tag.Lookup("enum")
	if !ok {
		return nil
	}
	// The values of a slice are its elements, so the keyword goes inside.
	inside := bytes.HasSuffix(in.buf, []byte("}")) && isList(f.typ)
	if inside {
		in.buf = in.buf[:len(in.buf)-1]
		start += bytes.Index(in.buf[start:], []byte(`"items":`)) + len(`"items":`)
	}
	base := unfinished(in.buf[start:])
	in.key("enum")
	in.buf = append(in.buf, '[')
	for value := range strings.SplitSeq(tag, ",") {
		literal, err := base.literal(value)
		if err != nil {
			return fmt.Errorf("tag enum: %w", err)
		}
		if in.buf[len(in.buf)-1] != '[' {
			in.buf = append(in.buf, ',')
		}
		in.buf = append(in.buf, literal...)
	}
	if bytes.HasPrefix(base.json, []byte(`{"type":[`)) { // what, or null
		in.buf = append(in.buf, ",null"...)
	}
	in.buf = append(in.buf, ']')
	if inside {
		in.close()
	}
	return nil
}

func isList(t reflect.Type) bool {
	kind := indirect(t).Kind()
	return kind == reflect.Slice || kind == reflect.Array
}

// defaultValue writes the default tag of f into its schema. Rules is what the
// value has to satisfy, an object that is not closed.
func (in *inferrer) defaultValue(f *field, rules []byte) error {
	tag, ok := f.tag.Lookup("default")
	if !ok {
		return nil
	}
	base := unfinished(rules)
	literal, err := base.literal(tag)
	if err != nil {
		return fmt.Errorf("tag default: %w", err)
	}
	in.key("default")
	in.buf = append(in.buf, literal...)
	return nil
}

// unfinished returns the schema that lacks nothing but its closing brace.
func unfinished(text []byte) *Schema {
	return &Schema{json: slices.Concat(text, []byte("}"))}
}

// literal returns the JSON for a value in a tag: it is JSON already, or the
// bare text of a string. It has to satisfy s, which is compiled unless that is
// plain to see.
func (s *Schema) literal(tag string) ([]byte, error) {
	bare := !strings.HasPrefix(tag, `"`)
	switch plain := string(s.json); {
	case plain == `{"type":"string"}` && bare:
		return quote(tag), nil
	case plain == `{"type":"integer"}` && isInteger(tag),
		plain == `{"type":"boolean"}` && (tag == "true" || tag == "false"):
		return []byte(tag), nil
	}
	if err := s.compile(); err != nil {
		return nil, err
	}
	raw := []byte(tag)
	if bare && s.root.types&^typeNull == typeString {
		raw = quote(tag)
	}
	literal, err := compact(raw)
	if err != nil {
		return nil, fmt.Errorf("%s is not JSON", tag)
	}
	if err := s.Validate(context.Background(), literal); err != nil {
		return nil, fmt.Errorf("%s: %w", tag, err)
	}
	return literal, nil
}
