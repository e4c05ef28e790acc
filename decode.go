package mcpengine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// unmarshal decodes what a client sent, by the exact names of members.
func unmarshal(data []byte, v any) error {
	if err := checkNames(reflect.TypeOf(v), data); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// decode decodes valid arguments into a zero value. What can still fail is what
// a schema does not say, such as the range of an int64 or the form of a time. The
// arguments are open when their schema allows members that the type may not have.
func decode[In any](args []byte, open bool, flat *flatDecoder, in *In) error {
	if open {
		if err := checkNames(reflect.TypeFor[In](), args); err != nil {
			return fmt.Errorf("arguments are invalid: %w", err)
		}
	}
	// What the first leaves, the second decodes again.
	if flat.decode(args, reflect.ValueOf(in).Elem()) || decodeValid(args, in) == nil {
		return nil
	}
	// To a schema 1.0 is an integer (2020-12, validation, section 6.1.1); to
	// the decoder it is not.
	if rewritten, ok := plainIntegers(args); ok {
		*in = *new(In)
		if json.Unmarshal(rewritten, in) == nil {
			return nil
		}
		args = rewritten
	}
	path, value := culprit[In](args)
	return fmt.Errorf("arguments are invalid: %s: %.64s is not accepted here", path, value)
}

// A decoder is used again: what it makes for each value is half of what a small
// one costs.
type decoder struct {
	value bytes.Reader
	json  *json.Decoder
}

var decoders = sync.Pool{New: func() any {
	d := new(decoder)
	d.json = json.NewDecoder(&d.value)
	return d
}}

// maxDecoded bounds the values for which a decoder is used again, because it
// keeps a buffer of that size.
const maxDecoded = 16 << 10

// decodeValid is [json.Unmarshal] for what is known to be JSON.
func decodeValid(value []byte, v any) error {
	if len(value) > maxDecoded {
		return json.Unmarshal(value, v)
	}
	d := decoders.Get().(*decoder)
	d.value.Reset(value)
	err := d.json.Decode(v)
	if err == nil { // or it would fail for ever
		d.value.Reset(nil)
		decoders.Put(d)
	}
	return err
}

// maxCulprit is how deep culprit looks. Each level costs a decoding.
const maxCulprit = 8

// culprit finds the value that cannot be decoded, and says where it is in the
// terms of the arguments, not of Go: it decodes each member alone.
func culprit[In any](args []byte) (path string, value []byte) {
	var places []string
	before, after := []byte{}, []byte{}
	for value = args; len(places) < maxCulprit; {
		members, err := jsonrpc.ParseObject(value)
		if err != nil {
			break // an element of an array: the array will do
		}
		found := false
		for _, m := range members {
			head := append(jsonrpc.AppendString(append(before, '{'), m.Name), ':')
			tail := append([]byte{'}'}, after...)
			if json.Unmarshal(append(append(head, m.Value...), tail...), new(In)) != nil {
				before, value, after, found = head, m.Value, tail, true
				places = append(places, string(m.Name))
				break
			}
		}
		if !found {
			break
		}
	}
	if len(places) == 0 {
		return "the object", value
	}
	return strings.Join(places, "/"), value
}

// plainIntegers writes integers with a fraction or an exponent without, and
// reports whether there are any. Those that a float64 does not hold exactly stay
// as they are.
func plainIntegers(args []byte) (rewritten []byte, changed bool) {
	for len(args) > 0 {
		n := 1
		switch c := args[0]; {
		case c == '"':
			for n < len(args) && args[n] != '"' {
				if args[n] == '\\' {
					n++
				}
				n++
			}
			n = min(n+1, len(args))
		case c == '-' || '0' <= c && c <= '9':
			for n < len(args) && strings.IndexByte("0123456789+-.eE", args[n]) >= 0 {
				n++
			}
			number := string(args[:n])
			f, err := strconv.ParseFloat(number, 64)
			if err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 && strings.ContainsAny(number, ".eE") {
				rewritten, changed = strconv.AppendInt(rewritten, int64(f), 10), true
				args = args[n:]
				continue
			}
		}
		rewritten = append(rewritten, args[:n]...)
		args = args[n:]
	}
	return rewritten, changed
}
