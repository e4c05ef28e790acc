package schema

import (
	"encoding/json"
	"reflect"
	"strconv"
	"sync"
)

// A Flat decodes objects into structs of one type, if all its fields are strings,
// numbers and booleans, as the arguments of most tools are. It does so as
// encoding/json would, in a quarter of the time. The zero value is ready to use.
type Flat struct {
	once   sync.Once
	fields []flatField // nil when the type is not flat
}

type flatField struct {
	name  string
	index int
}

// Decode decodes value, which must be well-formed JSON, into v, the zero value
// of the type. It reports false for what it leaves to encoding/json, faulty values
// among it; v then holds some of the fields, as encoding/json decodes them too.
func (f *Flat) Decode(value []byte, v reflect.Value) bool {
	f.once.Do(func() { f.fields = flatFields(v.Type()) })
	m := members{data: value, pos: skipSpace(value, 0)}
	if f.fields == nil || m.pos == len(value) || value[m.pos] != '{' {
		return false
	}
	for name := m.next(); name != nil; name = m.next() {
		start := m.pos
		m.pos = skipValue(value, start)
		i := f.find(text(name))
		if m.pos < 0 || i < 0 || !decodeAtom(value[start:m.pos], v.Field(i)) {
			return false
		}
	}
	return m.pos >= 0
}

// find returns the index of the field with the name, or -1.
func (f *Flat) find(name []byte) int {
	for i := range f.fields {
		if f.fields[i].name == string(name) {
			return f.fields[i].index
		}
	}
	return -1
}

func flatFields(t reflect.Type) []flatField {
	if t.Kind() != reflect.Struct || isJSON(reflect.PointerTo(t)) || isText(reflect.PointerTo(t)) {
		return nil
	}
	fields := []flatField{}
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		if tag == "-" || !sf.IsExported() && !sf.Anonymous && tag == "" {
			continue
		}
		f, err := newField(sf, tag, field{})
		if err != nil || sf.Anonymous || f.text || !isAtom(sf.Type) {
			return nil
		}
		fields = append(fields, flatField{f.name, i})
	}
	return fields
}

// isAtom reports whether decodeAtom knows the type.
func isAtom(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	if isJSON(p) || isText(p) || t == reflect.TypeFor[json.Number]() {
		return false
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

// decodeAtom decodes a string, number, boolean or null, which changes nothing.
func decodeAtom(value []byte, v reflect.Value) bool {
	if string(value) == "null" {
		return true
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		if value[0] != '"' {
			return false
		}
		v.SetString(string(text(value)))
	case reflect.Bool:
		v.SetBool(value[0] == 't')
		return value[0] == 't' || value[0] == 'f'
	case reflect.Float32, reflect.Float64:
		var n float64
		n, err = strconv.ParseFloat(string(value), v.Type().Bits())
		v.SetFloat(n)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(string(value), 10, v.Type().Bits())
		v.SetInt(n)
	default:
		var n uint64
		n, err = strconv.ParseUint(string(value), 10, v.Type().Bits())
		v.SetUint(n)
	}
	return err == nil
}
