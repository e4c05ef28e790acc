package jsonrpc

import (
	"bytes"
	"slices"
)

// This file changes JSON objects without decoding them: what is not changed
// stays as the peer wrote it.

// A Builder writes a JSON object member by member. Its zero value is an object
// without members.
type Builder struct{ text []byte }

// NewBuilder returns a builder with room for size bytes.
func NewBuilder(size int) Builder { return Builder{make([]byte, 0, size)} }

// name begins a member.
func (b *Builder) name(name string) {
	separator := byte(',')
	if len(b.text) == 0 {
		separator = '{'
	}
	b.text = append(AppendString(append(b.text, separator), name), ':')
}

// Add adds a member whose value is JSON.
func (b *Builder) Add(name string, value []byte) {
	b.name(name)
	b.text = append(b.text, value...)
}

// AddGiven is [Builder.Add] unless the value is nil.
func (b *Builder) AddGiven(name string, value []byte) {
	if value != nil {
		b.Add(name, value)
	}
}

// AddString adds a member whose value is a string.
func (b *Builder) AddString(name, text string) {
	b.name(name)
	b.text = AppendString(b.text, text)
}

// AddText is [Builder.AddString] unless the text is empty.
func (b *Builder) AddText(name, text string) {
	if text != "" {
		b.AddString(name, text)
	}
}

// Object returns the object. The builder is not used afterwards.
func (b *Builder) Object() []byte {
	if len(b.text) == 0 {
		return []byte("{}")
	}
	return append(b.text, '}')
}

// NewObject returns the object with one member, whose value is JSON.
func NewObject(name string, value []byte) []byte {
	b := NewBuilder(len(name) + len(value) + 6)
	b.Add(name, value)
	return b.Object()
}

// Edit returns the object with the values that edit returns for its members,
// and without those for which it returns nil. The object itself is returned
// when nothing changes and when the text is not an object.
func Edit(object []byte, edit func(name string, value []byte) []byte) []byte {
	members, err := ParseObject(object)
	if err != nil {
		return object
	}
	changed := false
	for i := range members {
		value := edit(string(members[i].Name), members[i].Value)
		changed = changed || !isSame(value, members[i].Value)
		members[i].Value = value
	}
	if !changed {
		return object
	}
	b := NewBuilder(len(object))
	for _, m := range members {
		b.AddGiven(string(m.Name), m.Value)
	}
	return b.Object()
}

// EditElements is [Edit] for the elements of an array.
func EditElements(array []byte, edit func(element []byte) []byte) []byte {
	elements, err := ParseArray(array)
	if err != nil {
		return array
	}
	changed := false
	for i, element := range elements {
		elements[i] = edit(element)
		changed = changed || !isSame(elements[i], element)
	}
	if !changed {
		return array
	}
	elements = slices.DeleteFunc(elements, func(element []byte) bool { return element == nil })
	edited := append(make([]byte, 0, len(array)), '[')
	edited = append(edited, bytes.Join(elements, []byte{','})...)
	return append(edited, ']')
}

// isSame reports whether two texts are the same piece of memory.
func isSame(a, b []byte) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

// EditMember is [Edit] for the one member with that name.
func EditMember(object []byte, name string, edit func(value []byte) []byte) []byte {
	return Edit(object, func(n string, value []byte) []byte {
		if n == name {
			return edit(value)
		}
		return value
	})
}

// Without returns the object without the members that have one of the names.
func Without(object []byte, names ...string) []byte {
	return Edit(object, func(name string, value []byte) []byte {
		if slices.Contains(names, name) {
			return nil
		}
		return value
	})
}

// Set returns the object with the value of one member changed, or the member
// added at the end, and everything else as it was. A nil value removes the
// member. Text that is not an object is returned as it is.
func Set(object []byte, name string, value []byte) []byte {
	members, err := ParseObject(object)
	if err != nil {
		return object
	}
	old := members.Get(name)
	switch {
	case old == nil && value == nil:
		return object
	case value == nil:
		return Without(object, name)
	case old == nil:
		end := bytes.LastIndexByte(object, '}')
		edited := make([]byte, 0, end+len(name)+len(value)+8)
		edited = append(edited, bytes.TrimRight(object[:end], " \t\r\n")...)
		if len(members) > 0 {
			edited = append(edited, ',')
		}
		edited = append(AppendString(edited, name), ':')
		return append(append(edited, value...), '}')
	}
	start := cap(object) - cap(old) // old is a part of object
	return slices.Concat(object[:start], value, object[start+len(old):])
}

// SetMeta is [Set] for a member of the object's "_meta", which goes with its last member.
func SetMeta(object []byte, name string, value []byte) []byte {
	members, err := ParseObject(object)
	if err != nil {
		return object
	}
	meta := members.Get("_meta")
	if meta == nil || !IsObject(meta) {
		if value == nil {
			return object
		}
		meta = []byte("{}")
	}
	meta = Set(meta, name, value)
	if left, err := ParseObject(meta); err == nil && len(left) == 0 {
		meta = nil
	}
	return Set(object, "_meta", meta)
}
