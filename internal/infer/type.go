package infer

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/internal/schema"
)

// keywords writes the keywords that describe t. A type that contains itself
// becomes a $ref unless it is to be written in place.
func (in *inferrer) keywords(t reflect.Type, inPlace bool) error {
	pointers := 0
	for ; t.Kind() == reflect.Pointer; t = t.Elem() {
		if pointers++; pointers > schema.MaxDepth {
			return fmt.Errorf("type %s has no end", t)
		}
	}
	nullable := pointers > 0 && in.output
	if pointers > 0 {
		defer in.addressable(true)()
	}
	if err := in.enter(); err != nil {
		return err
	}
	defer in.leave()
	if t.PkgPath() == "" { // it has no methods
		return in.kind(t, nullable)
	}
	if known, err := in.special(t, nullable); known || err != nil {
		return err
	}
	if slices.Contains(in.types, t) && !slices.Contains(in.recursive, t) {
		in.recursive = append(in.recursive, t)
	}
	if !inPlace && slices.Contains(in.recursive, t) {
		return in.reference(t, nullable)
	}
	in.types = append(in.types, t)
	defer func() { in.types = in.types[:len(in.types)-1] }()
	return in.kind(t, nullable)
}

// addressable sets whether encoding/json calls methods of the pointer to a
// value, until restore is called.
func (in *inferrer) addressable(yes bool) (restore func()) {
	before := in.unaddressed
	in.unaddressed = !yes
	return func() { in.unaddressed = before }
}

// reference writes a $ref to the schema of t.
func (in *inferrer) reference(t reflect.Type, nullable bool) error {
	ref := "#/$defs/" + in.nameOf(t)
	if !nullable {
		return in.text("$ref", ref)
	}
	in.key("anyOf")
	in.buf = fmt.Appendf(in.buf, `[{"$ref":%q},{"type":"null"}]`, ref)
	defer in.leave()
	in.count++
	return in.enter()
}

// kind writes the keywords that follow from the kind of t.
func (in *inferrer) kind(t reflect.Type, nullable bool) error {
	switch t.Kind() {
	case reflect.Bool:
		in.typ("boolean", nullable, nil)
		return in.limit("boolean")
	case reflect.String:
		in.typ("string", nullable, nil)
		return in.limit("string")
	case reflect.Float32, reflect.Float64:
		in.typ("number", nullable, nil)
		return in.limit("number")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return in.integer(t, nullable)
	case reflect.Slice, reflect.Array:
		return in.array(t, nullable)
	case reflect.Map:
		return in.mapping(t, nullable)
	case reflect.Struct:
		return in.structure(t, nullable)
	case reflect.Interface:
		if t.NumMethod() > 0 && !in.output {
			return fmt.Errorf("a value of interface type %s cannot be decoded: give the schema as JSON", t)
		}
		return nil
	}
	return fmt.Errorf("type %s has no JSON form", t)
}

// special writes the keywords of the types whose form does not follow from
// their kind.
func (in *inferrer) special(t reflect.Type, nullable bool) (known bool, err error) {
	switch {
	case t == durationType && in.config:
		in.typ("string", nullable, formGoDuration)
		return true, in.text("format", "go-duration")
	case t == durationType:
		in.typ("integer", nullable, formInt64)
		in.low, in.high = math.MinInt64, math.MaxInt64
		if !in.described {
			err = in.text("description", nanoseconds)
		}
		if err == nil {
			err = in.limit("integer")
		}
		return true, err
	case t == reflect.TypeFor[json.Number]():
		in.typ("number", nullable, nil)
		return true, in.limit("number")
	}
	if t.Kind() == reflect.Interface {
		return false, nil
	}
	if in.isJSON(t) && textForms[t] == nil {
		if isBigInt(t) {
			in.typ("integer", nullable, nil)
			in.low, in.high = math.Inf(-1), math.Inf(1)
			err = in.limit("integer")
		}
		return true, err
	}
	if in.isText(t) {
		in.typ("string", nullable, textForms[t])
		if t == reflect.TypeFor[time.Time]() {
			return true, in.text("format", "date-time")
		}
		return true, in.limit("string")
	}
	return false, nil
}

var durationType = reflect.TypeFor[time.Duration]()

// nanoseconds is how encoding/json writes a time.Duration.
const nanoseconds = "a duration in nanoseconds"

