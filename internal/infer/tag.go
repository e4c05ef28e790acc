package infer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// A group is a kind of values that a tag applies to.
type group uint8

const (
	forNumbers group = iota + 1
	forStrings
	forLists
	forScalars
)

// tags are the struct tags that a field may have, beside json:
//
//	jsonschema:"text"      the description
//	default:"…"            the default: JSON, or the bare text for a string
//	header:"Region"        its x-mcp-header
//	sensitive:"false"      its x-sensitive: whether its value is a secret
//	enum:"a,b,c"           the values it is limited to
//	minimum:"1"            bounds of a number, as JSON; maximum,
//	                       exclusiveMinimum and exclusiveMaximum likewise
//	multipleOf:"0.5"       what a number is a multiple of
//	minLength:"1"          bounds of a string in characters; maxLength likewise
//	pattern:"^[a-z]+$"     a regular expression that matches the string somewhere
//	format:"email"         a format of JSON Schema, which is checked
//	minItems:"1"           bounds of a slice; maxItems likewise
//
// For a slice, minItems and maxItems are of the slice, and enum and the other
// bounds of its elements. A tag that does not apply to the type of its field is
// an error. So are a misspelt tag, a keyword of JSON Schema that is not a tag,
// and a tag without the form key:"value".
var tags = map[string]group{
	"json": 0, "jsonschema": 0, "default": 0, "header": 0, "sensitive": 0,
	"enum":    forScalars,
	"minimum": forNumbers, "maximum": forNumbers, "exclusiveMinimum": forNumbers, "exclusiveMaximum": forNumbers,
	"multipleOf": forNumbers,
	"minLength":  forStrings, "maxLength": forStrings, "pattern": forStrings, "format": forStrings,
	"minItems": forLists, "maxItems": forLists,
}

// notTags are keywords of JSON Schema that an author may take for tags.
var notTags = []string{
	"title", "description", "const", "examples", "uniqueItems", "contains", "minContains", "maxContains",
	"minProperties", "maxProperties", "additionalProperties", "propertyNames", "contentEncoding", "contentMediaType",
}

// A rule is a tag that becomes a keyword.
type rule struct {
	key, value string
	used       bool
}

type rules []rule

func (r rules) has(key string) bool {
	return slices.ContainsFunc(r, func(r rule) bool { return !r.used && r.key == key })
}

// check refuses the tags that did not apply to the type of the field.
func (r rules) check(t reflect.Type) error {
	if len(r) == 0 {
		return nil
	}
	for _, rule := range r {
		if !rule.used {
			return fmt.Errorf("tag %s does not apply to type %s", rule.key, t)
		}
	}
	for _, pair := range [][2]string{
		{"minimum", "maximum"},
		{"minimum", "exclusiveMaximum"},
		{"exclusiveMinimum", "maximum"},
		{"exclusiveMinimum", "exclusiveMaximum"},
		{"minLength", "maxLength"},
		{"minItems", "maxItems"},
	} {
		low, hasLow := r.number(pair[0])
		high, hasHigh := r.number(pair[1])
		if hasLow && hasHigh && low > high {
			return fmt.Errorf("tag %s is greater than %s", pair[0], pair[1])
		}
	}
	return nil
}

// number returns the value of a tag that is a number.
func (r rules) number(key string) (n float64, ok bool) {
	i := slices.IndexFunc(r, func(r rule) bool { return r.key == key })
	if i < 0 {
		return 0, false
	}
	n, err := strconv.ParseFloat(r[i].value, 64)
	return n, err == nil
}

// fieldTags are the tags of a field.
type fieldTags struct {
	rules rules // those that become keywords, in their order

	description, defaultValue, sensitive, header tagText
}

// A tagText is the text of a tag, if there is the tag.
type tagText struct {
	text  string
	given bool
}

