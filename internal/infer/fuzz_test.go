package infer_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// A choices is a stream of bytes that decides.
type choices []byte

func (c *choices) choose(n int) int {
	if len(*c) == 0 {
		return 0
	}
	choice := int((*c)[0]) % n
	*c = (*c)[1:]
	return choice
}

var leaves = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint64](),
	reflect.TypeFor[float64](), reflect.TypeFor[float32](), reflect.TypeFor[[]byte](), reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](),
	reflect.TypeFor[json.Number](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[any](), reflect.TypeFor[big.Int](), reflect.TypeFor[netip.Addr](),
	reflect.TypeFor[upper](), reflect.TypeFor[pair](), reflect.TypeFor[recursive](), reflect.TypeFor[generic[string]](), reflect.TypeFor[list](),
	reflect.TypeFor[ping](), reflect.TypeFor[error](), reflect.TypeFor[chan int](), reflect.TypeFor[onlyMarshals](), reflect.TypeFor[pointerMarshals](),
}

// typ makes a type.
func (c *choices) typ(depth int) reflect.Type {
	if depth == 0 {
		return leaves[c.choose(len(leaves))]
	}
	switch c.choose(8) {
	case 0:
		return reflect.PointerTo(c.typ(depth - 1))
	case 1:
		return reflect.SliceOf(c.typ(depth - 1))
	case 2:
		return reflect.ArrayOf(c.choose(3), c.typ(depth-1))
	case 3:
		keys := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int16](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[bool]()}
		return reflect.MapOf(keys[c.choose(len(keys))], c.typ(depth-1))
	case 4, 5, 6:
		fields := make([]reflect.StructField, 1+c.choose(4))
		for i := range fields {
			options := []string{"", ",omitempty", ",omitzero", ",string"}
			fields[i] = reflect.StructField{
				Name: fmt.Sprintf("F%d", i),
				Type: c.typ(depth - 1),
				Tag:  reflect.StructTag(fmt.Sprintf(`json:"f%d%s"`, i, options[c.choose(len(options))])),
			}
		}
		return reflect.StructOf(fields)
	}
	return leaves[c.choose(len(leaves))]
}

// fill sets v to a value with nothing that encoding/json writes as null.
func (c *choices) fill(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(int64(c.choose(256))<<20, 0)))
		return
	case json.Number:
		v.SetString([]string{"0", "-1.5", "1e30"}[c.choose(3)])
		return
	case json.RawMessage:
		v.SetBytes([]byte(`{"a":[1]}`))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.IPv6Loopback()))
		return
	case big.Int:
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{"", "a", "é\"\\\n", "0"}[c.choose(4)])
	case reflect.Bool:
		v.SetBool(c.choose(2) == 1)
	case reflect.Int, reflect.Int8, reflect.Int64, reflect.Int16:
		v.SetInt([]int64{0, 1, -1, -1 << (v.Type().Bits() - 1)}[c.choose(4)])
	case reflect.Uint64, reflect.Uint8:
		v.SetUint([]uint64{0, 1, 1<<v.Type().Bits() - 1}[c.choose(3)])
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, -0.5, 1e30}[c.choose(3)])
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			c.fill(v.Elem(), depth-1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), min(max(depth, 0), c.choose(3)), 3))
		for i := range v.Len() {
			c.fill(v.Index(i), depth-1)
		}
	case reflect.Array:
		for i := range v.Len() {
			c.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if depth > 0 && c.choose(2) == 1 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			c.fill(key, depth-1)
			c.fill(value, depth-1)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				c.fill(v.Field(i), depth-1)
			}
		}
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf("any"))
		}
	}
}

// FuzzTypes makes a type and a value of it. The schema for output accepts what
// encoding/json writes, and encoding/json decodes that when the schema for
// input accepts it.
func FuzzTypes(f *testing.F) {
	for i := range 60 {
		var seed []byte
		for j := range 40 {
			seed = append(seed, byte(i*31+j*j*7+j))
		}
		f.Add(seed, seed[10:])
	}
	f.Fuzz(func(t *testing.T, typeChoices, valueChoices []byte) {
		c := choices(typeChoices)
		typ := c.typ(3)
		output, err := infer.Output(typ)
		if err != nil {
			return
		}
		compile(t, output)
		v := reflect.New(typ)
		values := choices(valueChoices)
		values.fill(v.Elem(), 6)
		raw, err := json.Marshal(v.Interface())
		if err != nil {
			return // an error that a nil interface makes, and the like
		}
		raw = output.FillNulls(raw)
		if err := output.Validate(t.Context(), raw); err != nil {
			t.Fatalf("type %s\nschema %s\nvalue %s\n%v", typ, output.JSON(), raw, err)
		}
		input, err := infer.Input(typ)
		if err != nil {
			return
		}
		compile(t, input)
		raw = input.DropNulls(t.Context(), raw)
		if input.Validate(t.Context(), raw) != nil {
			return // null in a list, or a method of one direction
		}
		if err := json.Unmarshal(raw, reflect.New(typ).Interface()); err != nil {
			t.Fatalf("type %s\nschema %s\nvalue %s is valid\n%v", typ, input.JSON(), raw, err)
		}
	})
}

func compile(t *testing.T, s *schema.Schema) {
	t.Helper()
	if _, err := schema.Compile(s.JSON()); err != nil {
		t.Fatalf("Compile(%s): %v", s.JSON(), err)
	}
}

// FuzzTags gives a field any tag. What is accepted is a schema, whose default
// is valid, and no tag of ours is lost.
func FuzzTags(f *testing.F) {
	for _, seed := range []string{
		`json:"a,omitempty" minimum:"1" maximum:"7" default:"3"`, `minLength:"1" pattern:"^a" format:"date"`, `enum:"a,b" jsonschema:"x"`,
		`multipleOf:"0.5" exclusiveMinimum:"1e2"`, `minItems:"1" maxItems:"0"`, `minimum:"1`, `a:"b"c:"d"`, `header:"X" xml:"y"`, "minimum:\"\\u0031\"", `default:"\"a\""`,
	} {
		for kind := range 6 {
			f.Add(seed, byte(kind))
		}
	}
	types := []reflect.Type{
		reflect.TypeFor[int](), reflect.TypeFor[string](), reflect.TypeFor[[]float64](), reflect.TypeFor[*uint8](), reflect.TypeFor[bool](), reflect.TypeFor[time.Time](),
	}
	f.Fuzz(func(t *testing.T, tag string, kind byte) {
		typ := reflect.StructOf([]reflect.StructField{{Name: "A", Type: types[int(kind)%len(types)], Tag: reflect.StructTag(tag)}})
		s, err := infer.Input(typ)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "infer schema of struct { A ") {
				t.Errorf("tag %q: %v", tag, err)
			}
			return
		}
		compile(t, s)
		for _, key := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "enum", "default"} {
			_, given := reflect.StructTag(tag).Lookup(key)
			if given && reflect.StructTag(tag).Get("json") != "-" && !strings.Contains(string(s.JSON()), `"`+key+`":`) {
				t.Errorf("tag %q: %s is lost in %s", tag, key, s.JSON())
			}
		}
		if filled, err := s.ApplyDefaults([]byte(`{}`)); err != nil || string(filled) != "{}" && s.Validate(t.Context(), filled) != nil {
			t.Errorf("tag %q: default %s is not valid: %v", tag, filled, err)
		}
	})
}
