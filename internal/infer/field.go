package infer

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// A Field is a field of a struct that is a member in JSON.
type Field struct {
	Name   string       // of the member
	Type   reflect.Type // of the field
	Index  []int        // see [reflect.Value.FieldByIndex]
	Quoted bool         // the option string of its json tag puts the value into a string
}

// Fields returns the fields of a struct that encoding/json reads and writes,
// including the fields of embedded structs.
func Fields(t reflect.Type) ([]Field, error) {
	all, err := collect(nil, t, field{}, nil, false)
	if err != nil {
		return nil, err
	}
	all = dominant(all)
	fields := make([]Field, len(all))
	for i, f := range all {
		fields[i] = Field{f.name, f.typ, f.index, f.quoted}
	}
	return fields, nil
}

// A field is a Field and what inference needs of it.
type field struct {
	name     string
	typ      reflect.Type
	tag      reflect.StructTag
	place    string // in Go, such as "Address.Zip"
	index    []int
	tagged   bool // the json tag gives the name
	optional bool
	quoted   bool
	hidden   bool // by another one
}

// depth returns the number of structs around f.
func (f *field) depth() int { return len(f.index) }

// collect adds the fields of t, which is the type of the embedded field outer
// or the whole, to fields. A struct that embeds itself adds nothing more.
func collect(fields []field, t reflect.Type, outer field, seen []reflect.Type, decode bool) ([]field, error) {
	if slices.Contains(seen, t) {
		return fields, nil
	}
	first := len(fields)
	fields = slices.Grow(fields, t.NumField())
	for i := range t.NumField() { //nolint:modernize // t.Fields() allocates five times
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		if tag == "-" || isIgnored(sf, tag) {
			continue
		}
		f, err := newField(sf, tag, outer)
		if err != nil {
			return nil, inField(f.place, err)
		}
		embedded := indirect(sf.Type)
		if sf.Anonymous && !sf.IsExported() && sf.Type.Kind() == reflect.Pointer && decode {
			return nil, inField(f.place, fmt.Errorf("encoding/json cannot decode into an embedded pointer to an unexported struct: embed %s itself", embedded))
		}
		if sf.Anonymous && !f.tagged && embedded.Kind() == reflect.Struct {
			if fields, err = collect(fields, embedded, f, append(slices.Clip(seen), t), decode); err != nil {
				return nil, err
			}
			continue
		}
		if i := slices.IndexFunc(fields[first:], func(g field) bool { return g.name == f.name && g.depth() == f.depth() }); i >= 0 {
			return nil, fmt.Errorf("fields %s and %s are both named %q in JSON", fields[first+i].place, f.place, f.name)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// isIgnored reports whether encoding/json ignores a field because it is neither
// exported nor an embedded struct.
func isIgnored(sf reflect.StructField, tag string) bool {
	if sf.IsExported() {
		return false
	}
	if sf.Anonymous {
		return indirect(sf.Type).Kind() != reflect.Struct
	}
	return tag == ""
}

func newField(sf reflect.StructField, tag string, outer field) (field, error) {
	name, options, _ := strings.Cut(tag, ",")
	f := field{
		name:     cmp.Or(name, sf.Name),
		typ:      sf.Type,
		tag:      sf.Tag,
		place:    sf.Name,
		index:    sf.Index,
		tagged:   name != "",
		optional: outer.optional || sf.Type.Kind() == reflect.Pointer,
	}
	if outer.index != nil {
		f.place = outer.place + "." + sf.Name
		f.index = slices.Concat(outer.index, sf.Index)
	}
	for option := range strings.SplitSeq(options, ",") {
		switch {
		case option == "":
		case option == "omitempty", option == "omitzero":
			f.optional = true
		case option == "string":
			f.quoted = true
		case option == "inline" && sf.Anonymous:
			// What encoding/json does without it too.
		case option == "inline":
			return f, errors.New("encoding/json ignores the json option inline: embed the type instead")
		default:
			return f, fmt.Errorf("encoding/json ignores the json option %s", option)
		}
	}
	return f, f.check(sf)
}

// check refuses tags that encoding/json would ignore without a word.
func (f *field) check(sf reflect.StructField) error {
	switch {
	case f.tagged && !isTagName(f.name):
		return fmt.Errorf("tag json: %q is not a name that encoding/json knows", f.name)
	case !sf.IsExported() && !sf.Anonymous:
		return errors.New("a field with a json tag must be exported")
	}
	return nil
}

// isTagName reports whether encoding/json takes the name in a tag for one.
func isTagName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r)
	})
}

// indirect returns the type behind the pointers of t, or t itself if t is a
// pointer to itself.
func indirect(t reflect.Type) reflect.Type {
	for start := t; t.Kind() == reflect.Pointer; {
		if t = t.Elem(); t == start {
			break
		}
	}
	return t
}

// dominant drops hidden fields. Of several fields with one name the least
// deeply embedded wins; at the same depth the one with the name in its tag; and
// if that leaves several, none.
func dominant(fields []field) []field {
	hides := func(a, b *field) bool {
		return a.name != b.name || a.depth() < b.depth() || a.depth() == b.depth() && a.tagged && !b.tagged
	}
	for i := range fields {
		for j := range fields {
			fields[i].hidden = fields[i].hidden || i != j && !hides(&fields[i], &fields[j])
		}
	}
	return slices.DeleteFunc(fields, func(f field) bool { return f.hidden })
}
