package schema_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/schema"
)

type (
	base struct {
		ID    string `json:"id"`
		Shade string
	}
	optionalPart struct {
		Extra bool `json:"extra"`
	}
	embedding struct {
		base
		*optionalPart
		Shade int `json:",omitzero"`
	}
	left      struct{ Both, Left string }
	right     struct{ Both, Right string }
	ambiguous struct {
		left
		right
	}
	recursive struct {
		Children []recursive `json:"children"`
	}
	namedByte byte
	upper     string
	pair      struct{ a, b int }
)

func (u *upper) UnmarshalText(text []byte) error {
	*u = upper(strings.ToUpper(string(text)))
	return nil
}

func (p pair) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "[%d,%d]", p.a, p.b), nil }

func TestInfer(t *testing.T) {
	t.Parallel()
	closed := func(properties, required string) string {
		s := `{"type":"object","properties":{` + properties + `}`
		if required != "" {
			s += `,"required":[` + required + `]`
		}
		return s + `,"additionalProperties":false}`
	}
	for _, test := range []struct {
		value any
		want  string
	}{
		{struct{}{}, `{"type":"object","additionalProperties":false}`},
		{"", `{"type":"string"}`},
		{false, `{"type":"boolean"}`},
		{1, `{"type":"integer"}`},
		{int8(1), `{"type":"integer","minimum":-128,"maximum":127}`},
		{int32(1), `{"type":"integer","minimum":-2147483648,"maximum":2147483647}`},
		{uint16(1), `{"type":"integer","minimum":0,"maximum":65535}`},
		{uint64(1), `{"type":"integer","minimum":0}`},
		{1.5, `{"type":"number"}`},
		{new(string), `{"type":["string","null"]}`},
		{[]string{}, `{"type":"array","items":{"type":"string"}}`},
		{[2]int{}, `{"type":"array","minItems":2,"maxItems":2,"items":{"type":"integer"}}`},
		{[]byte{}, `{"type":"string","contentEncoding":"base64"}`},
		{[4]byte{}, `{"type":"array","minItems":4,"maxItems":4,"items":{"type":"integer","minimum":0,"maximum":255}}`},
		{[]namedByte{}, `{"type":"string","contentEncoding":"base64"}`},
		{[]any{}, `{"type":"array","items":{}}`},
		{map[string]int{}, `{"type":"object","additionalProperties":{"type":"integer"}}`},
		{map[int]bool{}, `{"type":"object","propertyNames":{"pattern":"^-?(0|[1-9][0-9]*)$"},"additionalProperties":{"type":"boolean"}}`},
		{map[netip.Addr]any{}, `{"type":"object","additionalProperties":{}}`},
		{time.Time{}, `{"type":"string","format":"date-time"}`},
		{netip.Addr{}, `{"type":"string"}`},
		{upper(""), `{"type":"string"}`},
		{big.Int{}, `{}`},
		{pair{}, `{}`},
		{json.RawMessage{}, `{}`},

		{struct {
			City   string `json:"city" jsonschema:"where, and \"when\""`
			Days   int    `json:"days,omitempty"`
			Zero   int    `json:",omitzero"`
			Ptr    *bool
			Hidden string `json:"-"`
			inner  int
		}{}, closed(`"city":{"type":"string","description":"where, and \"when\""},"days":{"type":"integer"},"Zero":{"type":"integer"},"Ptr":{"type":["boolean","null"]}`, `"city"`)},
		{struct {
			A string   `json:"a" default:"x y"`
			B int      `json:"b" default:"3"`
			C []string `json:"c" default:"[ \"p\", \"q\" ]"`
			D string   `json:"d" default:"\"quoted\""`
			E bool     `json:"e" default:"true"`
		}{}, closed(`"a":{"type":"string","default":"x y"},"b":{"type":"integer","default":3},"c":{"type":"array","items":{"type":"string"},"default":["p","q"]},"d":{"type":"string","default":"quoted"},"e":{"type":"boolean","default":true}`, ``)},
		{struct {
			A string   `json:"a" enum:"x,y z" jsonschema:"one" default:"x"`
			B int      `json:"b" enum:"1,2"`
			C []string `json:"c" enum:"p,q" jsonschema:"some"`
			D *string  `json:"d" enum:"p"`
		}{}, closed(`"a":{"type":"string","enum":["x","y z"],"description":"one","default":"x"},"b":{"type":"integer","enum":[1,2]},"c":{"type":"array","items":{"type":"string","enum":["p","q"]},"description":"some"},"d":{"type":["string","null"],"enum":["p",null]}`, `"b","c"`) /* a has a default, d is a pointer */},
		{struct {
			N int64 `json:"n,string"`
		}{}, closed(`"n":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)$"}`, `"n"`)},
		{struct {
			Region string `json:"region" header:"Region"`
		}{}, closed(`"region":{"type":"string","x-mcp-header":"Region"}`, `"region"`)},
		{embedding{}, closed(`"id":{"type":"string"},"extra":{"type":"boolean"},"Shade":{"type":"integer"}`, `"id"`)},
		{ambiguous{}, closed(`"Left":{"type":"string"},"Right":{"type":"string"}`, `"Left","Right"`)},
		{struct {
			M map[uint8]int
			F *float64 `json:",string"`
			L *[]int   `json:"l" enum:"1"`
		}{}, `{"type":"object","properties":{"M":{"type":"object","propertyNames":{"pattern":"^(0|[1-9][0-9]*)$"},"additionalProperties":{"type":"integer"}},` +
			`"F":{"type":["string","null"],"pattern":"^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$"},"l":{"type":["array","null"],"items":{"type":"integer","enum":[1]}}},` +
			`"required":["M"],"additionalProperties":false}`},
		{struct {
			In struct {
				X []struct{ Y *int }
			} `json:"in"`
		}{}, closed(`"in":`+closed(`"X":{"type":"array","items":`+closed(`"Y":{"type":["integer","null"]}`, ``)+`}`, `"X"`), `"in"`)},
	} {
		t.Run(fmt.Sprintf("%T", test.value), func(t *testing.T) {
			t.Parallel()
			s, err := schema.Infer(reflect.TypeOf(test.value))
			if err != nil {
				t.Fatalf("Infer: %v", err)
			}
			if diff := cmp.Diff(test.want, string(s.JSON())); diff != "" {
				t.Errorf("Infer (-want +got):\n%s", diff)
			}
			// What is inferred is a schema like any other.
			if again := mustCompile(t, string(s.JSON())); !cmp.Equal(s.Headers(), again.Headers()) {
				t.Errorf("Headers() = %v, compiled from JSON() %v", s.Headers(), again.Headers())
			}
		})
	}
}

