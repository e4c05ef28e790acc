package mcpengine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// encode encodes a value of a handler: the same bytes for the same value, with
// text that is not UTF-8 repaired. JSON that methods of the value have written is
// checked as strictly as a client's.
func encode(v any) ([]byte, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	value = validText(plainText(value))
	return value, jsonrpc.Valid(value)
}

// validText repairs text that is not UTF-8.
func validText(value []byte) []byte {
	if utf8.Valid(value) {
		return value
	}
	return bytes.ToValidUTF8(value, []byte("\uFFFD"))
}

// plainText undoes the escapes of <, > and &. encoding/json makes them for HTML;
// to a model they are wasted tokens. It changes value.
func plainText(value []byte) []byte {
	i := bytes.Index(value, []byte(`\u00`))
	if i < 0 {
		return value
	}
	// Not what follows an escaped backslash: start in front of them.
	for i > 0 && value[i-1] == '\\' {
		i--
	}
	plain := value[:i]
	for ; i < len(value); i++ {
		if value[i] != '\\' {
			plain = append(plain, value[i])
			continue
		}
		switch string(value[i:min(i+6, len(value))]) {
		case `\u003c`:
			plain = append(plain, '<')
			i += 5
		case `\u003e`:
			plain = append(plain, '>')
			i += 5
		case `\u0026`:
			plain = append(plain, '&')
			i += 5
		default:
			plain = append(plain, value[i], value[i+1]) // a text ends in a quotation mark, never in an escape
			i++
		}
	}
	return plain
}

// unmarshal decodes what a client sent, by the exact names of members.
func unmarshal(data []byte, v any) error {
	if err := checkNames(reflect.TypeOf(v), data); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// decode decodes valid arguments into a zero value. It still fails on limits that
// a schema does not have, such as the range of an int64 or the form of a time.
// Open says that the schema allows members that the type may not have.
func decode[In any](args []byte, open bool, flat *flatDecoder, in *In) error {
	if open {
		if err := checkNames(reflect.TypeFor[In](), args); err != nil {
			return fmt.Errorf("arguments are invalid: %w", err)
		}
	}
	if flat.decode(args, reflect.ValueOf(in).Elem()) {
		return nil
	}
	if err := decodeAny(args, in); err != nil {
		return fmt.Errorf("arguments are invalid: %w", err)
	}
	return nil
}

// decodeParams decodes the valid parameters of a method of an extension.
func decodeParams[In any](params []byte, in *In) error {
	if err := checkNames(reflect.TypeFor[In](), params); err != nil {
		return invalidMembers(err)
	}
	if err := decodeAny(params, in); err != nil {
		return invalidMembers(err)
	}
	return nil
}

// decodeAny decodes from the start, whatever another decoder has left in the
// value.
func decodeAny[In any](args []byte, in *In) error {
	if decodeValid(args, in) == nil {
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
	return undecodable(args, reflect.TypeFor[In]())
}

// A decoder is used again: making one costs half of what decoding a small value
// does.
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
	if err == nil { // a decoder repeats its first error
		d.value.Reset(nil)
		decoders.Put(d)
	}
	return err
}

// plainIntegers rewrites integers that have a fraction or an exponent, such as 1.0
// and 1e3, and reports whether there are any. Integers that a float64 does not
// hold exactly stay as they are.
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

// handle runs the handler of a resource or a prompt on valid arguments.
func handle[In, Out any](ctx context.Context, args []byte, flat *flatDecoder, h Handler[In, Out]) (any, error) {
	var in In
	if err := decode(args, false, flat, &in); err != nil {
		return nil, invalidParams(err)
	}
	return h(ctx, in)
}
