package mcpengine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// decode decodes valid arguments. What can still fail is what a schema does not
// say, such as the range of an int64 or the form of a time.
func decode[In any](args []byte) (in In, err error) {
	if err = json.Unmarshal(args, &in); err == nil {
		return in, nil
	}
	// To a schema 1.0 is an integer (2020-12, validation, section 6.1.1); to
	// the decoder it is not.
	if rewritten, ok := plainIntegers(args); ok {
		in = *new(In)
		if err = json.Unmarshal(rewritten, &in); err == nil {
			return in, nil
		}
	}
	return in, explainDecode(args, err)
}

// explainDecode says what is wrong in the terms of the arguments, not of Go.
func explainDecode(args []byte, err error) error {
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fmt.Errorf("arguments are invalid: %w", err)
	}
	value := args
	for name := range semantic.JSONPointer.Tokens() {
		members, err := jsonrpc.ParseObject(value)
		if err != nil {
			break // an element of an array: the array will do
		}
		value = members.Get(name)
	}
	path := strings.TrimPrefix(string(semantic.JSONPointer), "/")
	if path == "" {
		path = "the object"
	}
	return fmt.Errorf("arguments are invalid: %s: %.64s is not accepted here", path, value)
}

// plainIntegers writes integers with a fraction or an exponent without, and
// reports whether there are any. Those that a float64 does not hold exactly stay
// as they are.
func plainIntegers(args []byte) ([]byte, bool) {
	changed := false
	var out bytes.Buffer
	in, encoder := jsontext.NewDecoder(bytes.NewReader(args)), jsontext.NewEncoder(&out)
	for {
		token, err := in.ReadToken()
		if errors.Is(err, io.EOF) {
			return out.Bytes(), changed
		}
		if err != nil {
			return nil, false
		}
		if token.Kind() == '0' && strings.ContainsAny(token.String(), ".eE") {
			if f, err := strconv.ParseFloat(token.String(), 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
				token, changed = jsontext.Int(int64(f)), true
			}
		}
		if err := encoder.WriteToken(token); err != nil {
			return nil, false
		}
	}
}
