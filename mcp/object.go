package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
)

// object is a JSON object half decoded. Its members are found by their exact
// names, where encoding/json would take "Type" for "type" in a struct.
type object map[string]json.RawMessage

func decodeObject(data []byte) (object, error) {
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errors.New("want an object, have null")
	}
	return o, nil
}

// decode decodes the member called name into v, which stays as it is if there
// is no such member.
func (o object) decode(name string, v any) error {
	raw, ok := o[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// decodeType returns the type member of the object in data, which tells the
// members of a union apart.
func decodeType(data []byte) (string, error) {
	o, err := decodeObject(data)
	if err != nil {
		return "", err
	}
	raw, ok := o["type"]
	if !ok {
		return "", errors.New("type is missing")
	}
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return "", fmt.Errorf("type: %w", err)
	}
	return name, nil
}

// unknownType names a type that comes from outside, and so may be of any length.
func unknownType(name string) error {
	return fmt.Errorf("unknown type %.64q", name)
}

// decodeAs decodes data into a new T.
func decodeAs[T any](data []byte) (T, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}
