package schema

import (
	"bytes"
	"fmt"
	"reflect"
)

// CheckNames refuses a member of value whose name differs only by case from
// the one of a field that encoding/json, which overlooks case, would decode it
// into. Value must be well-formed JSON. An object that satisfies an inferred
// schema needs no check: it has no other members than the fields.
func CheckNames(t reflect.Type, value []byte) error {
	c := nameChecker{data: value, fields: make(map[reflect.Type][]field)}
	_, err := c.value(t, skipSpace(value, 0))
	return err
}

type nameChecker struct {
	data   []byte
	fields map[reflect.Type][]field // of the structs met so far
}

// value checks the value at pos, which is decoded into a t, and returns its
// end.
func (c *nameChecker) value(t reflect.Type, pos int) (end int, err error) {
	t = indirect(t)
	if pos < 0 || pos >= len(c.data) {
		return -1, errMalformed
	}
	switch kind := t.Kind(); {
	case isJSON(reflect.PointerTo(t)):
	case kind == reflect.Struct && c.data[pos] == '{':
		fields, err := c.fieldsOf(t)
		if err != nil {
			return -1, err
		}
		return c.object(pos, func(name []byte) (reflect.Type, error) { return typeOfMember(fields, name) })
	case kind == reflect.Map && c.data[pos] == '{':
		return c.object(pos, func([]byte) (reflect.Type, error) { return t.Elem(), nil })
	case (kind == reflect.Slice || kind == reflect.Array) && c.data[pos] == '[':
		e := elements{data: c.data, pos: pos}
		for e.pos >= 0 && e.next() {
			if e.pos, err = c.value(t.Elem(), e.pos); err != nil {
				return -1, err
			}
		}
		return e.pos, nil
	}
	return skipValue(c.data, pos), nil
}

// object checks the members of the object at pos, of types that typeOf tells.
// A nil type is one that nothing is decoded into.
func (c *nameChecker) object(pos int, typeOf func(name []byte) (reflect.Type, error)) (end int, err error) {
	m := members{data: c.data, pos: pos}
	for name := m.next(); name != nil; name = m.next() {
		t, err := typeOf(text(name))
		if err != nil {
			return -1, err
		}
		if t == nil {
			m.pos = skipValue(c.data, m.pos)
		} else if m.pos, err = c.value(t, m.pos); err != nil {
			return -1, err
		}
	}
	return m.pos, nil
}

func (c *nameChecker) fieldsOf(t reflect.Type) ([]field, error) {
	fields, ok := c.fields[t]
	if !ok {
		all, err := collect(nil, t, field{}, nil)
		if err != nil {
			return nil, err
		}
		fields = dominant(all)
		c.fields[t] = fields
	}
	return fields, nil
}

func typeOfMember(fields []field, name []byte) (reflect.Type, error) {
	for i := range fields {
		if fields[i].name == string(name) {
			return fields[i].typ, nil
		}
	}
	for i := range fields {
		if bytes.EqualFold([]byte(fields[i].name), name) {
			return nil, fmt.Errorf("name %s differs from %q by case", excerpt(name), fields[i].name)
		}
	}
	return nil, nil
}
