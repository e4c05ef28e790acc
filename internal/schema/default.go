package schema

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mcpengine/mcpengine/internal/scan"
)

// ApplyDefaults returns value with every missing property that has a default
// added, also inside the objects, arrays and maps that are present. A property
// that is required is not added: the caller has to send it. It returns value
// itself when nothing is missing, and an error when more than maxAdded bytes are.
//
// JSON Schema calls default an annotation, so a default is not checked against
// the schema; apply defaults to a value that has been validated.
func (s *Schema) ApplyDefaults(value []byte) ([]byte, error) {
	if err := s.compile(); err != nil {
		return nil, err
	}
	if !s.root.fills {
		return value, nil
	}
	f := filler{src: value}
	pos := scan.Space(value, 0)
	if f.value(s.root, pos) < 0 {
		if f.added > maxAdded {
			return nil, errDefaults
		}
		return nil, fmt.Errorf("apply defaults: %w", errMalformed)
	}
	if f.dst == nil {
		return value, nil
	}
	return append(f.dst, value[f.copied:]...), nil
}

// maxAdded bounds the bytes that ApplyDefaults adds: a list of many small objects
// would otherwise grow by the defaults of each.
const maxAdded = 16 << 20

var errDefaults = errors.New("arguments are invalid: their defaults take too much room")

// markFills sets fills in all nodes. Children come after their parents, so only
// references backwards need more than one round.
func markFills(nodes []*node) {
	for changed := true; changed; {
		changed = false
		for _, n := range slices.Backward(nodes) {
			if !n.fills && n.mayFill() {
				n.fills = true
				changed = true
			}
		}
	}
}

// mayFill reports whether n leads to a property with a default. It also
// prepares the text to be added.
func (n *node) mayFill() bool {
	fills := n.ref != nil && n.ref.fills
	if n.array != nil {
		fills = fills || n.array.items.mayBeFilled() || slices.ContainsFunc(n.array.prefix, (*node).mayBeFilled)
	}
	if n.object == nil {
		return fills
	}
	fills = fills || n.object.additional.mayBeFilled()
	for i := range n.object.properties {
		p := &n.object.properties[i]
		if p.schema == nil {
			continue
		}
		if def := p.schema.defaultValue(); def != nil && !p.required && p.fill == nil {
			p.fill = append(append(quote(p.name), ':'), def...)
		}
		fills = fills || p.fill != nil || p.schema.fills
	}
	return fills
}

func (n *node) mayBeFilled() bool { return n != nil && n.fills }

// defaultValue returns the default of n, or of what n refers to.
func (n *node) defaultValue() []byte {
	for n.def == nil && n.ref != nil {
		n = n.ref
	}
	return n.def
}

// A filler copies src to dst with changes. It copies nothing before the first
// change.
type filler struct {
	src, dst []byte
	copied   int
	depth    int
	added    int // by defaults
}

// value fills the value at pos and returns its end, or -1.
func (f *filler) value(n *node, pos int) int {
	if pos < 0 || pos >= len(f.src) || f.depth == maxValueDepth {
		return scan.Value(f.src, pos)
	}
	f.depth++
	defer func() { f.depth-- }()
	for n != nil && n.fills {
		switch {
		case f.src[pos] == '{' && n.object != nil:
			return f.object(n.object, pos)
		case f.src[pos] == '[' && n.array != nil:
			return f.array(n.array, pos)
		}
		n = n.ref
	}
	return scan.Value(f.src, pos)
}

func (f *filler) array(rules *arrayRules, pos int) int {
	e := scan.Elements{Data: f.src, Pos: pos}
	for i := 0; e.Pos >= 0 && e.Next(); i++ {
		child := rules.items
		if i < len(rules.prefix) {
			child = rules.prefix[i]
		}
		e.Pos = f.value(child, e.Pos)
	}
	return e.Pos
}

func (f *filler) object(rules *objectRules, pos int) int {
	var small [smallSet]uint64
	present := bitset(small[:])
	if len(rules.properties) > 64*smallSet {
		present = make(bitset, len(rules.properties)/64+1)
	}
	empty := true
	m := scan.Members{Data: f.src, Pos: pos}
	for name := m.Next(); name != nil; name = m.Next() {
		empty = false
		child := rules.additional
		if i := rules.find(scan.Text(name)); i >= 0 {
			present.add(i)
			child = rules.properties[i].schema
		}
		m.Pos = f.value(child, m.Pos)
	}
	if m.Pos < 0 {
		return -1
	}
	for i := range rules.properties {
		p := &rules.properties[i]
		if p.fill == nil || present.has(i) {
			continue
		}
		if f.added += len(p.fill); f.added > maxAdded {
			return -1
		}
		f.copyTo(m.Pos - 1) // up to the closing brace
		if !empty {
			f.dst = append(f.dst, ',')
		}
		empty = false
		f.dst = append(f.dst, p.fill...)
	}
	return m.Pos
}

// copyTo copies the part of src before end that has not been copied.
func (f *filler) copyTo(end int) {
	if f.dst == nil {
		f.dst = make([]byte, 0, len(f.src)+64)
	}
	f.dst = append(f.dst, f.src[f.copied:end]...)
	f.copied = end
}
