package jsonrpc

// A Member is one name and its value in a JSON object.
type Member struct {
	Name  []byte // decoded
	Value []byte // as it stands in the text
}

// An Object is the members of a JSON object in the order of the text.
type Object []Member

// Get returns the value of the member with that name, and nil when there is
// none.
func (o Object) Get(name string) []byte {
	for i := range o {
		if string(o[i].Name) == name {
			return o[i].Value
		}
	}
	return nil
}

// ParseObject reads a JSON object into its members.
func ParseObject(data []byte) (Object, error) { return parseObject(scanner{data: data}) }

// ParseChecked is [ParseObject] for a value of an object or array that has been
// parsed before: its names are known to be unique.
func ParseChecked(data []byte) (Object, error) {
	return parseObject(scanner{data: data, checked: true})
}

func parseObject(s scanner) (Object, error) {
	members := make(Object, 0, 16)
	s.space()
	if s.pos >= len(s.data) || s.data[s.pos] != '{' {
		return nil, s.errorf("not an object")
	}
	if err := s.object(&level{keep: &members}); err != nil {
		return nil, err
	}
	return members, s.end()
}

// ParseArray reads a JSON array into its elements.
func ParseArray(data []byte) (elements [][]byte, err error) {
	s := scanner{data: data}
	s.space()
	if s.pos >= len(data) || data[s.pos] != '[' {
		return nil, s.errorf("not an array")
	}
	if err := s.elements(func(element []byte) error {
		elements = append(elements, element)
		return nil
	}); err != nil {
		return nil, err
	}
	return elements, s.end()
}

// Valid checks that data is exactly one JSON value by the rules of this
// package.
func Valid(data []byte) error {
	s := scanner{data: data}
	s.space()
	if err := s.value(); err != nil {
		return err
	}
	return s.end()
}

// AppendObject appends the members of the JSON object in data to dst.
func AppendObject(dst Object, data []byte) (Object, error) {
	s := scanner{data: data}
	s.space()
	if s.pos >= len(data) || data[s.pos] != '{' {
		return nil, s.errorf("not an object")
	}
	if err := s.object(&level{keep: &dst}); err != nil {
		return nil, err
	}
	return dst, s.end()
}
