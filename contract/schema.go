package contract

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A direction says who writes the values that a schema describes.
type direction int

const (
	// Callers write arguments: everything that was valid must stay valid.
	input direction = iota
	// The server writes results: everything that it may send now must have been
	// valid before.
	output
)

// maxSteps bounds the comparison of two schemas, which references can blow up.
const maxSteps = 100_000

// A schemaComparison compares two JSON Schemas (2020-12) keyword by keyword. Where
// it cannot tell whether a change allows more or less, it takes the change to be
// breaking.
type schemaComparison struct {
	*comparison
	direction direction
	old, now  any                // the roots, for references
	seen      map[[2]string]bool // pairs of references that were followed
	steps     int
	exhausted bool
}

func (c *comparison) schema(at string, d direction, before, after any) {
	s := &schemaComparison{comparison: c, direction: d, old: before, now: after, seen: map[[2]string]bool{{"#", "#"}: true}}
	s.walk(at, before, after)
	if s.exhausted {
		c.add(Breaking, at, "the schemas are too large to compare, and differ")
	}
}

// narrowed records that fewer values are valid.
func (s *schemaComparison) narrowed(at, format string, args ...any) {
	s.add([]Class{input: Breaking, output: Compatible}[s.direction], at, format, args...)
}

// widened records that more values are valid.
func (s *schemaComparison) widened(at, format string, args ...any) {
	s.add([]Class{input: Compatible, output: Breaking}[s.direction], at, format, args...)
}

// changed records that other values are valid.
func (s *schemaComparison) changed(at, format string, args ...any) {
	s.add(Breaking, at, format, args...)
}

// noun is what a property is called in messages.
func (s *schemaComparison) noun(at string) string {
	if at == "/inputSchema" {
		return "argument"
	}
	return "property"
}

// walk compares two schemas at a place.
func (s *schemaComparison) walk(at string, before, after any) {
	if s.steps++; s.steps > maxSteps {
		s.exhausted = true
		return
	}
	old, oldRef := resolve(s.old, before)
	now, nowRef := resolve(s.now, after)
	if oldRef != "" || nowRef != "" {
		pair := [2]string{oldRef, nowRef}
		if s.seen[pair] && oldRef != "" && nowRef != "" {
			return
		}
		s.seen[pair] = true
	}
	if never(old) || never(now) {
		if never(old) != never(now) {
			s.changed(at, "the schema allows nothing, before or now")
		}
		return
	}
	if !s.types(at, old, now) {
		return // nothing else is comparable
	}
	s.values(at, old, now)
	s.bounds(at, old, now)
	s.patterns(at, old, now)
	s.properties(at, old, now)
	s.additional(at, old, now)
	s.items(at, old, now)
	s.combined(at, old, now)
	s.rest(at, old, now)
}

// never reports whether a schema is false.
func never(schema map[string]any) bool {
	not, ok := schema["not"].(map[string]any)
	return ok && len(not) == 0
}

// resolve follows the references of a schema inside of its document, and returns
// the schema as an object with the last reference that it followed. A reference
// that leads elsewhere stays, and is compared as text.
func resolve(root, schema any) (map[string]any, string) {
	ref := ""
	for range 32 {
		if b, ok := schema.(bool); ok {
			if b {
				return map[string]any{}, ref
			}
			return map[string]any{"not": map[string]any{}}, ref
		}
		members, _ := schema.(map[string]any)
		next, ok := members["$ref"].(string)
		target, found := lookup(root, next)
		if !ok || !found {
			if members == nil {
				members = map[string]any{}
			}
			return members, ref
		}
		ref = next
		if len(members) > 1 { // keywords beside a reference apply too
			merged := map[string]any{}
			if inner, ok := target.(map[string]any); ok {
				maps.Copy(merged, inner)
			}
			for name, value := range members {
				if name != "$ref" {
					merged[name] = value
				}
			}
			target = merged
		}
		schema = target
	}
	return map[string]any{}, ref
}

