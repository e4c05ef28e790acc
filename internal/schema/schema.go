// Package schema compiles JSON Schemas and checks raw JSON against them.
//
// A schema is read once and becomes a tree of nodes: a given schema when it is
// compiled, an inferred schema when it is first needed. One walk over the bytes
// of a value then checks it without decoding it and, where the value is valid,
// with hardly an allocation. The walk has a budget and ends with its context.
//
// Two dialects are supported: 2020-12, which is the default, and draft-07. The
// rare keywords ($dynamicRef, unevaluatedItems, unevaluatedProperties, the
// dependent ones), exact decimals and draft-07 serve only schemas that a program
// gives as JSON. They are complete, tested against the official suite, and
// frozen: no other keyword or dialect is to be added unless somebody needs it.
package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// Bounds on a schema, so that a hostile one cannot exhaust the validator
// (basic, "Composition-Keyword Resource Use").
const (
	MaxBytes      = 1 << 20
	MaxDepth      = 64
	MaxSubschemas = 10_000
)

// A Schema is a JSON Schema that is known to be valid. It is immutable and safe
// for concurrent use.
type Schema struct {
	json  []byte
	typ   string // see Type
	forms []Form // by Pos

	// What compile makes of json, once.
	once    sync.Once
	root    *node
	headers []Header
	err     error
}

// Compile compiles a schema given as JSON. It refuses a schema that is
// malformed, too large, not valid in its dialect, or not self-contained: a
// $ref that leaves the schema is an error and is never fetched (basic, "$ref
// Resolution").
func Compile(raw []byte) (*Schema, error) {
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("compile schema: %d bytes exceed the limit of %d", len(raw), MaxBytes)
	}
	text, err := Compact(raw)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	s := &Schema{json: text}
	if err := s.compile(); err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	s.typ = s.root.types.single()
	return s, nil
}

// Inferred returns the schema with the given text, which must be compact, valid
// and within the bounds of [Compile]. It is compiled when it is first needed.
// Its Type is typ, and its values have the forms beside what the text says.
func Inferred(text []byte, typ string, forms []Form) *Schema {
	return &Schema{json: text, typ: typ, forms: forms}
}

// A Form is a demand on the values of a subschema that its keywords do not make,
// such as that a string is a date.
type Form struct {
	Pos    int                     // where the subschema begins in the text of the schema
	Valid  func(value []byte) bool // of the characters of a string, or a number as it is written
	Wanted string                  // completes "must be"
}

// Compact returns raw without white space. It refuses what is not strict JSON.
func Compact(raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return nil, errors.New("empty text")
	}
	if err := jsonrpc.Valid(raw); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err := json.Compact(&text, raw)
	return text.Bytes(), err
}

// compile makes the nodes when it is first called. It cannot fail for a schema
// of [Inferred].
func (s *Schema) compile() error {
	s.once.Do(func() {
		if s.json[0] != '{' {
			s.err = fmt.Errorf("must be an object, got %s", excerpt(s.json))
			return
		}
		c := newCompiler(s.json)
		if s.root, s.err = c.compile(); s.err != nil {
			return
		}
		s.headers = c.headers
		for i := range s.forms {
			n := c.nodeAt(s.forms[i].Pos)
			n.forms = append(n.forms, &s.forms[i])
		}
	})
	return s.err
}

// JSON returns the schema as it was given, less insignificant white space.
// The caller must not modify it.
func (s *Schema) JSON() []byte { return s.json }

// Type returns the type of the values the schema accepts when the schema names
// exactly one at its root, and "" otherwise.
func (s *Schema) Type() string { return s.typ }

// Headers returns the x-mcp-header annotations in document order, nil when
// there are none. The caller must not modify it.
func (s *Schema) Headers() []Header {
	_ = s.compile() // cannot fail: Compile and Inferred return valid schemas
	return s.headers
}

// Validate checks value, which must be well-formed JSON without duplicate
// names. It returns a [*ValidationError] for a value that does not satisfy the
// schema and for one that takes too much work to check, and the error of ctx
// when ctx has ended.
func (s *Schema) Validate(ctx context.Context, value []byte) error {
	if err := s.compile(); err != nil {
		return err
	}
	return validate(ctx, s.root, value)
}
