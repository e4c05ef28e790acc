package schema

// FillNulls returns value with an empty array, object or string in the place
// of each null where the schema wants one: encoding/json writes nil slices and
// maps as null, and to Go they are as good as empty ones. It returns value
// itself when there are none.
func (s *Schema) FillNulls(value []byte) []byte {
	if s.compile() != nil {
		return value // Validate tells
	}
	f := filler{src: value}
	if f.nulls(s.root, skipSpace(value, 0)) < 0 || f.dst == nil {
		return value
	}
	return append(f.dst, value[f.copied:]...)
}

// nulls fills the value at pos and returns its end, or -1.
func (f *filler) nulls(n *node, pos int) int {
	for n != nil && n.types == 0 && n.ref != nil {
		n = n.ref
	}
	if n == nil || pos < 0 || pos >= len(f.src) || f.depth == maxValueDepth {
		return skipValue(f.src, pos)
	}
	f.depth++
	defer func() { f.depth-- }()
	switch {
	case f.src[pos] == 'n':
		f.null(n, pos)
	case f.src[pos] == '{' && n.object != nil:
		m := members{data: f.src, pos: pos}
		for name := m.next(); name != nil; name = m.next() {
			child := n.object.additional
			if i := n.object.find(text(name)); i >= 0 {
				child = n.object.properties[i].schema
			}
			m.pos = f.nulls(child, m.pos)
		}
		return m.pos
	case f.src[pos] == '[' && n.array != nil:
		e := elements{data: f.src, pos: pos}
		for i := 0; e.pos >= 0 && e.next(); i++ {
			child := n.array.items
			if i < len(n.array.prefix) {
				child = n.array.prefix[i]
			}
			e.pos = f.nulls(child, e.pos)
		}
		return e.pos
	}
	return skipValue(f.src, pos)
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