// parseTags reads the tags of a field, but for json.
func parseTags(tag reflect.StructTag) (fieldTags, error) {
	var found fieldTags
	var keys [8]string
	seen := keys[:0]
	for rest := strings.TrimLeft(string(tag), " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key, value, after, ok := cutTag(rest)
		if !ok {
			return found, fmt.Errorf("the tag does not have the form key:\"value\" at %.40q", rest)
		}
		rest = after
		if slices.Contains(seen, key) {
			return found, fmt.Errorf("tag %s is given twice", key)
		}
		seen = append(seen, key)
		switch key {
		case "json":
		case "jsonschema":
			found.description = tagText{value, true}
		case "default":
			found.defaultValue = tagText{value, true}
		case "sensitive":
			found.sensitive = tagText{value, true}
		case "header":
			found.header = tagText{value, true}
		default:
			if tags[key] != 0 {
				found.rules = append(found.rules, rule{key: key, value: value})
			} else if err := checkUnknown(key); err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

// cutTag takes the first tag off s, as [reflect.StructTag] does.
func cutTag(s string) (key, value, after string, ok bool) {
	i := 0
	for i < len(s) && s[i] > ' ' && s[i] != ':' && s[i] != '"' && s[i] != 0x7f {
		i++
	}
	if i == 0 || !strings.HasPrefix(s[i:], `:"`) {
		return "", "", "", false
	}
	key, after = s[:i], s[i+2:]
	for end := range len(after) {
		switch after[end] {
		case '"':
			return key, after[:end], after[end+1:], true
		case '\\', '\n':
			quoted, err := strconv.QuotedPrefix(s[i+1:])
			if err != nil {
				return "", "", "", false
			}
			value, err = strconv.Unquote(quoted)
			return key, value, after[len(quoted)-1:], err == nil
		}
	}
	return "", "", "", false
}

// checkUnknown refuses a misspelt tag and a keyword that is not a tag. It accepts
// the tags of other packages.
func checkUnknown(key string) error {
	for known := range tags {
		if strings.EqualFold(key, known) || len(known) > 5 && isMisspelt(key, known) {
			return fmt.Errorf("tag %s is unknown: is it %s?", key, known)
		}
	}
	switch {
	case key == "description":
		return errors.New("tag description is unknown: use jsonschema")
	case slices.Contains(notTags, key):
		return fmt.Errorf("tag %s is unknown: give the schema as JSON", key)
	}
	return nil
}

// isMisspelt reports whether s is word with one letter too many, too few or
// another, or with two letters swapped.
func isMisspelt(s, word string) bool {
	i := 0
	for i < len(s) && i < len(word) && s[i] == word[i] {
		i++
	}
	a, b := s[i:], word[i:]
	switch len(a) - len(b) {
	case 0:
		return len(a) > 0 && a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
	case 1:
		return a[1:] == b
	case -1:
		return a == b[1:]
	}
	return false
}

// withoutRules hides the rules of a field from the types inside its value, until
// restore is called.
func (in *inferrer) withoutRules() (restore func()) {
	rules, described := in.rules, in.described
	in.rules, in.described = nil, false
	return func() { in.rules, in.described = rules, described }
}

// limit writes the rules that apply to a value of the given JSON type.
func (in *inferrer) limit(typ string) error {
	for i := range in.rules {
		r := &in.rules[i]
		if r.used || !appliesTo(tags[r.key], typ) {
			continue
		}
		r.used = true
		if err := in.rule(r, typ); err != nil {
			return fmt.Errorf("tag %s: %w", r.key, err)
		}
	}
	return nil
}

func appliesTo(g group, typ string) bool {
	switch typ {
	case "integer", "number":
		return g == forNumbers || g == forScalars
	case "string":
		return g == forStrings || g == forScalars
	case "array":
		return g == forLists
	}
	return g == forScalars // of booleans, and of what is quoted
}

func (in *inferrer) rule(r *rule, typ string) error {
	switch {
	case r.key == "enum":
		return in.enum(r.value)
	case r.key == "pattern":
		if err := schema.CheckPattern(r.value); err != nil {
			return err
		}
		return in.text(r.key, r.value)
	case r.key == "format":
		form, ok := formats[r.value]
		if !ok && !(in.config && slices.Contains(pathFormats, r.value)) {
			return fmt.Errorf("%q is not a format of JSON Schema", r.value)
		}
		if form != nil {
			in.attach(form)
		}
		return in.text(r.key, r.value)
	case tags[r.key] == forNumbers:
		return in.number(r, typ)
	}
	if n, err := strconv.ParseUint(r.value, 10, 31); err != nil || strconv.FormatUint(n, 10) != r.value {
		return fmt.Errorf("%q is not a number of characters or items", r.value)
	}
	in.key(r.key)
	in.buf = append(in.buf, r.value...)
	return nil
}

// number writes a bound of a number, or multipleOf.
func (in *inferrer) number(r *rule, typ string) error {
	n, err := strconv.ParseFloat(r.value, 64)
	switch {
	case err != nil || !json.Valid([]byte(r.value)):
		return fmt.Errorf("%q is not a number", r.value)
	case r.key == "multipleOf" && n <= 0:
		return errors.New("must be greater than 0")
	case r.key == "multipleOf":
		if len(strings.Trim(r.value, "0.")) > 18 {
			return errors.New("must have at most 18 significant digits")
		}
	case typ == "integer" && n != math.Trunc(n):
		return fmt.Errorf("%s is not an integer", r.value)
	case typ == "integer" && !(in.low <= n && n <= in.high):
		return fmt.Errorf("%s is outside the range of the type", r.value)
	}
	in.key(r.key)
	in.buf = append(in.buf, r.value...)
	return nil
}

// enum writes the values that a tag lists.
func (in *inferrer) enum(tag string) error {
	base := in.buf[in.start:]
	nullable := strings.HasPrefix(string(base), `{"type":[`)
	in.key("enum")
	in.buf = append(in.buf, '[')
	for value := range strings.SplitSeq(tag, ",") {
		literal, err := in.literal(base, in.start, value)
		if err != nil {
			return err
		}
		if in.buf[len(in.buf)-1] != '[' {
			in.buf = append(in.buf, ',')
		}
		in.buf = append(in.buf, literal...)
	}
	if nullable {
		in.buf = append(in.buf, ",null"...)
	}
	in.buf = append(in.buf, ']')
	return nil
}

// literal returns the JSON for a value in a tag, which is JSON or the bare text
// of a string. The value must satisfy base, a schema that begins at start and
// lacks only its closing brace. The schema is compiled only when the check needs
// it.
func (in *inferrer) literal(base []byte, start int, tag string) ([]byte, error) {
	bare := !strings.HasPrefix(tag, `"`)
	switch plain := string(base); {
	case plain == `{"type":"string"` && bare && !in.hasForm(start):
		return quote(tag)
	case plain == `{"type":"integer"` && len(tag) < 19 && isInteger(tag),
		plain == `{"type":"boolean"` && (tag == "true" || tag == "false"):
		return []byte(tag), nil
	}
	raw := []byte(tag)
	if bare && (strings.HasPrefix(string(base), `{"type":"string"`) || strings.HasPrefix(string(base), `{"type":["string"`)) {
		var err error
		if raw, err = quote(tag); err != nil {
			return nil, err
		}
	}
	if err := jsonrpc.Valid(raw); err != nil {
		return nil, fmt.Errorf("%s is not JSON", tag)
	}
	literal, err := schema.Compact(raw)
	if err != nil {
		return nil, fmt.Errorf("%s is not JSON", tag)
	}
	var forms []schema.Form
	for _, f := range in.forms {
		if f.Pos >= start {
			f.Pos -= start
			forms = append(forms, f)
		}
	}
	s := schema.Inferred(append(slices.Clip(base), '}'), "", forms)
	if err := s.Validate(context.Background(), literal); err != nil {
		return nil, fmt.Errorf("%s: %w", tag, err)
	}
	return literal, nil
}

// quote returns a text as JSON.
func quote(text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("invalid UTF-8")
	}
	return jsonrpc.AppendString(nil, text), nil
}

// isInteger reports whether s is an integer as JSON writes it, with neither
// fraction nor exponent.
func isInteger(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s == "0" || s != "" && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}
