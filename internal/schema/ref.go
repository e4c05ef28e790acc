package schema

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// A resource is a schema with a URI of its own: the root, or a subschema with
// an $id. Fragments are relative to it (JSON Schema Core 2020-12, section 8.2).
type resource struct {
	uri     *url.URL // nil for none
	root    *node
	anchors map[string]*node
	dynamic map[string]*node // the anchors that are dynamic
}

// A reference is a $ref or $dynamicRef that waits for its target.
type reference struct {
	node     *node
	resource *resource
	uri      string
	dynamic  bool
	place    string
}

// dialect reads the root's $schema (basic, "Schema Dialect").
func (c *compiler) dialect() error {
	pos := member(c.data, 0, "$schema")
	if pos < 0 {
		return nil
	}
	uri := string(scan.Text(c.literal(pos)))
	switch strings.TrimSuffix(uri, "#") {
	case "https://json-schema.org/draft/2020-12/schema":
	case "http://json-schema.org/draft-07/schema", "https://json-schema.org/draft-07/schema":
		c.draft7 = true
	default:
		return fmt.Errorf("dialect %s is not supported: use 2020-12 or draft-07", c.excerpt(pos))
	}
	return nil
}

// enterResource makes n the innermost resource if it has an $id. The $id counts
// for the whole of n, so it is looked for before the keywords are read.
func (c *compiler) enterResource(n *node) error {
	if n.pos == 0 {
		c.resource.root = n
	}
	if c.draft7 && member(c.data, n.pos, "$ref") >= 0 {
		return nil // the $ref hides it
	}
	pos := member(c.data, n.pos, "$id")
	if pos < 0 || c.data[pos] != '"' {
		return nil // coreKeyword returns the error
	}
	id, err := url.Parse(string(scan.Text(c.literal(pos))))
	if err != nil || id.Fragment != "" {
		return nil // likewise
	}
	uri := c.resource.resolve(id)
	if n.pos == 0 {
		c.resource.uri = uri
	} else {
		c.resource = &resource{uri: uri, root: n}
	}
	name := withoutFragment(uri)
	if _, ok := c.resources[name]; ok && name != "" {
		return c.errorf("$id %s is already taken", c.excerpt(pos))
	}
	if c.resources == nil {
		c.resources = make(map[string]*resource)
	}
	c.resources[name] = c.resource
	return nil
}

// resolve returns the URI that uri means inside r.
func (r *resource) resolve(uri *url.URL) *url.URL {
	if r.uri == nil {
		return new(url.URL).ResolveReference(uri)
	}
	return r.uri.ResolveReference(uri)
}

func withoutFragment(uri *url.URL) string {
	u := *uri
	u.Fragment, u.RawFragment = "", ""
	return strings.TrimSuffix(u.String(), "#")
}

func (c *compiler) coreKeyword(n *node, name []byte, pos int) error {
	if err := c.expect(typeString, pos); err != nil {
		return err
	}
	value := string(scan.Text(c.literal(pos)))
	switch string(name) {
	case "$schema":
		root := member(c.data, 0, "$schema")
		if n.pos != 0 && (root < 0 || string(c.literal(root)) != string(c.literal(pos))) {
			return c.errorf("must be the same as at the root")
		}
	case "$id":
		return c.checkID(n, value)
	case "$anchor":
		return c.anchor(n, value)
	case "$dynamicAnchor":
		if c.dynamic == nil {
			c.dynamic = make(map[string][]*node)
		}
		c.dynamic[value] = append(c.dynamic[value], n)
		if c.resource.dynamic == nil {
			c.resource.dynamic = make(map[string]*node)
		}
		c.resource.dynamic[value] = n
		return c.anchor(n, value)
	case "$ref":
		n.ref = new(node) // until resolve
		c.refs = append(c.refs, reference{n, c.resource, value, false, c.place()})
	case "$dynamicRef":
		n.rareRules() // what it refers to is known later
		c.refs = append(c.refs, reference{n, c.resource, value, true, c.place()})
	}
	return nil
}

func (c *compiler) checkID(n *node, value string) error {
	id, err := url.Parse(value)
	if err != nil {
		return c.errorf("%w", err)
	}
	if id.Fragment == "" {
		return nil
	}
	if anchor, ok := strings.CutPrefix(value, "#"); ok && c.draft7 {
		return c.anchor(n, anchor) // draft-07 core, section 8.2.3
	}
	return c.errorf("must not have a fragment")
}

func (c *compiler) anchor(n *node, name string) error {
	if _, ok := c.resource.anchors[name]; ok {
		return c.errorf("anchor %s is already taken", excerpt([]byte(name)))
	}
	if c.resource.anchors == nil {
		c.resource.anchors = make(map[string]*node)
	}
	c.resource.anchors[name] = n
	return nil
}

