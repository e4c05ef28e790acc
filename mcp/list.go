package mcp

import "encoding/json"

// List is a list that the schema requires. It is an ordinary slice, assignable
// from []T and to it, except that nil encodes as [] where encoding/json would
// write null.
type List[T any] []T

// MarshalJSON encodes the list as a JSON array.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}
