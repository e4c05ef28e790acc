package schema

import (
	"math/bits"
	"strings"
)

// A node is a compiled subschema. Its zero value accepts everything.
type node struct {
	pos   int  // where the subschema is in the text
	never bool // is the schema false
	free  bool // accepts everything, so the value can be skipped
	alias bool // is nothing but ref

	// The walk may meet the subschema several times with the same value, so its
	// verdicts are remembered.
	shared bool

	encoded bool // has a contentEncoding, as bytes have

	forms []*Form // beyond the keywords, of an inferred schema

	types     typeSet // 0 for any
	enum      []scalar
	enumForms map[string]bool // the canonical forms of enum, when there are many
	constant  *scalar
	number    *numberRules
	str       *stringRules
	array     *arrayRules
	object    *objectRules

	// Subschemas for the same value.
	ref             *node
	all, any, one   []*node
	not             *node
	cond            *node // if
	then, otherwise *node

	def   []byte // the default, as JSON
	fills bool   // some property inside may have to be filled with a default

	rare  *rareRules
	scope *resource // resource of n, set only where some reference is dynamic
}

// isFree reports whether nothing constrains n.
func (n *node) isFree() bool {
	return !n.never && n.types == 0 && n.enum == nil && n.constant == nil &&
		n.number == nil && n.str == nil && n.array == nil && n.object == nil &&
		n.ref == nil && n.all == nil && n.any == nil && n.one == nil &&
		n.not == nil && n.cond == nil && n.rare == nil
}

type numberRules struct {
	bounds     []bound
	multipleOf *divisor
}

// A bound is minimum, maximum or one of their exclusive forms.
type bound struct {
	literal []byte
	value   decimal
	upper   bool
	open    bool
}

func (b *bound) admits(d decimal) bool {
	c := d.compare(b.value)
	if b.upper {
		c = -c
	}
	return c > 0 || c == 0 && !b.open
}

// A limit bounds a count from both sides. A negative max is no bound.
type limit struct{ min, max int }

func unlimited() limit { return limit{max: -1} }

func (l limit) admits(n int) bool { return n >= l.min && (l.max < 0 || n <= l.max) }

type stringRules struct {
	length  limit
	pattern *pattern
}

type arrayRules struct {
	length limit
	prefix []*node
	items  *node
	unique bool

	contains *node
	matches  limit // how many elements match contains
}

type objectRules struct {
	size       limit
	properties []property
	index      map[string]int // into properties, when there are many
	required   int            // how many properties are
	patterns   []patternRule
	names      *node
	additional *node
}

// A property is a name that properties or required mentions.
type property struct {
	name     string
	schema   *node // nil when only required mentions it
	required bool
	fill     []byte // "name":default, when a missing property gets one
}

type patternRule struct {
	pattern *pattern
	schema  *node
}

// composed reports whether n applies other subschemas to the same value.
func (n *node) composed() bool {
	return n.ref != nil || n.all != nil || n.any != nil || n.one != nil || n.not != nil || n.cond != nil || n.rare != nil
}

// indexed is the number of properties from which a map is faster than a search.
const indexed = 9

// find returns the index of the property with the given name, or -1.
func (o *objectRules) find(name []byte) int {
	if o.index != nil {
		if i, ok := o.index[string(name)]; ok {
			return i
		}
		return -1
	}
	for i := range o.properties {
		if o.properties[i].name == string(name) {
			return i
		}
	}
	return -1
}

// at returns the property with the given name, added when it is new.
func (o *objectRules) at(name []byte) *property {
	if i := o.find(name); i >= 0 {
		return &o.properties[i]
	}
	o.properties = append(o.properties, property{name: string(name)})
	if len(o.properties) == indexed {
		o.index = make(map[string]int)
		for i, p := range o.properties {
			o.index[p.name] = i
		}
	} else if o.index != nil {
		o.index[string(name)] = len(o.properties) - 1
	}
	return &o.properties[len(o.properties)-1]
}

// A typeSet is a set of JSON Schema types.
type typeSet uint8

const (
	typeNull typeSet = 1 << iota
	typeBoolean
	typeObject
	typeArray
	typeNumber
	typeString
	typeInteger
)

var typeNames = [...]string{"null", "boolean", "object", "array", "number", "string", "integer"}

// parseType returns the type with the given name, 0 when there is none.
func parseType(name []byte) typeSet {
	for i, s := range typeNames {
		if s == string(name) {
			return 1 << i
		}
	}
	return 0
}

// single returns the name of the only member of t, or "".
func (t typeSet) single() string {
	if bits.OnesCount8(uint8(t)) != 1 {
		return ""
	}
	return typeNames[bits.TrailingZeros8(uint8(t))]
}

// String lists the types for a person: "a string or null".
func (t typeSet) String() string {
	var names []string
	for i, name := range typeNames {
		if t&(1<<i) == 0 {
			continue
		}
		switch name {
		case "null":
		case "object", "array", "integer":
			name = "an " + name
		default:
			name = "a " + name
		}
		names = append(names, name)
	}
	if t&typeNull != 0 && len(names) > 1 {
		names = append(names[1:], names[0])
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " or " + names[last]
	}
	return strings.Join(names, "")
}

// typeOf returns the type of a value by its first byte. A number may also be
// an integer.
func typeOf(first byte) typeSet {
	switch first {
	case '{':
		return typeObject
	case '[':
		return typeArray
	case '"':
		return typeString
	case 't', 'f':
		return typeBoolean
	case 'n':
		return typeNull
	}
	return typeNumber
}