// resolve links the references to their targets.
func (c *compiler) resolve() error {
	dynamic := slices.ContainsFunc(c.refs, func(r reference) bool { return r.dynamic })
	for _, n := range c.nodes {
		if !dynamic {
			n.scope = nil
		}
	}
	for _, r := range c.refs {
		target, err := c.target(r)
		if err != nil {
			return fmt.Errorf("at %s: %w", r.place, err)
		}
		if !r.dynamic {
			r.node.ref = nil
			r.node.alias = r.node.isFree() && !dynamic
			r.node.ref = target
			continue
		}
		r.node.rare.dynamic = &dynamicRef{static: target}
		if name := r.uri[strings.IndexByte(r.uri, '#')+1:]; slices.Contains(c.dynamic[name], target) {
			r.node.rare.dynamic.name = name
		}
	}
	if len(c.refs) == 0 {
		return nil
	}
	states := make(map[*node]bool, len(c.nodes))
	for _, n := range c.nodes {
		if err := c.checkLoop(n, states); err != nil {
			return err
		}
	}
	return nil
}

// target returns the subschema of a reference. It never looks outside this
// schema (basic, "$ref Resolution").
func (c *compiler) target(r reference) (*node, error) {
	uri, err := url.Parse(r.uri)
	if err != nil {
		return nil, err
	}
	res := r.resource
	if !strings.HasPrefix(r.uri, "#") {
		name := withoutFragment(res.resolve(uri))
		if res = c.resources[name]; res == nil && name == "" {
			res = c.top
		}
	}
	if res == nil {
		return nil, fmt.Errorf("%q is not in this schema, and nothing is fetched: move it to $defs", clip(r.uri, maxExcerpt))
	}
	var n *node
	switch fragment := uri.Fragment; {
	case fragment == "":
		n = res.root
	case fragment[0] == '/':
		n = c.locate(res.root.pos, fragment)
	default:
		n = res.anchors[fragment]
	}
	if n == nil {
		return nil, fmt.Errorf("there is no subschema %q", clip(r.uri, maxExcerpt))
	}
	return n, nil
}

// locate returns the subschema at a JSON Pointer (RFC 6901) from the value at
// pos, or nil.
func (c *compiler) locate(pos int, pointer string) *node {
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		next, ok := c.entries(pos)[token]
		if !ok {
			return nil
		}
		pos = next
	}
	return c.nodeAt(pos)
}

// nodeAt returns the subschema whose text begins at pos, or nil.
func (c *compiler) nodeAt(pos int) *node {
	i, ok := slices.BinarySearchFunc(c.nodes, pos, func(n *node, pos int) int { return n.pos - pos })
	if !ok {
		return nil
	}
	return c.nodes[i]
}

// entries returns the positions of the entries of the object or array at pos.
// It keeps them: otherwise each of many references into a large schema would
// cost the size of the schema.
func (c *compiler) entries(pos int) map[string]int {
	if entries, ok := c.places[pos]; ok {
		return entries
	}
	entries := make(map[string]int)
	switch c.data[pos] {
	case '{':
		m := scan.Members{Data: c.data, Pos: pos}
		for name := m.Next(); name != nil; name = m.Next() {
			entries[string(scan.Text(name))] = m.Pos
			m.Pos = scan.Value(c.data, m.Pos)
		}
	case '[':
		e := scan.Elements{Data: c.data, Pos: pos}
		for e.Next() {
			entries[strconv.Itoa(len(entries))] = e.Pos
			e.Pos = scan.Value(c.data, e.Pos)
		}
	}
	if c.places == nil {
		c.places = make(map[int]map[string]int)
	}
	c.places[pos] = entries
	return entries
}

// checkLoop refuses a subschema that, applied to a value, applies itself to the
// same value: validation would never end (JSON Schema Core 2020-12, section
// 9.4.1). done is false for the subschemas that the search is in.
func (c *compiler) checkLoop(n *node, done map[*node]bool) error {
	if finished, ok := done[n]; ok {
		if finished {
			return nil
		}
		return fmt.Errorf("a $ref leads back to where it is: %s", c.excerpt(n.pos))
	}
	done[n] = false
	var err error
	c.inPlace(n, func(part *node) {
		if err == nil {
			err = c.checkLoop(part, done)
		}
	})
	done[n] = true
	return err
}

// member returns the position of the value of a member of the object at pos, or
// -1.
func member(data []byte, pos int, name string) int {
	m := scan.Members{Data: data, Pos: pos}
	for key := m.Next(); key != nil; key = m.Next() {
		if string(scan.Text(key)) == name {
			return m.Pos
		}
		m.Pos = scan.Value(data, m.Pos)
	}
	return -1
}

// inPlace calls f with every subschema that n may apply to the same value.
func (c *compiler) inPlace(n *node, f func(*node)) {
	parts := []*node{n.ref, n.not, n.cond, n.then, n.otherwise}
	parts = slices.Concat(parts, n.all, n.any, n.one)
	if n.rare != nil {
		for _, d := range n.rare.dependents {
			parts = append(parts, d.schema)
		}
		if d := n.rare.dynamic; d != nil {
			// Which of the anchors it means depends on the value.
			parts = append(append(parts, d.static), c.dynamic[d.name]...)
		}
	}
	for _, part := range parts {
		if part != nil {
			f(part)
		}
	}
}
