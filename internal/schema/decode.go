package schema

import (
	"fmt"
	"strconv"
)

// A decoder turns JSON into the values jsonschema-go expects.
type decoder struct {
	data  []byte
	depth int
}

// value decodes the value at pos. An integer becomes an int64 where that can
// hold it, so that it keeps all its digits.
func (d *decoder) value(pos int) (v any, end int, err error) {
	if pos < 0 || pos >= len(d.data) {
		return nil, -1, errMalformed
	}
	if d.depth == maxValueDepth {
		return nil, -1, errDepth
	}
	d.depth++
	defer func() { d.depth-- }()
	switch d.data[pos] {
	case '{':
		return d.object(pos)
	case '[':
		return d.array(pos)
	}
	end = skipValue(d.data, pos)
	if end < 0 {
		return nil, -1, errMalformed
	}
	v, err = decodeScalar(d.data[pos:end])
	return v, end, err
}

func decodeScalar(literal []byte) (any, error) {
	switch literal[0] {
	case '"':
		return string(text(literal)), nil
	case 't', 'f':
		return literal[0] == 't', nil
	case 'n':
		return nil, nil
	}
	if i, err := strconv.ParseInt(string(literal), 10, 64); err == nil {
		return i, nil
	}
	f, exact := parseFloat(literal)
	if !exact {
		return nil, fmt.Errorf("%w: %s", errNumber, excerpt(literal))
	}
	return f, nil
}

func (d *decoder) object(pos int) (any, int, error) {
	object := make(map[string]any)
	m := members{data: d.data, pos: pos}
	for name := m.next(); name != nil; name = m.next() {
		v, end, err := d.value(m.pos)
		if err != nil {
			return nil, -1, err
		}
		object[string(text(name))] = v
		m.pos = end
	}
	if m.pos < 0 {
		return nil, -1, errMalformed
	}
	return object, m.pos, nil
}

func (d *decoder) array(pos int) (any, int, error) {
	array := []any{}
	e := elements{data: d.data, pos: pos}
	for e.next() {
		v, end, err := d.value(e.pos)
		if err != nil {
			return nil, -1, err
		}
		array = append(array, v)
		e.pos = end
	}
	if e.pos < 0 {
		return nil, -1, errMalformed
	}
	return array, e.pos, nil
}
