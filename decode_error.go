package mcpengine

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// undecodable says which value of the arguments t cannot hold, and what it
// should be, in the terms of the arguments and not of Go.
func undecodable(args []byte, t reflect.Type) error {
	path, value, err := locate(args, t)
	place := "the object"
	if len(path) > 0 {
		place = placeOf(path)
	}
	t = typeAt(t, path)
	if want := infer.Wanted(t); want != "" {
		return fmt.Errorf("%s: must be %s, got %.64s", place, want, value)
	}
	if t != nil && decodesItself(t) && !isMismatch(err) {
		return fmt.Errorf("%s: %.64s is not accepted: %.200v", place, value, err) // in the words of the type's own method
	}
	return fmt.Errorf("%s: %.64s is not accepted here", place, value)
}

// placeOf spells a path as validation does.
func placeOf(path []part) (place string) {
	for _, p := range path {
		if p.tail == '}' {
			place = schema.JoinPlace(place, p.name)
		} else {
			place += "[" + p.name + "]"
		}
	}
	return place
}

// Bounds on the search of locate: the levels that it descends, each of which
// costs a decoding of the whole, and the parts that it decodes alone.
const (
	maxDepth = 8
	maxParts = 10_000
)

// locate finds the innermost value that t cannot hold, by decoding the members of
// each level alone. Beyond its bounds it returns the value around it.
func locate(args []byte, t reflect.Type) (path []part, value []byte, err error) {
	value = args
	var before, after []byte
	err = json.Unmarshal(args, reflect.New(t).Interface())
	decoded := 0
	for len(path) < maxDepth {
		found := false
		for _, p := range parts(value) {
			if decoded++; decoded > maxParts {
				return path, value, err
			}
			head := append(slices.Clip(before), p.head...)
			tail := append([]byte{p.tail}, after...)
			whole := append(append(slices.Clip(head), p.value...), tail...)
			if failed := json.Unmarshal(whole, reflect.New(t).Interface()); failed != nil {
				before, value, after, err, found = head, p.value, tail, failed, true
				path = append(path, p)
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
func typeAt(t reflect.Type, path []part) reflect.Type {
	for _, p := range path {
		t = indirect(t)
		switch t.Kind() {
		case reflect.Map, reflect.Slice, reflect.Array:
			t = t.Elem()
		case reflect.Struct:
			if t = fieldType(t, p.name); t == nil {
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
	fields, err := infer.Fields(t)
	if err != nil {
		return nil
	}
	for _, f := range fields {
		if f.Name == name {
			return f.Type
		}
	}
	return nil
}

// isMismatch reports whether encoding/json itself has refused a value, in words
// about Go.
func isMismatch(err error) bool {
	_, mismatch := errors.AsType[*json.UnmarshalTypeError](err)
	return mismatch
}