func TestInferRefuses(t *testing.T) {
	t.Parallel()
	// In the source, linters would find them.
	tagged := func(name, pkg string, tag reflect.StructTag) any {
		return reflect.Zero(reflect.StructOf([]reflect.StructField{{Name: name, PkgPath: pkg, Type: reflect.TypeFor[int](), Tag: tag}})).Interface()
	}
	for _, test := range []struct {
		value any
		want  string
	}{
		{recursive{}, `infer schema of schema_test.recursive: field Children: schema_test.recursive contains itself`},
		{struct{ Wait time.Duration }{}, `field Wait: time.Duration has no agreed JSON form`},
		{struct{ C chan int }{}, `field C: type chan int has no JSON form`},
		{struct{ F func() }{}, `field F: type func() has no JSON form`},
		{struct{ Z complex64 }{}, `field Z: type complex64 has no JSON form`},
		{struct{ S fmt.Stringer }{}, `field S: a value of interface type fmt.Stringer cannot be decoded`},
		{struct{ M map[bool]int }{}, `field M: type map[bool]int has keys that are neither strings nor integers`},
		{struct{ In struct{ C chan int } }{}, `field In: field C: type chan int has no JSON form`},
		{struct {
			A int `json:"B"`
			B int
		}{}, `fields A and B are both named "B" in JSON`},
		{struct {
			M map[string]int `json:",inline"`
		}{}, `field M: the json option inline is not supported`},
		{tagged("A", "", `json:"a,omitEmpty"`), `field A: the json option omitEmpty is not supported`},
		{tagged("A", "", `json:"it's"`), `field A: tag json: "it's" is not a name that encoding/json knows`},
		{tagged("tag", "example.com", `json:"tag"`), `field tag: a field with a json tag must be exported`},
		{struct{ upper }{}, `field upper: an embedded type that is not a struct needs a name`},
		{struct{ M map[string]chan int }{}, `field M: type chan int has no JSON form`},
		{struct {
			A string `json:",string"`
		}{}, `field A: the json option string is for numbers`},
		{struct {
			A string `jsonschema:"description=a name"`
		}{}, `field A: tag jsonschema is the description and nothing else, got "description=a name"`},
		{struct {
			A string `jsonschema:""`
		}{}, `field A: tag jsonschema is the description`},
		{struct {
			A int `default:"many"`
		}{}, `field A: tag default: many is not JSON`},
		{struct {
			A int8 `default:"300"`
		}{}, `field A: tag default: 300: must be at most 127, got 300`},
		{struct {
			A string `enum:"x,y" default:"z"`
		}{}, `field A: tag default: z: must be one of "x", "y", got "z"`},
		{struct {
			A int `enum:"1,b"`
		}{}, `field A: tag enum: b is not JSON`},
		{struct {
			A int `default:"1.5"`
		}{}, `field A: tag default: 1.5: must be an integer, got 1.5`},
		{struct {
			A int `default:"01"`
		}{}, `field A: tag default: 01 is not JSON`},
		{struct {
			A bool `default:"1"`
		}{}, `field A: tag default: 1: must be a boolean, got 1`},
		{struct {
			A string `header:"a b"`
		}{}, `at /properties/A/x-mcp-header: must be an HTTP field name token`},
		{struct {
			A float64 `header:"a"`
		}{}, `at /properties/A/x-mcp-header: is only allowed where type is string, integer or boolean`},
		{struct {
			A []struct {
				B string `header:"b"`
			}
		}{}, `at /properties/A/items/properties/B/x-mcp-header: is only allowed on a parameter`},
	} {
		t.Run(fmt.Sprintf("%T", test.value), func(t *testing.T) {
			t.Parallel()
			_, err := schema.Infer(reflect.TypeOf(test.value))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "infer schema of "+reflect.TypeOf(test.value).String()) {
				t.Errorf("Infer(%T) = %v, want %q", test.value, err, test.want)
			}
		})
	}
}

