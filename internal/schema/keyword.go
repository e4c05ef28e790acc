package schema

import (
	"context"
	"strings"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// A group is a set of keywords that are read by the same function.
type group uint8

const (
	groupCore group = iota
	groupDefs
	groupType
	groupValue
	groupNumber
	groupString
	groupArray
	groupObject
	groupLogic
	groupDefault
	groupText
	groupFlag
	groupList
	groupSchema
)

// keywords are the keywords of both dialects. Any other name is an annotation
// without effect (JSON Schema Core 2020-12, section 6.5).
var keywords = map[string]group{
	"$schema": groupCore, "$id": groupCore, "$anchor": groupCore, "$dynamicAnchor": groupCore,
	"$ref": groupCore, "$dynamicRef": groupCore,
	"$defs": groupDefs, "definitions": groupDefs,
	"type": groupType,
	"enum": groupValue, "const": groupValue,
	"multipleOf": groupNumber, "minimum": groupNumber, "maximum": groupNumber,
	"exclusiveMinimum": groupNumber, "exclusiveMaximum": groupNumber,
	"minLength": groupString, "maxLength": groupString, "pattern": groupString,
	"items": groupArray, "prefixItems": groupArray, "additionalItems": groupArray,
	"minItems": groupArray, "maxItems": groupArray, "uniqueItems": groupArray,
	"contains": groupArray, "minContains": groupArray, "maxContains": groupArray, "unevaluatedItems": groupArray,
	"properties": groupObject, "required": groupObject, "additionalProperties": groupObject,
	"patternProperties": groupObject, "propertyNames": groupObject,
	"minProperties": groupObject, "maxProperties": groupObject,
	"allOf": groupLogic, "anyOf": groupLogic, "oneOf": groupLogic, "not": groupLogic,
	"if": groupLogic, "then": groupLogic, "else": groupLogic,
	"unevaluatedProperties": groupObject,
	"dependentRequired":     groupObject, "dependentSchemas": groupObject, "dependencies": groupObject,
	"default": groupDefault,
	"title":   groupText, "description": groupText, "$comment": groupText, "format": groupText,
	"contentEncoding": groupText, "contentMediaType": groupText,
	"deprecated": groupFlag, "readOnly": groupFlag, "writeOnly": groupFlag,
	"examples":      groupList,
	"contentSchema": groupSchema,
}

// isKeyword reports whether name is a keyword of the present dialect.
func (c *compiler) isKeyword(name []byte) bool {
	switch string(name) {
	case "additionalItems", "dependencies":
		return c.draft7
	case "$anchor", "$dynamicAnchor", "$dynamicRef", "prefixItems", "minContains", "maxContains",
		"unevaluatedItems", "unevaluatedProperties", "dependentRequired", "dependentSchemas":
		return !c.draft7
	}
	_, ok := keywords[string(name)]
	return ok
}

// keyword compiles one keyword of n, whose value is at pos.
func (c *compiler) keyword(n *node, name []byte, pos int) (err error) {
	if !c.isKeyword(name) {
		return nil
	}
	switch keywords[string(name)] {
	case groupCore:
		return c.coreKeyword(n, name, pos)
	case groupDefs:
		return c.schemaMap(pos, func([]byte, *node) error { return nil })
	case groupType:
		return c.typeKeyword(n, pos)
	case groupValue:
		return c.valueKeyword(n, name, pos)
	case groupNumber:
		return c.numberKeyword(n, name, pos)
	case groupString:
		return c.stringKeyword(n, name, pos)
	case groupArray:
		return c.arrayKeyword(n, name, pos)
	case groupObject:
		return c.objectKeyword(n, name, pos)
	case groupLogic:
		return c.logicKeyword(n, name, pos)
	case groupDefault:
		c.defaults = true
		n.def = c.literal(pos)
	case groupText:
		n.encoded = n.encoded || string(name) == "contentEncoding"
		return c.expect(typeString, pos)
	case groupFlag:
		return c.expect(typeBoolean, pos)
	case groupList:
		return c.expect(typeArray, pos)
	case groupSchema:
		// An annotation, but its value must be a schema.
		_, err = c.schema(pos)
	}
	return err
}

func (c *compiler) typeKeyword(n *node, pos int) error {
	add := func(name []byte) error {
		t := parseType(name)
		if t == 0 {
			return c.errorf("must be one of %s, got %q", strings.Join(typeNames[:], ", "), excerpt(name))
		}
		n.types |= t
		return nil
	}
	if c.data[pos] == '"' {
		return add(scan.Text(c.literal(pos)))
	}
	var bad error
	err := c.names(pos, func(name []byte) {
		if err := add(name); err != nil && bad == nil {
			bad = err
		}
	})
	switch {
	case err != nil:
		return err
	case bad != nil:
		return bad
	case n.types == 0:
		return c.errorf("must not be empty")
	}
	return nil
}

func (c *compiler) valueKeyword(n *node, name []byte, pos int) error {
	if string(name) == "const" {
		s, err := c.scalar(pos)
		n.constant = &s
		return err
	}
	if err := c.expect(typeArray, pos); err != nil {
		return err
	}
	n.enum = []scalar{}
	e := scan.Elements{Data: c.data, Pos: pos}
	for e.Next() {
		s, err := c.scalar(e.Pos)
		if err != nil {
			return err
		}
		n.enum = append(n.enum, s)
		e.Pos = scan.Value(c.data, e.Pos)
	}
	if len(n.enum) < indexed {
		return nil
	}
	n.enumForms = make(map[string]bool, len(n.enum))
	w := newWalker(context.Background(), c.data)
	e = scan.Elements{Data: c.data, Pos: pos}
	for e.Next() {
		var form []byte
		form, e.Pos = w.canonical(nil, e.Pos)
		n.enumForms[string(form)] = true
	}
	if w.stop != nil {
		return c.errorf("%w", w.stop)
	}
	return nil
}

// scalar reads a value of enum or const.
func (c *compiler) scalar(pos int) (scalar, error) {
	w := newWalker(context.Background(), c.data)
	s := w.scalar(pos, c.literal(pos))
	if w.stop != nil {
		return s, c.errorf("%w", w.stop)
	}
	return s, nil
}

func (c *compiler) numberKeyword(n *node, name []byte, pos int) error {
	if err := c.expect(typeNumber, pos); err != nil {
		return err
	}
	literal := c.literal(pos)
	if n.number == nil {
		n.number = new(numberRules)
	}
	if string(name) == "multipleOf" {
		m, err := newDivisor(literal)
		if err != nil {
			return c.errorf("%w, got %s", err, excerpt(literal))
		}
		n.number.multipleOf = m
		return nil
	}
	n.number.bounds = append(n.number.bounds, bound{
		literal: literal,
		value:   parseDecimal(literal),
		upper:   string(name) == "maximum" || string(name) == "exclusiveMaximum",
		open:    string(name) == "exclusiveMinimum" || string(name) == "exclusiveMaximum",
	})
	return nil
}

func (c *compiler) stringKeyword(n *node, name []byte, pos int) (err error) {
	if n.str == nil {
		n.str = &stringRules{length: unlimited()}
	}
	if string(name) == "pattern" {
		if err := c.expect(typeString, pos); err != nil {
			return err
		}
		n.str.pattern, err = c.pattern(scan.Text(c.literal(pos)))
		return err
	}
	return c.limit(&n.str.length, name, pos)
}

// limit reads a keyword that begins with min or max.
func (c *compiler) limit(l *limit, name []byte, pos int) (err error) {
	if string(name[:3]) == "min" {
		l.min, err = c.count(pos)
	} else {
		l.max, err = c.count(pos)
	}
	return err
}

func (c *compiler) arrayKeyword(n *node, name []byte, pos int) (err error) {
	if n.array == nil {
		n.array = &arrayRules{length: unlimited(), matches: limit{1, -1}}
	}
	switch string(name) {
	case "minItems", "maxItems":
		return c.limit(&n.array.length, name, pos)
	case "minContains", "maxContains":
		return c.limit(&n.array.matches, name, pos)
	case "contains":
		n.array.contains, err = c.schema(pos)
	case "uniqueItems":
		n.array.unique = c.data[pos] == 't'
		return c.expect(typeBoolean, pos)
	case "unevaluatedItems":
		n.rareRules().items, err = c.schema(pos)
	case "prefixItems":
		n.array.prefix, err = c.schemas(pos)
	case "items":
		if c.draft7 && c.data[pos] == '[' {
			// 2020-12 calls it prefixItems.
			n.array.prefix, err = c.schemas(pos)
			break
		}
		n.array.items, err = c.schema(pos)
	case "additionalItems":
		var rest *node
		rest, err = c.schema(pos)
		if c.hasItemList(n) {
			n.array.items = rest
		}
	}
	return err
}

// hasItemList reports whether items is an array, without which draft-07
// ignores additionalItems (draft-07 validation, section 6.4.2).
func (c *compiler) hasItemList(n *node) bool {
	pos := member(c.data, n.pos, "items")
	return pos >= 0 && c.data[pos] == '['
}

func (c *compiler) objectKeyword(n *node, name []byte, pos int) (err error) {
	if n.object == nil {
		n.object = &objectRules{size: unlimited()}
	}
	o := n.object
	switch string(name) {
	case "minProperties", "maxProperties":
		return c.limit(&o.size, name, pos)
	case "required":
		return c.names(pos, func(name []byte) {
			o.at(name).required = true
			o.required++
		})
	case "properties":
		return c.schemaMap(pos, func(name []byte, child *node) error {
			o.at(name).schema = child
			return nil
		})
	case "patternProperties":
		return c.schemaMap(pos, func(name []byte, child *node) error {
			re, err := c.pattern(name)
			o.patterns = append(o.patterns, patternRule{re, child})
			return err
		})
	case "propertyNames":
		o.names, err = c.schema(pos)
	case "additionalProperties":
		o.additional, err = c.schema(pos)
	case "unevaluatedProperties":
		n.rareRules().members, err = c.schema(pos)
	default:
		err = c.dependencies(n, pos)
	}
	return err
}

func (c *compiler) logicKeyword(n *node, name []byte, pos int) (err error) {
	switch string(name) {
	case "allOf":
		n.all, err = c.schemas(pos)
	case "anyOf":
		n.any, err = c.schemas(pos)
	case "oneOf":
		n.one, err = c.schemas(pos)
	case "not":
		n.not, err = c.schema(pos)
	case "if":
		n.cond, err = c.schema(pos)
	case "then":
		n.then, err = c.schema(pos)
	case "else":
		n.otherwise, err = c.schema(pos)
	}
	return err
}

// dependencies reads dependentRequired, dependentSchemas or dependencies: an
// object whose values are lists of names or schemas.
func (c *compiler) dependencies(n *node, pos int) error {
	if err := c.expect(typeObject, pos); err != nil {
		return err
	}
	m := scan.Members{Data: c.data, Pos: pos}
	for name := m.Next(); name != nil; name = m.Next() {
		d := dependent{name: string(scan.Text(name))}
		var err error
		if c.data[m.Pos] == '[' {
			err = c.names(m.Pos, func(name []byte) { d.required = append(d.required, string(name)) })
		} else {
			d.schema, err = c.child(scan.Text(name), m.Pos)
		}
		if err != nil {
			return err
		}
		n.rareRules().dependents = append(n.rareRules().dependents, d)
		m.Pos = scan.Value(c.data, m.Pos)
	}
	return nil
}
