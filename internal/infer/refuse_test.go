package infer_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/schema"
)

func TestInputRefuses(t *testing.T) {
	t.Parallel()
	// In the source, linters would find them.
	tagged := func(typ reflect.Type, tag string) any {
		return reflect.Zero(reflect.StructOf([]reflect.StructField{{Name: "A", Type: typ, Tag: reflect.StructTag(tag)}})).Interface()
	}
	number, text := reflect.TypeFor[int](), reflect.TypeFor[string]()
	for _, test := range []struct {
		value any
		want  string
	}{
		{struct{ C chan int }{}, `field C: type chan int has no JSON form`},
		{struct{ F func() }{}, `field F: type func() has no JSON form`},
		{struct{ Z complex64 }{}, `field Z: type complex64 has no JSON form`},
		{struct{ S fmt.Stringer }{}, `field S: a value of interface type fmt.Stringer cannot be decoded`},
		{struct{ S []error }{}, `field S: a value of interface type error cannot be decoded`},
		{struct{ M map[bool]int }{}, `field M: type map[bool]int has keys that are neither strings nor integers`},
		{struct{ M map[onlyMarshals]int }{}, `has keys that are neither strings nor integers`},
		{struct{ In struct{ C chan int } }{}, `field In.C: type chan int has no JSON form`},
		{struct {
			In []map[string]struct{ C chan int }
		}{}, `field In.C: type chan int has no JSON form`},
		{struct {
			A int `json:"B"`
			B int
		}{}, `fields A and B are both named "B" in JSON`},
		{embedding{}, `field optionalPart: encoding/json cannot decode into an embedded pointer to an unexported struct: embed infer_test.optionalPart itself`},
		{struct {
			M map[string]int `json:",inline"`
		}{}, `field M: encoding/json ignores the json option inline: embed the type instead`},
		{struct{ P selfPointer }{}, `field P: type infer_test.selfPointer has no end`},
		{tagged(number, `json:"a,omitEmpty"`), `field A: encoding/json ignores the json option omitEmpty`},
		{tagged(number, `json:"it's"`), `field A: tag json: "it's" is not a name that encoding/json knows`},
		{reflect.Zero(reflect.StructOf([]reflect.StructField{{Name: "tag", PkgPath: "example.com", Type: number, Tag: `json:"tag"`}})).Interface(), `field tag: a field with a json tag must be exported`},
		{struct{ M map[string]chan int }{}, `field M: type chan int has no JSON form`},
		{tagged(reflect.TypeFor[[]int](), `json:",string"`), `field A: the json option string is for strings, numbers and booleans`},
		{tagged(text, `jsonschema:"description=a name"`), `field A: tag jsonschema: it is the description and nothing else, got "description=a name"`},
		{tagged(text, `jsonschema:""`), `field A: tag jsonschema: it is the description`},
		{tagged(number, `default:"many"`), `field A: tag default: many is not JSON`},
		{tagged(reflect.TypeFor[int8](), `default:"300"`), `field A: tag default: 300: must be at most 127, got 300`},
		{tagged(number, `default:"99999999999999999999"`), `field A: tag default: 99999999999999999999: must be an integer from`},
		{tagged(reflect.TypeFor[time.Time](), `default:"2026-01-01"`), `field A: tag default: 2026-01-01: must be a date and time such as`},
		{tagged(text, `enum:"x,y" default:"z"`), `field A: tag default: z: must be one of "x", "y", got "z"`},
		{tagged(number, `enum:"1,b"`), `field A: tag enum: b is not JSON`},
		{tagged(number, `default:"1.5"`), `field A: tag default: 1.5: must be an integer, got 1.5`},
		{tagged(number, `default:"01"`), `field A: tag default: 01 is not JSON`},
		{tagged(reflect.TypeFor[bool](), `default:"1"`), `field A: tag default: 1: must be a boolean, got 1`},
		{tagged(text, `sensitive:"no"`), `tag sensitive: it is true or false, got "no"`},
		{tagged(text, `header:"a b"`), `at /properties/A/x-mcp-header: must be an HTTP field name token`},
		{tagged(reflect.TypeFor[float64](), `header:"a"`), `at /properties/A/x-mcp-header: is only allowed where type is string, integer or boolean`},
		{struct {
			A []struct {
				B string `header:"b"`
			}
		}{}, `at /properties/A/items/properties/B/x-mcp-header: is only allowed on a parameter`},

		{tagged(text, `minimum:"1"`), `field A: tag minimum does not apply to type string`},
		{tagged(number, `minLength:"1"`), `field A: tag minLength does not apply to type int`},
		{tagged(number, `minItems:"1"`), `field A: tag minItems does not apply to type int`},
		{tagged(reflect.TypeFor[[3]int](), `minItems:"1"`), `field A: tag minItems does not apply to type [3]int`},
		{tagged(reflect.TypeFor[[][]int](), `minItems:"1"`), ``},
		{tagged(reflect.TypeFor[map[string]int](), `minimum:"1"`), `field A: tag minimum does not apply to type map[string]int`},
		{tagged(reflect.TypeFor[struct{ B int }](), `minimum:"1"`), `field A: tag minimum does not apply to type struct`},
		{tagged(reflect.TypeFor[any](), `enum:"a"`), `field A: tag enum does not apply to type interface {}`},
		{tagged(reflect.TypeFor[[]byte](), `maxLength:"3"`), `field A: tag maxLength does not apply to type []uint8`},
		{tagged(reflect.TypeFor[time.Time](), `format:"date"`), `field A: tag format does not apply to type time.Time`},
		{tagged(number, `json:",string" minimum:"1"`), `field A: tag minimum does not apply to type int`},
		{tagged(number, `minimum:"one"`), `field A: tag minimum: "one" is not a number`},
		{tagged(number, `minimum:"0.5"`), `field A: tag minimum: 0.5 is not an integer`},
		{tagged(reflect.TypeFor[uint8](), `maximum:"256"`), `field A: tag maximum: 256 is outside the range of the type`},
		{tagged(number, `minimum:"3" maximum:"2"`), `field A: tag minimum is greater than maximum`},
		{tagged(number, `minimum:"3" default:"2"`), `field A: tag default: 2: must be at least 3, got 2`},
		{tagged(number, `minimum:"3" enum:"2"`), `field A: tag enum: 2: must be at least 3, got 2`},
		{tagged(number, `multipleOf:"0"`), `field A: tag multipleOf: must be greater than 0`},
		{tagged(text, `minLength:"-1"`), `field A: tag minLength: "-1" is not a number of characters or items`},
		{tagged(text, `minLength:"5" maxLength:"4"`), `field A: tag minLength is greater than maxLength`},
		{tagged(text, `pattern:"("`), `field A: tag pattern: error parsing regexp`},
		{tagged(text, `pattern:"^([a-z]+[, ]?){1,500}$"`), `field A: tag pattern: the pattern ^([a-z]+[, ]?){1,500}$ compiles to 3503 instructions`},
		{tagged(text, `format:"date_time"`), `field A: tag format: "date_time" is not a format of JSON Schema`},
		{tagged(number, `minimun:"1"`), `field A: tag minimun is unknown: is it minimum?`},
		{tagged(text, `minlength:"1"`), `field A: tag minlength is unknown: is it minLength?`},
		{tagged(text, `maxLenght:"1"`), `field A: tag maxLenght is unknown: is it maxLength?`},
		{tagged(text, `description:"a name"`), `field A: tag description is unknown: use jsonschema`},
		{tagged(text, `title:"a name"`), `field A: tag title is unknown: give the schema as JSON`},
		{tagged(number, `minimum:"1" minimum:"2"`), `field A: tag minimum is given twice`},
		{tagged(number, `minimum=1`), `field A: the tag does not have the form key:"value" at "minimum=1"`},
		{tagged(number, `minimum:"1`), `field A: the tag does not have the form key:"value"`},
		{tagged(number, `yaml:"x" form:"y" min:"1" required:"true"`), ``},
	} {
		t.Run(fmt.Sprintf("%T", test.value), func(t *testing.T) {
			t.Parallel()
			_, err := infer.Input(reflect.TypeOf(test.value))
			if err == nil && test.want == "" {
				return
			}
			if err == nil || test.want == "" || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "infer schema of "+reflect.TypeOf(test.value).String()) {
				t.Errorf("Input(%T) = %v, want %q", test.value, err, test.want)
			}
		})
	}
}

// What is inferred keeps to the bounds of what is compiled, so that compiling it
// later cannot fail.
func TestInputKeepsToTheBounds(t *testing.T) {
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
		s, err := infer.Input(test.most)
		if err != nil {
			t.Errorf("%s: Input = %.200v, want none", test.name, err)
			continue
		}
		if _, err := schema.Compile(s.JSON()); err != nil {
			t.Errorf("%s: Compile of what is inferred = %.200v", test.name, err)
		}
		if _, err := infer.Input(test.more); err == nil {
			t.Errorf("%s: Input takes more than compiling would", test.name)
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
