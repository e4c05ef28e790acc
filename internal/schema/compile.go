package schema

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// A compiler turns the text of a schema into nodes.
type compiler struct {
	data     []byte
	draft7   bool
	at       [][]byte // path of the present keyword: keywords and property names
	depth    int
	nodes    []*node // in document order
	headers  []Header
	defaults bool // some subschema has a default

	instructions int // of all patterns

	identify  bool                 // the text mentions $id
	top       *resource            // the whole schema
	resource  *resource            // the innermost
	resources map[string]*resource // by URI, of those that have one
	dynamic   map[string][]*node   // by $dynamicAnchor
	refs      []reference
	places    map[int]map[string]int // see entries
}

func newCompiler(data []byte) *compiler {
	return &compiler{data: data, identify: bytes.Contains(data, []byte(`"$id"`))}
}

func (c *compiler) compile() (*node, error) {
	if err := c.dialect(); err != nil {
		return nil, err
	}
	c.top = new(resource)
	c.resource = c.top
	root, err := c.schema(0)
	if err != nil {
		return nil, err
	}
	if err := c.resolve(); err != nil {
		return nil, err
	}
	c.markShared()
	if c.defaults {
		markFills(c.nodes)
	}
	return root, nil
}

// schema compiles the subschema at pos.
func (c *compiler) schema(pos int) (*node, error) {
	if len(c.nodes) == MaxSubschemas {
		return nil, fmt.Errorf("more than %d subschemas", MaxSubschemas)
	}
	if c.depth == MaxDepth {
		return nil, c.errorf("nested more than %d levels deep", MaxDepth)
	}
	c.depth++
	defer func() { c.depth-- }()
	n := &node{pos: pos}
	c.nodes = append(c.nodes, n)
	switch c.data[pos] {
	case 't':
		n.free = true
		return n, nil
	case 'f':
		n.never = true
		return n, nil
	case '{':
		return n, c.keywords(n)
	}
	return nil, c.errorf("must be a schema (an object, true or false), got %s", c.excerpt(pos))
}

// keywords compiles the keywords of n, whose text is an object.
func (c *compiler) keywords(n *node) error {
	outer := c.resource
	defer func() { c.resource = outer }()
	if c.identify || n.pos == 0 {
		if err := c.enterResource(n); err != nil {
			return err
		}
	}
	n.scope = c.resource
	header := 0
	m := scan.Members{Data: c.data, Pos: n.pos}
	for name := m.Next(); name != nil; name = m.Next() {
		key := scan.Text(name)
		c.at = append(c.at, key)
		if string(key) == "x-mcp-header" {
			header = m.Pos
		} else if err := c.keyword(n, key, m.Pos); err != nil {
			return err
		}
		c.at = c.at[:len(c.at)-1]
		m.Pos = scan.Value(c.data, m.Pos)
	}
	if header > 0 {
		if err := c.header(n, header); err != nil {
			return err
		}
	}
	if c.draft7 && n.ref != nil {
		// In draft-07 a $ref hides its siblings (draft-07 core, section 8.3).
		*n = node{pos: n.pos, ref: n.ref, scope: n.scope}
	}
	n.free = n.isFree()
	return nil
}

// child compiles the subschema at pos, the value of the given key inside the
// present keyword.
func (c *compiler) child(key []byte, pos int) (*node, error) {
	c.at = append(c.at, key)
	n, err := c.schema(pos)
	if err != nil {
		return nil, err
	}
	c.at = c.at[:len(c.at)-1]
	return n, nil
}

// schemas compiles an array of subschemas.
func (c *compiler) schemas(pos int) ([]*node, error) {
	if c.data[pos] != '[' {
		return nil, c.errorf("must be an array of schemas, got %s", c.excerpt(pos))
	}
	nodes := []*node{}
	e := scan.Elements{Data: c.data, Pos: pos}
	for e.Next() {
		n, err := c.child(fmt.Append(nil, len(nodes)), e.Pos)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		e.Pos = scan.Value(c.data, e.Pos)
	}
	if len(nodes) == 0 {
		return nil, c.errorf("must not be empty")
	}
	return nodes, nil
}

// schemaMap compiles an object of subschemas and hands each to add.
func (c *compiler) schemaMap(pos int, add func(name []byte, n *node) error) error {
	if c.data[pos] != '{' {
		return c.errorf("must be an object of schemas, got %s", c.excerpt(pos))
	}
	m := scan.Members{Data: c.data, Pos: pos}
	for literal := m.Next(); literal != nil; literal = m.Next() {
		name := scan.Text(literal)
		n, err := c.child(name, m.Pos)
		if err != nil {
			return err
		}
		if err := add(name, n); err != nil {
			return err
		}
		m.Pos = scan.Value(c.data, m.Pos)
	}
	return nil
}

// names reads an array of unique strings.
func (c *compiler) names(pos int, add func(name []byte)) error {
	if c.data[pos] != '[' {
		return c.errorf("must be an array of strings, got %s", c.excerpt(pos))
	}
	seen := make(map[string]bool)
	e := scan.Elements{Data: c.data, Pos: pos}
	for e.Next() {
		end := scan.Value(c.data, e.Pos)
		if c.data[e.Pos] != '"' {
			return c.errorf("must be an array of strings, got %s", c.excerpt(pos))
		}
		name := scan.Text(c.data[e.Pos:end])
		if seen[string(name)] {
			return c.errorf("must not repeat %s", c.excerpt(e.Pos))
		}
		seen[string(name)] = true
		add(name)
		e.Pos = end
	}
	return nil
}

// count reads a non-negative integer.
func (c *compiler) count(pos int) (int, error) {
	d := parseDecimal(c.literal(pos))
	if typeOf(c.data[pos]) != typeNumber || d.neg || !d.isInteger() {
		return 0, c.errorf("must be a non-negative integer, got %s", c.excerpt(pos))
	}
	n := 0
	for i := range int(min(d.exp, 19)) {
		if n > math.MaxInt32 {
			return math.MaxInt32, nil
		}
		n *= 10
		if i < d.len() {
			n += int(d.digit(i) - '0')
		}
	}
	return min(n, math.MaxInt32), nil
}

// expect returns an error unless the value at pos has the given type.
func (c *compiler) expect(t typeSet, pos int) error {
	if typeOf(c.data[pos]) != t {
		return c.errorf("must be %s, got %s", t, c.excerpt(pos))
	}
	return nil
}

// literal returns the text of the value at pos.
func (c *compiler) literal(pos int) []byte { return c.data[pos:scan.Value(c.data, pos)] }

func (c *compiler) excerpt(pos int) string { return excerpt(c.literal(pos)) }

// errorf returns an error that leads with the place of the present keyword, a
// JSON Pointer.
func (c *compiler) errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if len(c.at) == 0 {
		return err
	}
	return fmt.Errorf("at %s: %w", c.place(), err)
}

func (c *compiler) place() string {
	var place strings.Builder
	for _, key := range c.at {
		place.WriteByte('/')
		place.WriteString(clip(string(key), maxExcerpt))
	}
	return place.String()
}