// lookup finds the target of a reference such as "#/$defs/Point".
func lookup(root any, ref string) (any, bool) {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok || pointer != "" && pointer[0] != '/' {
		return nil, false
	}
	here := root
	for token := range jsontext.Pointer(pointer).Tokens() {
		switch value := here.(type) {
		case map[string]any:
			if here, ok = value[token]; !ok {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return here, true
}

// everyType has a name for each kind of value; a number is one or the other.
var everyType = []string{"null", "boolean", "object", "array", "string", "integer", "fraction"}

// typesOf returns the types of values that a schema allows by its type keyword.
func typesOf(schema map[string]any) []string {
	var names []any
	switch t := schema["type"].(type) {
	case string:
		names = []any{t}
	case []any:
		names = t
	default:
		return everyType
	}
	var types []string
	for _, name := range names {
		if name == "number" {
			types = append(types, "integer", "fraction")
		} else {
			types = append(types, text(name))
		}
	}
	return types
}

// types compares the types, and reports whether they have one in common.
func (s *schemaComparison) types(at string, old, now map[string]any) bool {
	before, after := typesOf(old), typesOf(now)
	gone := slices.DeleteFunc(slices.Clone(before), func(t string) bool { return slices.Contains(after, t) })
	come := slices.DeleteFunc(slices.Clone(after), func(t string) bool { return slices.Contains(before, t) })
	describe := func() string { return fmt.Sprintf("type changed from %s to %s", typeText(old), typeText(now)) }
	switch {
	case len(gone) > 0 && len(come) > 0:
		s.changed(at, "%s", describe())
		return len(gone) < len(before)
	case len(gone) > 0:
		s.narrowed(at, "%s", describe())
	case len(come) > 0:
		s.widened(at, "%s", describe())
	}
	return true
}

func typeText(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		var names []string
		for _, name := range t {
			names = append(names, text(name))
		}
		return strings.Join(names, " or ")
	}
	return "any"
}

// values compares enum and const.
func (s *schemaComparison) values(at string, old, now map[string]any) {
	before, listed := allowed(old)
	after, lists := allowed(now)
	switch {
	case !listed && !lists:
	case !listed:
		s.narrowed(at, "only these values are allowed now: %s", briefList(after))
	case !lists:
		s.widened(at, "values other than %s are allowed now", briefList(before))
	default:
		for _, value := range missing(before, after) {
			s.narrowed(at, "value %s removed", brief(value))
		}
		for _, value := range missing(after, before) {
			s.widened(at, "value %s added", brief(value))
		}
	}
}

// allowed returns the values that enum and const list.
func allowed(schema map[string]any) (values []any, listed bool) {
	if value, ok := schema["const"]; ok {
		return []any{value}, true
	}
	values, listed = schema["enum"].([]any)
	return values, listed
}

// bounded are the keywords that bound a number from below or above, in groups
// that say the same of a value.
var bounded = []struct {
	name  string
	lower bool
}{
	{"minimum", true},
	{"exclusiveMinimum", true},
	{"minLength", true},
	{"minItems", true},
	{"minProperties", true},
	{"minContains", true},
	{"maximum", false},
	{"exclusiveMaximum", false},
	{"maxLength", false},
	{"maxItems", false},
	{"maxProperties", false},
	{"maxContains", false},
}

func (s *schemaComparison) bounds(at string, old, now map[string]any) {
	for _, b := range bounded {
		x, had := old[b.name].(float64)
		y, has := now[b.name].(float64)
		switch {
		case had == has && x == y:
		case !had && y == 0 && strings.HasPrefix(b.name, "min") && b.name != "minimum", !has && x == 0 && strings.HasPrefix(b.name, "min") && b.name != "minimum":
			// a length is never less than 0
		case !had:
			s.narrowed(at, "%s is %v now", b.name, y)
		case !has:
			s.widened(at, "%s %v removed", b.name, x)
		case y > x == b.lower:
			s.narrowed(at, "%s changed from %v to %v", b.name, x, y)
		default:
			s.widened(at, "%s changed from %v to %v", b.name, x, y)
		}
	}
	if x, y := boolean(old["uniqueItems"], false), boolean(now["uniqueItems"], false); x != y {
		if y {
			s.narrowed(at, "items must be unique now")
		} else {
			s.widened(at, "items need not be unique any more")
		}
	}
}

// patterns compares the keywords whose values cannot be ordered.
func (s *schemaComparison) patterns(at string, old, now map[string]any) {
	for _, name := range []string{"pattern", "format", "multipleOf", "contentEncoding", "contentMediaType"} {
		x, had := old[name]
		y, has := now[name]
		switch {
		case equal(x, y):
		case !had:
			s.narrowed(at, "%s is %v now", name, y)
		case !has:
			s.widened(at, "%s %v removed", name, x)
		default:
			s.changed(at, "%s changed from %v to %v", name, x, y)
		}
	}
}

// items compares the schemas of arrays.
func (s *schemaComparison) items(at string, old, now map[string]any) {
	before, _ := old["prefixItems"].([]any)
	after, _ := now["prefixItems"].([]any)
	for i := range max(len(before), len(after)) {
		s.subschema(fmt.Sprintf("%s/prefixItems/%d", at, i), itemAt(before, i, old["items"]), itemAt(after, i, now["items"]))
	}
	if old["items"] != nil || now["items"] != nil {
		s.subschema(at+"/items", old["items"], now["items"])
	}
}

func itemAt(prefix []any, i int, rest any) any {
	if i < len(prefix) {
		return prefix[i]
	}
	return rest
}

// combined compares anyOf, oneOf and allOf. Alternatives that are alike belong
// together; the others are compared in their order when their number is the same.
func (s *schemaComparison) combined(at string, old, now map[string]any) {
	for _, name := range []string{"anyOf", "oneOf", "allOf"} {
		before, _ := old[name].([]any)
		after, _ := now[name].([]any)
		if len(before) == 0 && len(after) == 0 {
			continue
		}
		more, less := s.widened, s.narrowed
		if name == "allOf" || len(before) == 0 || len(after) == 0 {
			more, less = less, more
		}
		if len(before) == len(after) {
			for i := range before {
				s.walk(fmt.Sprintf("%s/%s/%d", at, name, i), before[i], after[i])
			}
			continue
		}
		for _, branch := range missing(before, after) {
			less(at+"/"+name, "%s lacks %s now", name, brief(branch))
		}
		for _, branch := range missing(after, before) {
			more(at+"/"+name, "%s has %s now", name, brief(branch))
		}
	}
}

// briefList returns the JSON of the first values of a list.
func briefList(values []any) string {
	var all []string
	for i, value := range values {
		if i == 10 {
			all = append(all, "…")
			break
		}
		all = append(all, brief(value))
	}
	return strings.Join(all, ", ")
}

// brief returns the JSON of a value in a few characters.
func brief(value any) string {
	text := canonicalText(value)
	if len(text) > 60 {
		return strings.ToValidUTF8(text[:60], "") + "…"
	}
	return text
}

// texts are the keywords that only inform.
var texts = []string{"title", "description"}

// ignored are the keywords that say nothing of values, or that are followed from
// where they are used.
var ignored = []string{"$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "$vocabulary"}

// compared are the keywords that the functions above compare.
var compared = []string{
	"type", "enum", "const", "uniqueItems", "pattern", "format", "multipleOf", "contentEncoding", "contentMediaType",
	"properties", "required", "additionalProperties", "unevaluatedProperties", "prefixItems", "items", "anyOf", "oneOf", "allOf",
	"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains",
	"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains",
}

// asserted are the keywords that decide which values are valid in ways that are
// not compared.
var asserted = []string{
	"$ref", "$dynamicRef", "not", "if", "then", "else", "contains", "dependentSchemas", "dependentRequired", "patternProperties",
	"propertyNames", "unevaluatedItems", "contentSchema",
}

// rest compares the other keywords.
func (s *schemaComparison) rest(at string, old, now map[string]any) {
	for _, name := range union(old, now) {
		x, y := old[name], now[name]
		here := at + "/" + escape(name)
		switch {
		case slices.Contains(compared, name) || slices.Contains(ignored, name) || equal(x, y):
		case slices.Contains(texts, name):
			s.addText(here, name, text(x), text(y))
		case slices.Contains(asserted, name):
			s.changed(here, "%s changed", name)
		case name == "x-mcp-header" && x != nil && y == nil:
			s.add(Compatible, here, "not mirrored into a header field any more")
		case name == "x-mcp-header":
			s.add(Breaking, here, "mirrored into the header field %v: calls without it are refused", y)
		default:
			s.add(Notice, here, "%s changed", name)
		}
	}
}
