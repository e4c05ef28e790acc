package schema

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// Infer derives a schema from a Go type, such that it accepts what
// encoding/json writes for values of the type, less the nulls that
// [Schema.FillNulls] replaces, and little that it cannot read.
//
// A struct becomes an object without additional properties. Its fields are
// described by tags:
//
//	json:"name"        the property; "-" leaves the field out
//	json:",omitempty"  optional, like omitzero, a pointer or a default
//	jsonschema:"text"  its description
//	default:"…"        its default: JSON, or the bare text for a string
//	enum:"a,b,c"       the values it is limited to; for a slice, its elements
//	header:"Region"    its x-mcp-header
//
// A pointer may be null. An interface, a raw JSON value and a type with JSON
// methods of its own may be anything; a type with text methods is a string.
//
// The error for a type that cannot be described, such as a recursive one, names
// the type and the field.
//
// The schema is compiled when it is first needed: most tools of a process that
// does not live long are never called. Inference itself keeps to all that
// compiling would find fault with, but for the rules of x-mcp-header.
func Infer(t reflect.Type) (*Schema, error) {
	in := inferrers.Get().(*inferrer)
	*in = inferrer{buf: in.buf[:0], types: in.types[:0], fields: in.fields[:0]}
	defer inferrers.Put(in)
	err := in.schema(t)
	if err == nil {
		s := &Schema{json: slices.Clone(in.buf), typ: in.root}
		if in.headers {
			err = s.compile()
		}
		if err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("infer schema of %s: %w", t, err)
}

// An inferrer writes the schema of one type.
type inferrer struct {
	buf     []byte
	types   []reflect.Type // whose schemas are being written
	fields  []field        // of the structs among them
	root    string         // the type keyword of the whole, unless it names two
	depth   int
	count   int // of subschemas
	headers bool
}

// An inferrer is used again: programs infer one schema after the other when they
// start, and memory that a process has not used before is slow to come by.
var inferrers = sync.Pool{New: func() any { return new(inferrer) }}

func (in *inferrer) open()  { in.buf = append(in.buf, '{') }
func (in *inferrer) close() { in.buf = append(in.buf, '}') }

// key begins a keyword.
func (in *inferrer) key(name string) {
	if in.buf[len(in.buf)-1] != '{' {
		in.buf = append(in.buf, ',')
	}
	in.buf = append(in.buf, '"')
	in.buf = append(in.buf, name...)
	in.buf = append(in.buf, '"', ':')
}

// text writes a keyword whose value is a string.
func (in *inferrer) text(key, value string) error {
	in.key(key)
	if !utf8.ValidString(value) {
		return errors.New("invalid UTF-8")
	}
	in.buf = jsonrpc.AppendString(in.buf, value)
	return nil
}

func (in *inferrer) int(key string, value int64) {
	in.key(key)
	in.buf = strconv.AppendInt(in.buf, value, 10)
}

// typ writes the type keyword.
func (in *inferrer) typ(name string, nullable bool) {
	if len(in.buf) == 1 && !nullable {
		in.root = name
	}
	in.key("type")
	if nullable {
		in.buf = fmt.Appendf(in.buf, `[%q,"null"]`, name)
		return
	}
	in.buf = strconv.AppendQuote(in.buf, name)
}

// subschema writes a keyword whose value is the schema of t.
func (in *inferrer) subschema(key string, t reflect.Type) error {
	in.key(key)
	return in.schema(t)
}

// schema writes the schema of t.
func (in *inferrer) schema(t reflect.Type) error {
	in.open()
	err := in.keywords(t)
	in.close()
	return err
}

// enter begins a subschema, unless compiling would find one too many or too
// deep.
func (in *inferrer) enter() error {
	if len(in.buf) > maxSchemaBytes || in.count == maxSubschemas || in.depth == maxSchemaDepth {
		return errors.New("the type is too large")
	}
	in.count++
	in.depth++
	return nil
}

func (in *inferrer) leave() { in.depth-- }

// keywords writes the keywords that describe t.
func (in *inferrer) keywords(t reflect.Type) error {
	nullable := false
	for t.Kind() == reflect.Pointer {
		nullable = true
		t = t.Elem()
	}
	if err := in.enter(); err != nil {
		return err
	}
	defer in.leave()
	if t.Name() != "" {
		if slices.Contains(in.types, t) {
			return fmt.Errorf("%s contains itself: give the schema as JSON", t)
		}
		in.types = append(in.types, t)
		defer func() { in.types = in.types[:len(in.types)-1] }()
	}
	if known, err := in.special(t, nullable); known || err != nil {
		return err
	}
	switch t.Kind() {
	case reflect.Bool:
		in.typ("boolean", nullable)
	case reflect.String:
		in.typ("string", nullable)
	case reflect.Float32, reflect.Float64:
		in.typ("number", nullable)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		in.integer(t, nullable)
	case reflect.Slice, reflect.Array:
		return in.array(t, nullable)
	case reflect.Map:
		return in.mapping(t, nullable)
	case reflect.Struct:
		return in.structure(t, nullable)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Errorf("a value of interface type %s cannot be decoded: give the schema as JSON", t)
		}
	default:
		return fmt.Errorf("type %s has no JSON form", t)
	}
	return nil
}

