package mcpengine

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// undecodable says which value of the arguments t cannot hold, and what it
// should be, in the terms of the arguments and not of Go.
func undecodable(args []byte, t reflect.Type) error {
	path, value, err := locate(args, t)
	place := strings.Join(path, "/")
	if place == "" {
		place = "the object"
	}
	t = typeAt(t, path)
	if want := wanted(t); want != "" {
		return fmt.Errorf("%s: must be %s, got %.64s", place, want, value)
	}
	if t != nil && isDecoder(t) && !isMismatch(err) {
		return fmt.Errorf("%s: %.64s is not accepted: %.200v", place, value, err) // in the words of the type's own method
	}
	return fmt.Errorf("%s: %.64s is not accepted here", place, value)
}

// maxDepth is how deep locate looks. Each level costs a decoding.
const maxDepth = 8

// locate finds the innermost value that t cannot hold, by decoding the members of
// each level alone.
func locate(args []byte, t reflect.Type) (path []string, value []byte, err error) {
	value = args
	var before, after []byte
	err = json.Unmarshal(args, reflect.New(t).Interface())
	for len(path) < maxDepth {
		found := false
		for _, p := range parts(value) {
			head := append(before[:len(before):len(before)], p.head...)
			tail := append([]byte{p.tail}, after...)
			whole := append(append(head[:len(head):len(head)], p.value...), tail...)
			if failed := json.Unmarshal(whole, reflect.New(t).Interface()); failed != nil {
				before, value, after, err, found = head, p.value, tail, failed, true
				path = append(path, p.name)
				break
			}
		}
		if !found {
			break
		}
	}
	return path, value, err
}

// A part is a member of an object or an element of an array, with what stands
// around it when it is alone there.
type part struct {
	name        string
	head, value []byte
	tail        byte
}

func parts(value []byte) (all []part) {
	if members, err := jsonrpc.ParseObject(value); err == nil {
		for _, m := range members {
			head := append(jsonrpc.AppendString([]byte{'{'}, m.Name), ':')
			all = append(all, part{string(m.Name), head, m.Value, '}'})
		}
		return all
	}
	elements, err := jsonrpc.ParseArray(value)
	if err != nil {
		return nil
	}
	for i, element := range elements {
		all = append(all, part{strconv.Itoa(i), []byte{'['}, element, ']'})
	}
	return all
}

// typeAt returns the type of the value at a path, and nil where it is not known.
func typeAt(t reflect.Type, path []string) reflect.Type {
	for _, name := range path {
		t = indirect(t)
		switch t.Kind() {
		case reflect.Map, reflect.Slice, reflect.Array:
			t = t.Elem()
		case reflect.Struct:
			if t = fieldType(t, name); t == nil {
				return nil
			}
		default:
			return nil
		}
	}
	return indirect(t)
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func fieldType(t reflect.Type, name string) reflect.Type {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name || tag == "" && f.Name == name {
			return f.Type
		}
	}
	return nil
}

// forms are the types whose text has a form that no schema says.
var forms = map[string]string{
	"time.Time":          "an RFC 3339 time such as 2026-01-02T15:04:05Z",
	"net.IP":             "an IP address such as 192.0.2.1",
	"net/netip.Addr":     "an IP address such as 192.0.2.1",
	"net/netip.AddrPort": "an IP address and a port such as 192.0.2.1:443",
	"net/netip.Prefix":   "an IP prefix such as 192.0.2.0/24",
	"math/big.Int":       "an integer such as 12345678901234567890",
	"math/big.Float":     "a number such as 1.5",
	"math/big.Rat":       "a number such as 3/4 or 0.75",
}

// wanted describes the values that t holds, and is empty where that is not
// known.
func wanted(t reflect.Type) string {
	if t == nil {
		return ""
	}
	if form := forms[t.PkgPath()+"."+t.Name()]; form != "" || isDecoder(t) {
		return form
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "base64 such as aGVsbG8="
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		most := int64(math.MaxInt64) >> (64 - t.Bits())
		return fmt.Sprintf("an integer from %d to %d", -most-1, most)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return fmt.Sprintf("an integer from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	case reflect.Float32:
		return fmt.Sprintf("a number from %g to %g", -math.MaxFloat32, math.MaxFloat32)
	case reflect.Float64:
		return fmt.Sprintf("a number from %g to %g", -math.MaxFloat64, math.MaxFloat64)
	}
	return ""
}

// isDecoder reports whether a method of the type decodes its values.
func isDecoder(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]())
}

// isMismatch reports whether encoding/json itself has refused a value, in words
// about Go.
func isMismatch(err error) bool {
	_, mismatch := errors.AsType[*json.UnmarshalTypeError](err)
	return mismatch
}
