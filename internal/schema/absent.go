package schema

import (
	"bytes"
	"context"
	"slices"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// DropNulls returns value without the members that are null although the schema
// does not admit null, and that may be left out: many clients write null for a
// member that they leave out. It returns value itself when there is nothing to
// drop.
func (s *Schema) DropNulls(ctx context.Context, value []byte) []byte {
	if !bytes.Contains(value, []byte("null")) || s.compile() != nil {
		return value
	}
	d := dropper{filler: filler{src: value}, nulls: newWalker(ctx, []byte("null")), admits: make(map[*node]bool)}
	d.nulls.quiet = true
	end := d.value([]*node{s.root}, scan.Space(value, 0))
	if end < 0 || d.nulls.stop != nil || d.dst == nil {
		return value // Validate returns the error
	}
	return append(d.dst, value[d.copied:]...)
}

// A dropper copies a value without some members.
type dropper struct {
	filler
	nulls  walker         // checks null and counts all work
	admits map[*node]bool // whether a subschema accepts null
}

// value copies the value at pos, which all of the subschemas describe, and
// returns its end, or -1.
func (d *dropper) value(nodes []*node, pos int) int {
	if pos < 0 || pos >= len(d.src) || len(nodes) == 0 || d.depth == maxValueDepth || !d.nulls.spend(nodeCost) {
		return scan.Value(d.src, pos)
	}
	d.depth++
	defer func() { d.depth-- }()
	switch d.src[pos] {
	case '{':
		return d.object(d.applied(nodes, pos), pos)
	case '[':
		nodes = d.applied(nodes, pos)
		e := scan.Elements{Data: d.src, Pos: pos}
		for i := 0; e.Pos >= 0 && e.Next(); i++ {
			e.Pos = d.value(d.elements(nodes, i), e.Pos)
		}
		return e.Pos
	}
	return scan.Value(d.src, pos)
}

// applied returns nodes and the subschemas that they apply to the value at pos:
// the targets of $ref, the parts of allOf, and an alternative that is the only
// one for the type of the value.
func (d *dropper) applied(nodes []*node, pos int) []*node {
	all := make([]*node, 0, len(nodes))
	seen := make(map[*node]bool)
	for todo := slices.Clone(nodes); len(todo) > 0 && d.nulls.spend(verdictCost); {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n == nil || seen[n] {
			continue
		}
		seen[n] = true
		all = append(all, n)
		todo = append(append(todo, n.ref), n.all...)
		kind := typeOf(d.src[pos])
		todo = append(todo, soleAlternative(n.any, kind), soleAlternative(n.one, kind))
	}
	return all
}

// elements returns the subschemas that describe the element with the index.
func (d *dropper) elements(nodes []*node, index int) (children []*node) {
	for _, n := range nodes {
		switch {
		case n.array == nil || !d.nulls.spend(nodeCost):
		case index < len(n.array.prefix):
			children = append(children, n.array.prefix[index])
		case n.array.items != nil:
			children = append(children, n.array.items)
		}
	}
	return children
}

func (d *dropper) object(nodes []*node, pos int) int {
	kept, dropped := false, false
	end := pos + 1 // of the member before
	m := scan.Members{Data: d.src, Pos: pos}
	for literal := m.Next(); literal != nil; literal = m.Next() {
		if m.Pos >= len(d.src) {
			return -1
		}
		if !kept && dropped {
			d.copied = m.Name // without the comma
		}
		children, optional := d.members(nodes, scan.Text(literal))
		if optional && d.src[m.Pos] == 'n' && !d.acceptNull(children) {
			start := m.Name
			if kept {
				start = end
			}
			d.copyTo(start)
			m.Pos = scan.Value(d.src, m.Pos)
			d.copied, dropped = m.Pos, true
		} else {
			m.Pos = d.value(children, m.Pos)
			kept = true
		}
		if end = m.Pos; end < 0 {
			return -1
		}
	}
	return m.Pos
}

// members returns the subschemas that describe the member with the name, and
// whether the member is a property that may be left out.
func (d *dropper) members(nodes []*node, name []byte) (children []*node, optional bool) {
	known, required := false, false
	for _, n := range nodes {
		if n.object == nil || !d.nulls.spend(nodeCost) {
			continue
		}
		i := n.object.find(name)
		if i < 0 {
			if n.object.additional != nil {
				children = append(children, n.object.additional)
			}
			continue
		}
		p := &n.object.properties[i]
		required = required || p.required
		if p.schema != nil {
			known = true
			children = append(children, p.schema)
		}
	}
	return children, known && !required
}

func (d *dropper) acceptNull(nodes []*node) bool {
	for _, n := range nodes {
		ok, known := d.admits[n]
		if !known {
			_, ok = d.nulls.value(n, 0)
			d.admits[n] = ok
		}
		if !ok && d.nulls.stop == nil {
			return false
		}
	}
	return true
}
