package schema

import (
	"net/textproto"

	"github.com/mcpengine/mcpengine/internal/httptoken"
	"github.com/mcpengine/mcpengine/internal/scan"
)

// A Header binds an argument to the header field of an HTTP request that
// mirrors it (streamable-http, "Custom Headers from Tool Parameters").
type Header struct {
	Name string   // canonical field name, such as "Mcp-Param-Region"
	Path []string // names of the properties that lead to the argument
	Type string   // "string", "integer" or "boolean"
}

// header reads the x-mcp-header annotation of n, which is at pos.
func (c *compiler) header(n *node, pos int) error {
	path, ok := c.parameter()
	c.at = append(c.at, []byte("x-mcp-header"))
	if err := c.expect(typeString, pos); err != nil {
		return err
	}
	name := string(scan.Text(c.literal(pos)))
	switch {
	case !httptoken.Is(name):
		return c.errorf("must be an HTTP field name token (RFC 9110, section 5.6.2), got %s", c.excerpt(pos))
	case !ok:
		return c.errorf("is only allowed on a parameter reached through properties alone")
	case n.types != typeString && n.types != typeInteger && n.types != typeBoolean:
		return c.errorf("is only allowed where type is string, integer or boolean")
	}
	h := Header{
		Name: textproto.CanonicalMIMEHeaderKey("Mcp-Param-" + name),
		Path: path,
		Type: n.types.single(),
	}
	for _, other := range c.headers {
		if other.Name == h.Name { // canonical, so case does not matter
			return c.errorf("%s is already taken", c.excerpt(pos))
		}
	}
	c.headers = append(c.headers, h)
	if n.types == typeInteger {
		n.limitToSafeIntegers()
	}
	c.at = c.at[:len(c.at)-1]
	return nil
}

// parameter returns the path of the argument that the present subschema
// describes. It reports false where keywords other than properties lead to the
// subschema.
func (c *compiler) parameter() (path []string, ok bool) {
	if len(c.at) == 0 || len(c.at)%2 != 0 {
		return nil, false
	}
	for i := 0; i < len(c.at); i += 2 {
		if string(c.at[i]) != "properties" {
			return nil, false
		}
		path = append(path, string(c.at[i+1]))
	}
	return path, true
}

// limitToSafeIntegers bounds n to the integers that every client can put into
// a header without loss (tools, "x-mcp-header").
func (n *node) limitToSafeIntegers() {
	if n.number == nil {
		n.number = new(numberRules)
	}
	lower, upper := []byte("-9007199254740991"), []byte("9007199254740991")
	n.number.bounds = append(n.number.bounds,
		bound{literal: lower, value: parseDecimal(lower)},
		bound{literal: upper, value: parseDecimal(upper), upper: true})
}
