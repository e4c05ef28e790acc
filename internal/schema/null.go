package schema

import "github.com/mcpengine/mcpengine/internal/scan"

// FillNulls returns value with each null replaced by an empty array, object or
// string where the schema wants one: encoding/json writes nil slices and maps as
// null, and Go programs use them like empty ones. It returns value itself when
// there is nothing to replace.
func (s *Schema) FillNulls(value []byte) []byte {
	if s.compile() != nil {
		return value // Validate returns the error
	}
	f := filler{src: value}
	if f.nulls(s.root, scan.Space(value, 0)) < 0 || f.dst == nil {
		return value
	}
	return append(f.dst, value[f.copied:]...)
}

// nulls fills the value at pos and returns its end, or -1.
func (f *filler) nulls(n *node, pos int) int {
	if n == nil || pos < 0 || pos >= len(f.src) || f.depth == maxValueDepth {
		return scan.Value(f.src, pos)
	}
	n = n.describing(typeOf(f.src[pos]))
	f.depth++
	defer func() { f.depth-- }()
	switch {
	case f.src[pos] == 'n':
		f.null(n, pos)
	case f.src[pos] == '{' && n.object != nil:
		m := scan.Members{Data: f.src, Pos: pos}
		for name := m.Next(); name != nil; name = m.Next() {
			child := n.object.additional
			if i := n.object.find(scan.Text(name)); i >= 0 {
				child = n.object.properties[i].schema
			}
			m.Pos = f.nulls(child, m.Pos)
		}
		return m.Pos
	case f.src[pos] == '[' && n.array != nil:
		e := scan.Elements{Data: f.src, Pos: pos}
		for i := 0; e.Pos >= 0 && e.Next(); i++ {
			child := n.array.items
			if i < len(n.array.prefix) {
				child = n.array.prefix[i]
			}
			e.Pos = f.nulls(child, e.Pos)
		}
		return e.Pos
	}
	return scan.Value(f.src, pos)
}

// describing returns the subschema that describes a value of the type: n, the
// target of its $ref, or its only alternative for the type.
func (n *node) describing(kind typeSet) *node {
	for n.types == 0 {
		next := n.ref
		if next == nil {
			next = soleAlternative(n.any, kind)
		}
		if next == nil {
			break
		}
		n = next
	}
	return n
}

// null replaces the null at pos.
func (f *filler) null(n *node, pos int) {
	empty := ""
	switch {
	case n.types == typeArray:
		empty = "[]"
	case n.types == typeObject:
		empty = "{}"
	case n.types == typeString && n.encoded:
		empty = `""`
	default:
		return
	}
	f.copyTo(pos)
	f.dst = append(f.dst, empty...)
	f.copied = pos + len("null")
}

// soleAlternative returns the only one of the alternatives that may accept a
// value of the type, or nil.
func soleAlternative(alternatives []*node, kind typeSet) (sole *node) {
	for _, n := range alternatives {
		if n.accepted()&kind == 0 {
			continue
		}
		if sole != nil {
			return nil
		}
		sole = n
	}
	return sole
}
