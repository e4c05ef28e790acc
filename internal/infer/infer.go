// Package infer derives JSON Schemas from Go types.
//
// A schema describes what encoding/json does with the type, which is not the
// same in both directions: an interface can be encoded and not decoded, a type
// may have a method for one and not for the other, and a nil pointer is written
// as null where a pointer that is read may be left out. So there is a function
// for each direction, [Input] and [Output].
//
// A struct becomes an object without additional properties. Its fields are
// described by tags, which docs/types.md lists.
package infer

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// Input returns the schema of what is decoded into a value of t. It names one
// type for each value: a pointer is what it points to, and null stands for a
// member that is left out (see [schema.Schema.DropNulls]), because hosts that
// hand schemas to a model often know neither lists of types nor null.
//
// The error for a type that cannot be described names the type and the field.
//
// The schema is compiled when it is first needed: most tools of a process that
// does not live long are never called. Inference itself finds all faults that
// compiling would find.
func Input(t reflect.Type) (*schema.Schema, error) { return infer(t, inferrer{}) }

// Params is [Input] for the parameters of a request, which may have members that
// the type does not have, at every depth.
func Params(t reflect.Type) (*schema.Schema, error) { return infer(t, inferrer{anything: true}) }

// Form is [Input] for the form of a question: the object has no
// additionalProperties, for which a form has no place.
func Form(t reflect.Type) (*schema.Schema, error) { return infer(t, inferrer{form: true}) }

// Output returns the schema of what encoding/json writes for a value of t, less
// the nulls that [schema.Schema.FillNulls] replaces. Any JSON stands for an
// interface. A pointer may be null.
func Output(t reflect.Type) (*schema.Schema, error) { return infer(t, inferrer{output: true}) }

func infer(t reflect.Type, mode inferrer) (*schema.Schema, error) {
	s, _, err := inferAll(t, mode)
	return s, err
}

// inferAll also returns the settings, if the mode asks for them.
func inferAll(t reflect.Type, mode inferrer) (*schema.Schema, []Setting, error) {
	in := inferrers.Get().(*inferrer)
	defer inferrers.Put(in)
	var recursive []reflect.Type
	for {
		*in = inferrer{output: mode.output, form: mode.form, anything: mode.anything, config: mode.config, buf: in.buf[:0], types: in.types[:0], fields: in.fields[:0], recursive: recursive}
		err := in.whole(t)
		if err == nil && in.headers {
			_, err = schema.Compile(in.buf)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("infer schema of %s: %w", t, err)
		}
		if len(in.recursive) == len(recursive) {
			return schema.Inferred(slices.Clone(in.buf), in.root, in.forms), in.settings, nil
		}
		// A type that was written in place contains itself. Start again with
		// its schema in $defs.
		recursive = in.recursive
	}
}

// An inferrer writes the schema of one type.
type inferrer struct {
	output bool
	form   bool

	// anything says that an object may have members that its type does not have.
	anything bool

	// config says that people write the values as text: see Settings.
	config   bool
	settings []Setting

	buf     []byte
	types   []reflect.Type // whose schemas are being written
	fields  []field        // of the structs among them
	root    string         // the type keyword of the whole, unless it names two
	depth   int
	count   int // of subschemas
	headers bool
	forms   []schema.Form

	start       int     // of the subschema whose type was written last
	low, high   float64 // of the integers that were written last
	rules       rules   // tags of a field, for the type that is written next
	described   bool    // the field has a description of its own
	unaddressed bool    // methods of the pointer to a value are not called

	recursive []reflect.Type // that have a place in $defs
}

// Inferrers are pooled: programs infer one schema after the other when they
// start, and memory that a process has not used before is slow to get.
var inferrers = sync.Pool{New: func() any { return new(inferrer) }}

// whole writes the schema of t and what it refers to.
func (in *inferrer) whole(t reflect.Type) error {
	in.open()
	if err := in.keywords(t, true); err != nil {
		return err
	}
	for i := 0; i < len(in.recursive); i++ { // a definition may bring in more
		if i == 0 {
			in.key("$defs")
			in.open()
		} else {
			in.buf = append(in.buf, ',')
		}
		in.buf = append(jsonrpc.AppendString(in.buf, in.nameOf(in.recursive[i])), ':')
		in.open()
		in.unaddressed = false
		if err := in.keywords(in.recursive[i], true); err != nil {
			return err
		}
		in.close()
	}
	if len(in.recursive) > 0 {
		in.close()
	}
	in.close()
	return nil
}

// nameOf returns the name that t has in $defs: its own, and a number where
// another type has taken that.
func (in *inferrer) nameOf(t reflect.Type) string {
	taken := 0
	for _, other := range in.recursive {
		if other == t {
			break
		}
		if plainName(other) == plainName(t) {
			taken++
		}
	}
	if taken > 0 {
		return plainName(t) + strconv.Itoa(taken+1)
	}
	return plainName(t)
}

// plainName returns the name of t, which may be an instance of a generic type,
// in characters that a JSON Pointer takes as they are.
func plainName(t reflect.Type) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, t.Name())
}

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

// typ writes the type keyword. A form tells what else a value has to be.
func (in *inferrer) typ(name string, nullable bool, form *schema.Form) {
	in.start = len(in.buf) - 1
	if form != nil {
		in.attach(form)
	}
	if len(in.buf) == 1 && !nullable {
		in.root = name
	}
	in.key("type")
	if nullable {
		in.buf = fmt.Appendf(in.buf, `[%q,"null"]`, name)
		return
	}
	in.buf = append(append(append(in.buf, '"'), name...), '"')
}

// attach has the values of the subschema that was begun last checked for a
// form.
func (in *inferrer) attach(form *schema.Form) {
	f := *form
	f.Pos = in.start
	in.forms = append(in.forms, f)
}

// hasForm reports whether the subschema that begins at start has a form.
func (in *inferrer) hasForm(start int) bool {
	return len(in.forms) > 0 && in.forms[len(in.forms)-1].Pos >= start
}

// subschema writes a keyword whose value is the schema of t.
func (in *inferrer) subschema(key string, t reflect.Type) error {
	in.key(key)
	in.open()
	err := in.keywords(t, false)
	in.close()
	return err
}

// enter begins a subschema, unless compiling would find one too many or too
// deep.
func (in *inferrer) enter() error {
	if len(in.buf) > schema.MaxBytes || in.count == schema.MaxSubschemas || in.depth == schema.MaxDepth {
		return errors.New("the type is too large")
	}
	in.count++
	in.depth++
	return nil
}

func (in *inferrer) leave() { in.depth-- }

// A fieldError is the error of a field of a struct, by its path in Go.
type fieldError struct {
	path string
	err  error
}

func (e *fieldError) Error() string { return "field " + e.path + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

// inField adds the name of a field to the error of something inside it.
func inField(name string, err error) error {
	if inner, ok := errors.AsType[*fieldError](err); ok {
		return &fieldError{name + "." + inner.path, inner.err}
	}
	return &fieldError{name, err}
}
