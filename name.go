package mcpengine

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"unicode"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/scan"
)

// checkNames refuses a member of value whose name differs only by case from
// the one of a field that encoding/json, which overlooks case, would decode it
// into. Value must be well-formed JSON. An object that satisfies an inferred
// schema needs no check: it has no other members than the fields.
func checkNames(t reflect.Type, value []byte) error {
	c := nameChecker{data: value, fields: make(map[reflect.Type]fieldNames)}
	_, err := c.value(t, scan.Space(value, 0))
	return err
}

type nameChecker struct {
	data   []byte
	fields map[reflect.Type]fieldNames // of the structs met so far
}

// fieldNames are the fields of a struct by their names without case.
type fieldNames map[string][]infer.Field

// value checks the value at pos, which is decoded into a t, and returns its
// end.
func (c *nameChecker) value(t reflect.Type, pos int) (end int, err error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if pos < 0 || pos >= len(c.data) {
		return -1, errors.New("malformed JSON")
	}
	switch kind := t.Kind(); {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
	case kind == reflect.Struct && c.data[pos] == '{':
		fields, err := c.fieldsOf(t)
		if err != nil {
			return -1, err
		}
		return c.object(pos, fields.typeOf)
	case kind == reflect.Map && c.data[pos] == '{':
		return c.object(pos, func([]byte) (reflect.Type, error) { return t.Elem(), nil })
	case (kind == reflect.Slice || kind == reflect.Array) && c.data[pos] == '[':
		e := scan.Elements{Data: c.data, Pos: pos}
		for e.Pos >= 0 && e.Next() {
			if e.Pos, err = c.value(t.Elem(), e.Pos); err != nil {
				return -1, err
			}
		}
		return e.Pos, nil
	}
	return scan.Value(c.data, pos), nil
}

// object checks the members of the object at pos, of types that typeOf tells.
// A nil type is one that nothing is decoded into.
func (c *nameChecker) object(pos int, typeOf func(name []byte) (reflect.Type, error)) (end int, err error) {
	m := scan.Members{Data: c.data, Pos: pos}
	for name := m.Next(); name != nil; name = m.Next() {
		t, err := typeOf(scan.Text(name))
		if err != nil {
			return -1, err
		}
		if t == nil {
			m.Pos = scan.Value(c.data, m.Pos)
		} else if m.Pos, err = c.value(t, m.Pos); err != nil {
			return -1, err
		}
	}
	return m.Pos, nil
}

func (c *nameChecker) fieldsOf(t reflect.Type) (fieldNames, error) {
	names, ok := c.fields[t]
	if !ok {
		fields, err := infer.Fields(t)
		if err != nil {
			return nil, err
		}
		names = make(fieldNames, len(fields))
		for _, f := range fields {
			key := string(foldCase(nil, []byte(f.Name)))
			names[key] = append(names[key], f)
		}
		c.fields[t] = names
	}
	return names, nil
}

// typeOf returns the type of the field that a member is decoded into, nil for
// none.
func (n fieldNames) typeOf(name []byte) (reflect.Type, error) {
	var buffer [64]byte
	fields := n[string(foldCase(buffer[:0], name))]
	for i := range fields {
		if fields[i].Name == string(name) {
			return fields[i].Type, nil
		}
	}
	if len(fields) > 0 {
		return nil, fmt.Errorf("name %.64s differs from %q by case", name, fields[0].Name)
	}
	return nil, nil
}

// foldCase appends a form of name that it shares with the names that differ
// from it by case alone, as [bytes.EqualFold] compares them.
func foldCase(dst, name []byte) []byte {
	for len(name) > 0 {
		r, size := utf8.DecodeRune(name)
		name = name[size:]
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		dst = utf8.AppendRune(dst, least)
	}
	return dst
}