// What is inferred keeps to the bounds of what is compiled, so that compiling it
// later cannot fail.
func TestInferKeepsToTheBounds(t *testing.T) {
	t.Parallel()
	lists := func(n int, inside reflect.Type) reflect.Type {
		for range n {
			inside = reflect.SliceOf(inside)
		}
		return inside
	}
	structs := func(n int, inside reflect.Type) reflect.Type {
		fields := make([]reflect.StructField, n)
		for i := range fields {
			fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: inside}
		}
		return reflect.StructOf(fields)
	}
	quoted := structs(1, reflect.TypeFor[int]()).Field(0)
	quoted.Tag = `json:",string"`
	for _, test := range []struct {
		name string
		most reflect.Type
		more reflect.Type
	}{
		{"lists", lists(63, reflect.TypeFor[int]()), lists(64, reflect.TypeFor[int]())},
		{"a struct in lists", lists(62, reflect.TypeFor[struct{}]()), lists(63, reflect.TypeFor[struct{}]())},
		{"map keys", lists(62, reflect.TypeFor[map[int]int]()), lists(63, reflect.TypeFor[map[int]int]())},
		{"a number as text", lists(62, reflect.StructOf([]reflect.StructField{quoted})), lists(63, reflect.StructOf([]reflect.StructField{quoted}))},
		{"properties", bounded(structs, 38), bounded(structs, 39)},
	} {
		s, err := schema.Infer(test.most)
		if err != nil {
			t.Errorf("%s: Infer = %.200v, want none", test.name, err)
			continue
		}
		if _, err := schema.Compile(s.JSON()); err != nil {
			t.Errorf("%s: Compile of what is inferred = %.200v", test.name, err)
		}
		if _, err := schema.Infer(test.more); err == nil {
			t.Errorf("%s: Infer takes more than compiling would", test.name)
		}
	}
}

// bounded returns a type whose schema has 9,962 subschemas and n more.
func bounded(structs func(int, reflect.Type) reflect.Type, n int) reflect.Type {
	return reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: structs(76, structs(129, reflect.TypeFor[int]()))},
		{Name: "B", Type: structs(n, reflect.TypeFor[int]())},
	})
}

// The schema of a type accepts what the JSON library writes for it.
func TestInferredSchemaAcceptsValues(t *testing.T) {
	t.Parallel()
	text := "text"
	type everything struct {
		embedding
		Bool   bool
		Int    int64
		Uint   uint64
		Float  float32
		Text   upper
		Ptr    *string
		Nil    *int
		Slice  []string
		Bytes  []byte
		Hash   [5]byte
		Named  []namedByte
		Array  [2]float64
		Map    map[string][]int
		IntMap map[int16]string
		IPs    map[netip.Addr]bool
		Time   time.Time
		Any    any
		Raw    json.RawMessage
		Big    *big.Int
		Pair   pair
		Quoted uint32  `json:",string"`
		QFloat float64 `json:",string"`
		Empty  struct{}
		Omit   []int `json:",omitempty"`
	}
	for _, value := range []any{
		everything{},
		&everything{embedding: embedding{optionalPart: &optionalPart{}, Shade: 3}},
		everything{
			Int: -1 << 63, Uint: 1<<64 - 1, Float: 1e-30, Text: "É\"\u2028", Ptr: &text, Slice: []string{"a", ""},
			Bytes: []byte("abc"), Hash: [5]byte{1}, Named: []namedByte{255}, Map: map[string][]int{"a\n": {1}, "": nil},
			IntMap: map[int16]string{-5: "x", 0: ""}, IPs: map[netip.Addr]bool{netip.IPv6Loopback(): true},
			Time: time.Unix(0, 0), Any: map[string]any{"x": []any{nil, 1.5}}, Raw: json.RawMessage(` [1] `),
			Big: big.NewInt(5), Pair: pair{1, 2}, Quoted: 7, QFloat: -1.5e300, Omit: []int{1},
		},
		ambiguous{left: left{Left: "l"}},
		[]*string{nil, &text},
		(*base)(nil),
	} {
		t.Run(fmt.Sprintf("%T", value), func(t *testing.T) {
			t.Parallel()
			s, err := schema.Infer(reflect.TypeOf(value))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			raw = s.FillNulls(raw)
			if err := s.Validate(t.Context(), raw); err != nil {
				t.Errorf("Validate(%s) against %s = %v", raw, s.JSON(), err)
			}
		})
	}
}