// isJSON reports whether encoding/json has a value of t do its own JSON.
func (in *inferrer) isJSON(t reflect.Type) bool {
	if in.output {
		return in.calls(t, reflect.TypeFor[json.Marshaler]())
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// isText reports whether encoding/json has a value of t do its own text.
func (in *inferrer) isText(t reflect.Type) bool {
	if in.output {
		return in.calls(t, reflect.TypeFor[encoding.TextMarshaler]())
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (in *inferrer) calls(t, method reflect.Type) bool {
	return t.Implements(method) || !in.unaddressed && reflect.PointerTo(t).Implements(method)
}

// integer writes the keywords of an integer. Those of 64 bits are not bounded
// in the schema, where many clients would read the bounds as floats.
func (in *inferrer) integer(t reflect.Type, nullable bool) error {
	var form *schema.Form
	switch {
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		form = formInt64
	case t.Kind() == reflect.Uint || t.Kind() == reflect.Uint64 || t.Kind() == reflect.Uintptr:
		form = formUint64
	}
	in.typ("integer", nullable, form)
	bits := t.Bits()
	if t.Kind() < reflect.Uint {
		in.low, in.high = -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)-1
	} else {
		in.low, in.high = 0, math.Ldexp(1, bits)-1
	}
	if in.low == 0 || bits < 64 {
		in.bound("minimum", int64(in.low))
	}
	if bits < 64 {
		in.bound("maximum", int64(in.high))
	}
	return in.limit("integer")
}

// bound writes a bound of a type, unless a tag of the field replaces it.
func (in *inferrer) bound(key string, value int64) {
	if !in.rules.has(key) {
		in.int(key, value)
	}
}

func (in *inferrer) array(t reflect.Type, nullable bool) error {
	elem := t.Elem()
	if t.Kind() == reflect.Slice && elem.Kind() == reflect.Uint8 && !in.isJSON(elem) && !in.isText(elem) {
		in.typ("string", nullable, formBase64)
		return in.text("contentEncoding", "base64")
	}
	in.typ("array", nullable, nil)
	if t.Kind() == reflect.Array {
		in.int("minItems", int64(t.Len()))
		in.int("maxItems", int64(t.Len()))
	} else if err := in.limit("array"); err != nil {
		return err
	}
	if t.Kind() == reflect.Slice {
		defer in.addressable(true)()
	}
	return in.subschema("items", elem)
}

func (in *inferrer) mapping(t reflect.Type, nullable bool) error {
	pattern, err := in.keys(t)
	if err != nil {
		return err
	}
	in.typ("object", nullable, nil)
	if pattern != "" {
		if err := in.numbers("propertyNames", pattern); err != nil {
			return err
		}
	}
	defer in.withoutRules()()
	defer in.addressable(false)()
	return in.subschema("additionalProperties", t.Elem())
}

// keys returns the pattern of the keys of a map, "" for any text.
func (in *inferrer) keys(t reflect.Type) (pattern string, err error) {
	key := t.Key()
	switch kind := key.Kind(); {
	case kind == reflect.String:
	case in.output && key.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
	case !in.output && reflect.PointerTo(key).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
	case reflect.Int <= kind && kind <= reflect.Int64:
		pattern = integerPattern
	case reflect.Uint <= kind && kind <= reflect.Uintptr:
		pattern = unsignedPattern
	default:
		err = fmt.Errorf("type %s has keys that are neither strings nor integers", t)
	}
	return pattern, err
}

// The patterns of numbers that are written as strings.
const (
	integerPattern  = `^-?(0|[1-9][0-9]*)$`
	unsignedPattern = `^(0|[1-9][0-9]*)$`
	numberPattern   = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`
	booleanPattern  = `^(true|false)$`
	textPattern     = `^"([^"\\]|\\.)*"$`
)

// numbers writes a keyword whose value is the schema of numbers as strings.
func (in *inferrer) numbers(key, pattern string) error {
	if err := in.enter(); err != nil {
		return err
	}
	defer in.leave()
	in.key(key)
	in.open()
	defer in.close()
	return in.text("pattern", pattern)
}

// quoted writes the keywords of a value that the option string of a json tag
// puts into a string.
func (in *inferrer) quoted(t reflect.Type) error {
	// As encoding/json does, look behind one pointer.
	pointer := t.Kind() == reflect.Pointer && t.Name() == ""
	if pointer {
		t = t.Elem()
	}
	var pattern string
	switch kind := t.Kind(); {
	case t == reflect.TypeFor[json.Number]():
		pattern = numberPattern
	case in.isJSON(t) || in.isText(t):
	case kind == reflect.Bool:
		pattern = booleanPattern
	case kind == reflect.String:
		pattern = textPattern
	case reflect.Int <= kind && kind <= reflect.Int64:
		pattern = integerPattern
	case reflect.Uint <= kind && kind <= reflect.Uintptr:
		pattern = unsignedPattern
	case kind == reflect.Float32 || kind == reflect.Float64:
		pattern = numberPattern
	}
	if pattern == "" {
		return errors.New("the json option string is for strings, numbers and booleans")
	}
	if err := in.enter(); err != nil {
		return err
	}
	defer in.leave()
	in.typ("string", pointer && in.output, nil)
	if err := in.text("pattern", pattern); err != nil {
		return err
	}
	return in.limit("quoted")
}
