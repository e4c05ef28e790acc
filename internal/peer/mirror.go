package peer

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/httptoken"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/scan"
)

// A Mirror is the arguments of a tool that are sent as header fields too.
type Mirror []Mirrored

// A Mirrored is an argument that is sent as a header field too.
type Mirrored struct {
	Field string   // canonical, such as "Mcp-Param-Region"
	Type  string   // of the argument: "string", "integer" or "boolean"
	path  []string // of the properties that lead to it
}

// Bounds of a schema that is looked through for annotations.
const (
	maxMirrored    = 64
	maxSchemaDepth = 64
)

// Keywords by what stands below them: a map of schemas, or values that only look
// like schemas.
var (
	schemaMaps  = []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
	plainValues = []string{"const", "default", "enum", "examples", "required", "type", "description", "title"}
)

// ParseMirror reads the x-mcp-header annotations of a tool's inputSchema. A
// tool for which it returns an error must not be shown (streamable-http,
// "Schema Extension"). It looks only at annotations: it resolves no reference,
// and does not check the rest of the schema.
func ParseMirror(inputSchema []byte) (Mirror, error) {
	p := mirrorParser{}
	if err := p.schema(inputSchema, nil, true, 0); err != nil {
		return nil, err
	}
	return p.mirror, nil
}

type mirrorParser struct{ mirror Mirror }

// schema looks through one schema. Its value stands at path when that is
// reached through properties alone.
func (p *mirrorParser) schema(raw []byte, path []string, reached bool, depth int) error {
	if depth > maxSchemaDepth {
		return fmt.Errorf("the schema is nested more than %d levels deep", maxSchemaDepth)
	}
	if len(raw) == 0 {
		return nil
	}
	switch raw[0] {
	case '[':
		elements, err := jsonrpc.ParseArray(raw)
		for i := 0; i < len(elements) && err == nil; i++ {
			err = p.schema(elements[i], nil, false, depth+1)
		}
		return err
	case '{':
	default:
		return nil
	}
	keywords, err := jsonrpc.ParseObject(raw)
	if err != nil {
		return err
	}
	if name := keywords.Get("x-mcp-header"); name != nil {
		if err := p.add(name, keywords.Get("type"), path, reached); err != nil {
			return err
		}
	}
	for _, keyword := range keywords {
		if err := p.keyword(string(keyword.Name), keyword.Value, path, reached, depth); err != nil {
			return err
		}
	}
	return nil
}

func (p *mirrorParser) keyword(name string, value []byte, path []string, reached bool, depth int) error {
	switch {
	case slices.Contains(plainValues, name):
		return nil
	case !slices.Contains(schemaMaps, name) || value[0] != '{':
		return p.schema(value, nil, false, depth+1)
	}
	schemas, err := jsonrpc.ParseObject(value)
	if err != nil {
		return err
	}
	for _, s := range schemas {
		below := append(slices.Clip(path), string(s.Name))
		if err := p.schema(s.Value, below, reached && name == "properties", depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *mirrorParser) add(name, kind []byte, path []string, reached bool) error {
	if name[0] != '"' {
		return fmt.Errorf("x-mcp-header must be a string, got %.64s", name)
	}
	text := jsonrpc.UnquoteString(name)
	if !httptoken.Is(text) {
		return fmt.Errorf("x-mcp-header %.64q is not a field name (RFC 9110, section 5.1)", text)
	}
	if !reached || len(path) == 0 {
		return fmt.Errorf("x-mcp-header %q is not on a parameter that properties alone lead to", text)
	}
	switch string(kind) {
	case `"string"`, `"integer"`, `"boolean"`:
	default:
		return fmt.Errorf("x-mcp-header %q is on a parameter of type %.64s, not string, integer or boolean", text, kind)
	}
	field := textproto.CanonicalMIMEHeaderKey("Mcp-Param-" + text)
	for _, other := range p.mirror {
		if strings.EqualFold(other.Field, field) {
			return fmt.Errorf("x-mcp-header %q is given twice", text)
		}
	}
	if len(p.mirror) == maxMirrored {
		return fmt.Errorf("more than %d parameters have an x-mcp-header", maxMirrored)
	}
	p.mirror = append(p.mirror, Mirrored{Field: field, Type: jsonrpc.UnquoteString(kind), path: path})
	return nil
}

// apply adds the fields for the arguments (streamable-http, "Value Encoding").
func (m Mirror) apply(h http.Header, arguments []byte) {
	for _, mirrored := range m {
		if text, ok := fieldText(mirrored.Of(arguments)); ok {
			h[mirrored.Field] = []string{EncodeValue(text)}
		}
	}
}

// Of returns the mirrored argument of a call, as JSON, and nil if it is missing
// or null.
func (m Mirrored) Of(arguments []byte) []byte {
	value := scan.At(arguments, m.path)
	if string(value) == "null" {
		return nil
	}
	return value
}

// fieldText returns a primitive JSON value as text.
func fieldText(value []byte) (string, bool) {
	if len(value) == 0 {
		return "", false
	}
	switch value[0] {
	case '"':
		return jsonrpc.UnquoteString(value), true
	case '{', '[', 'n':
		return "", false
	}
	return string(value), true
}

// EncodeValue returns text as the value of a header field, wrapped where a field
// cannot hold it as it is (streamable-http, "Value Encoding").
func EncodeValue(text string) string {
	plain := strings.Trim(text, " \t") == text && !strings.HasPrefix(text, "=?base64?")
	for i := 0; plain && i < len(text); i++ {
		plain = ' ' <= text[i] && text[i] <= '~'
	}
	if plain {
		return text
	}
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}
