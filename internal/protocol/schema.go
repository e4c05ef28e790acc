package protocol

import (
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// wrappedMember is the member in which a value is wrapped where structured
// content must be an object.
const wrappedMember = "result"

// WrapsOutput reports whether the versions that allow only objects get the
// output schema of a tool, and each of its results, wrapped in an object. It is
// the one decision for both, so that a result always satisfies the schema that
// is listed.
//
// A schema that does not say that its type is an object is wrapped. A schema
// that refers to its own root cannot be.
func WrapsOutput(schema []byte) bool {
	members, err := jsonrpc.ParseObject(schema)
	return err == nil && !isOfObject(members) && isMovable(schema, keywords)
}

func isOfObject(members jsonrpc.Object) bool { return string(members.Get("type")) == `"object"` }

// OutputSchema returns the output schema of a tool as the version allows it, nil
// for none. A schema that would have to be wrapped and cannot be is left out.
func (v *Version) OutputSchema(schema []byte) []byte {
	if v.Structured == StructuredAny {
		return schema
	}
	members, err := jsonrpc.ParseObject(schema)
	switch {
	case v.Structured == StructuredNone || err != nil: // or true or false
		return nil
	case isOfObject(members):
		return schema
	case WrapsOutput(schema):
		return wrapSchema(members)
	}
	return nil
}

// movedKeywords belong to the root of a schema, where references find them.
var movedKeywords = []string{"$schema", "$defs", "definitions"}

func wrapSchema(members jsonrpc.Object) []byte {
	inner, outer := new(jsonrpc.Builder), new(jsonrpc.Builder)
	for _, m := range members {
		if name := string(m.Name); slices.Contains(movedKeywords, name) {
			outer.Add(name, m.Value)
		} else {
			inner.Add(name, m.Value)
		}
	}
	outer.AddString("type", "object")
	outer.Add("properties", jsonrpc.NewObject(wrappedMember, inner.Object()))
	outer.Add("required", []byte(`["`+wrappedMember+`"]`))
	return outer.Object()
}

// A place is what the members of an object in a schema are.
type place int

const (
	keywords place = iota // of a schema
	schemas               // by names that the author chose
	data                  // such as an example
)

// places are the keywords whose values are not schemas.
var places = map[string]place{
	"properties": schemas, "patternProperties": schemas, "dependentSchemas": schemas, "$defs": schemas, "definitions": schemas,
	"const": data, "enum": data, "default": data, "examples": data,
}

// isMovable reports whether a schema means the same one level deeper, when its
// definitions stay at the root: all references in it are to those.
func isMovable(value []byte, at place) bool {
	if at == data {
		return true
	}
	if elements, err := jsonrpc.ParseArray(value); err == nil {
		return !slices.ContainsFunc(elements, func(e []byte) bool { return !isMovable(e, at) })
	}
	members, err := jsonrpc.ParseObject(value)
	if err != nil {
		return true
	}
	for _, m := range members {
		inside := keywords
		if at == keywords {
			if fixes(string(m.Name), m.Value) {
				return false
			}
			inside = places[string(m.Name)]
		}
		if !isMovable(m.Value, inside) {
			return false
		}
	}
	return true
}

// fixes reports whether a keyword ties the schema to where it stands.
func fixes(keyword string, value []byte) bool {
	switch keyword {
	case "$id", "id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef":
		return true
	case "$ref":
		ref := jsonrpc.Text(value)
		return !strings.HasPrefix(ref, "#/$defs/") && !strings.HasPrefix(ref, "#/definitions/")
	}
	return false
}

// StructuredContent returns structured content as the version allows it, nil for
// none. Wrapped is what [WrapsOutput] says of the tool's schema. Where
// only objects are allowed, other values are wrapped in any case.
func (v *Version) StructuredContent(value []byte, wrapped bool) []byte {
	switch {
	case value == nil || v.Structured == StructuredNone:
		return nil
	case v.Structured == StructuredObject && (wrapped || !jsonrpc.IsObject(value)):
		return jsonrpc.NewObject(wrappedMember, value)
	}
	return value
}