// special handles the types whose form does not follow from their kind.
func (in *inferrer) special(t reflect.Type, nullable bool) (known bool, err error) {
	switch t {
	case reflect.TypeFor[time.Time]():
		in.typ("string", nullable)
		return true, in.text("format", "date-time")
	case reflect.TypeFor[time.Duration]():
		return false, errors.New("time.Duration has no agreed JSON form: use a string, or an integer that has its unit in its name")
	}
	if t.PkgPath() == "" || t.Kind() == reflect.Interface {
		return false, nil // no methods, or none that are called
	}
	p := reflect.PointerTo(t)
	if isJSON(p) {
		return true, nil
	}
	if isText(p) {
		in.typ("string", nullable)
		return true, nil
	}
	return false, nil
}

// isJSON reports whether a type reads or writes itself as JSON.
func isJSON(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[json.Unmarshaler]())
}

// isText reports whether a type reads or writes itself as text.
func isText(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || t.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// integer bounds the types that a JSON client cannot be expected to know.
func (in *inferrer) integer(t reflect.Type, nullable bool) {
	in.typ("integer", nullable)
	switch t.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32:
		in.int("minimum", math.MinInt64>>(64-t.Bits()))
		in.int("maximum", math.MaxInt64>>(64-t.Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		in.int("minimum", 0)
		in.int("maximum", 1<<t.Bits()-1)
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		in.int("minimum", 0)
	}
}

func (in *inferrer) array(t reflect.Type, nullable bool) error {
	if e := reflect.PointerTo(t.Elem()); t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !isJSON(e) && !isText(e) {
		in.typ("string", nullable)
		return in.text("contentEncoding", "base64")
	}
	in.typ("array", nullable)
	if t.Kind() == reflect.Array {
		in.int("minItems", int64(t.Len()))
		in.int("maxItems", int64(t.Len()))
	}
	return in.subschema("items", t.Elem())
}

func (in *inferrer) mapping(t reflect.Type, nullable bool) error {
	var pattern string
	switch key := t.Key(); {
	case key.Kind() != reflect.Interface && key.Kind() != reflect.Pointer && isText(reflect.PointerTo(key)):
	case key.Kind() == reflect.String:
	case key.Kind() >= reflect.Int && key.Kind() <= reflect.Int64:
		pattern = integerPattern
	case key.Kind() >= reflect.Uint && key.Kind() <= reflect.Uintptr:
		pattern = unsignedPattern
	default:
		return fmt.Errorf("type %s has keys that are neither strings nor integers", t)
	}
	in.typ("object", nullable)
	if pattern != "" {
		if err := in.numbers("propertyNames", pattern); err != nil {
			return err
		}
	}
	return in.subschema("additionalProperties", t.Elem())
}

// The patterns of numbers that are written as strings.
const (
	integerPattern  = `^-?(0|[1-9][0-9]*)$`
	unsignedPattern = `^(0|[1-9][0-9]*)$`
	numberPattern   = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`
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
