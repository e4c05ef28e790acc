package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// check returns the JSON of a value that is given as text, several times if flags
// are repeated.
func (s *setting) check(texts []string) ([]byte, error) {
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return nil, errors.New("must be UTF-8")
		}
	}
	literal := s.literal(texts)
	return literal, s.refuse(s.Schema.Validate(context.Background(), literal))
}

// refuse is the error, or what says the same of a secret without its value.
func (s *setting) refuse(err error) error {
	if err != nil && s.Sensitive {
		return errors.New("must be " + s.expected(s.element()))
	}
	return err
}

// literal is the text as JSON of the type that the schema wants. The elements of a
// list are separated by commas; those of repeated flags follow one another.
func (s *setting) literal(texts []string) []byte {
	if s.Items == nil {
		return appendLiteral(nil, s.Kind, texts[len(texts)-1])
	}
	list := []byte{'['}
	for _, text := range texts {
		if text == "" {
			continue
		}
		for element := range strings.SplitSeq(text, ",") {
			if len(list) > 1 {
				list = append(list, ',')
			}
			list = appendLiteral(list, s.Items.Kind, strings.TrimSpace(element))
		}
	}
	return append(list, ']')
}

// appendLiteral appends the JSON of a text. Where the text does not look like the
// kind, that is a string, of which validation tells what is wanted instead.
func appendLiteral(dst []byte, kind, text string) []byte {
	switch kind {
	case "boolean":
		if is, err := strconv.ParseBool(text); err == nil {
			return strconv.AppendBool(dst, is)
		}
	case "integer", "number":
		if text != "" && strings.IndexByte("-0123456789", text[0]) >= 0 && json.Valid([]byte(text)) {
			return append(dst, text...)
		}
	}
	return jsonrpc.AppendString(dst, text)
}

// set decodes a valid literal. It still fails on what a schema does not say, such as
// the range of a float32, or the text that a type's own method accepts.
func (s *setting) set(v reflect.Value, literal []byte) error {
	var err error
	if s.element() == durationType {
		err = decodeDuration(v, literal)
	} else {
		err = json.Unmarshal(literal, v.Addr().Interface())
	}
	if err == nil || s.Sensitive {
		return s.refuse(err)
	}
	if wanted := infer.Wanted(s.element()); wanted != "" {
		return fmt.Errorf("must be %s, got %.64s", wanted, literal)
	}
	return fmt.Errorf("%.64s is not accepted: %.200v", literal, err)
}

var durationType = reflect.TypeFor[time.Duration]()

// decodeDuration sets a duration, or a list of durations. To encoding/json a duration
// is a number.
func decodeDuration(v reflect.Value, literal []byte) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decodeDuration(v.Elem(), literal)
	case reflect.Int64:
		var text string
		if err := json.Unmarshal(literal, &text); err != nil {
			return err
		}
		d, err := time.ParseDuration(text)
		v.SetInt(int64(d))
		return err
	}
	elements, err := jsonrpc.ParseArray(literal)
	if err != nil {
		return err
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
	}
	for i, element := range elements {
		if err := decodeDuration(v.Index(i), element); err != nil {
			return err
		}
	}
	return nil
}

// element is the type of the value, or of the values in a list, behind pointers.
func (s *setting) element() reflect.Type {
	t := indirect(s.Type)
	if s.Items != nil {
		t = indirect(t.Elem())
	}
	return t
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
