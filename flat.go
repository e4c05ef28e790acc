package mcpengine

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"sync"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/scan"
)

// A flatDecoder decodes objects into structs of one type, if all its fields are strings,
// numbers and booleans, as the arguments of most tools are. It does so as
// encoding/json would, in a quarter of the time. The zero value is ready to use.
type flatDecoder struct {
	once   sync.Once
	fields []flatField // nil when the type is not flat
}

type flatField struct {
	name  string
	index int
}

// decode decodes value, which must be well-formed JSON, into v, the zero value
// of the type. It reports false for what it leaves to encoding/json, faulty values
// among it; v then holds some of the fields, as encoding/json decodes them too.
func (f *flatDecoder) decode(value []byte, v reflect.Value) bool {
	f.once.Do(func() { f.fields = flatFields(v.Type()) })
	m := scan.Members{Data: value, Pos: scan.Space(value, 0)}
	if f.fields == nil || m.Pos == len(value) || value[m.Pos] != '{' {
		return false
	}
	for name := m.Next(); name != nil; name = m.Next() {
		start := m.Pos
		m.Pos = scan.Value(value, start)
		i := f.find(scan.Text(name))
		if m.Pos < 0 || i < 0 || !decodeAtom(value[start:m.Pos], v.Field(i)) {
			return false
		}
	}
	return m.Pos >= 0
}

// find returns the index of the field with the name, or -1.
func (f *flatDecoder) find(name []byte) int {
	for i := range f.fields {
		if f.fields[i].name == string(name) {
			return f.fields[i].index
		}
	}
	return -1
}

func flatFields(t reflect.Type) []flatField {
	if t.Kind() != reflect.Struct || decodesItself(t) {
		return nil
	}
	fields, err := infer.Fields(t)
	if err != nil {
		return nil
	}
	flat := make([]flatField, len(fields))
	for i, f := range fields {
		if len(f.Index) > 1 || f.Quoted || !isAtom(f.Type) {
			return nil
		}
		flat[i] = flatField{f.Name, f.Index[0]}
	}
	return flat
}

// decodesItself reports whether encoding/json leaves a value of t to its
// methods.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// isAtom reports whether decodeAtom knows the type.
func isAtom(t reflect.Type) bool {
	if decodesItself(t) || t == reflect.TypeFor[json.Number]() {
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
		v.SetString(string(scan.Text(value)))
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
