package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// RequestID identifies a request: a string or an integer, which never equal
// each other. It is comparable and so can be a map key. The zero RequestID is
// neither, stands for an absent id and cannot be encoded.
type RequestID struct {
	form   idForm
	text   string
	number int64
}

// ProgressToken ties progress notifications to the request they are about. It
// takes the same two forms as a [RequestID].
type ProgressToken = RequestID

type idForm uint8

const (
	idAbsent idForm = iota
	idString
	idInteger
)

// StringID returns the id that is the string s.
func StringID(s string) RequestID {
	return RequestID{form: idString, text: s}
}

// IntegerID returns the id that is the integer n.
func IntegerID(n int64) RequestID {
	return RequestID{form: idInteger, number: n}
}

// IsZero reports whether the id is absent, which the omitzero option of a JSON
// encoder asks.
func (id RequestID) IsZero() bool {
	return id.form == idAbsent
}

// String returns the string or the decimal digits of the id, for people and
// logs. It does not tell StringID("1") from IntegerID(1); compare ids with ==.
func (id RequestID) String() string {
	if id.form == idInteger {
		return strconv.FormatInt(id.number, 10)
	}
	return id.text
}

// MarshalJSON encodes the id as a JSON string or integer. It returns an error
// for the zero RequestID, as an id is never null (basic, "Requests").
func (id RequestID) MarshalJSON() ([]byte, error) {
	switch id.form {
	case idString:
		return json.Marshal(id.text)
	case idInteger:
		return strconv.AppendInt(nil, id.number, 10), nil
	default:
		return nil, errors.New("encode id: neither a string nor an integer")
	}
}

// UnmarshalJSON decodes a JSON string, or an integer that fits in 64 bits and
// is written without fraction and exponent. Anything else is an error.
func (id *RequestID) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return fmt.Errorf("decode id: %w", err)
		}
		*id = StringID(s)
		return nil
	}
	// encoding/json would leave the number as it is for a null.
	var n int64
	if bytes.Equal(data, []byte("null")) || json.Unmarshal(data, &n) != nil {
		return fmt.Errorf("decode id: want a string or an integer, have %.64q", data)
	}
	*id = IntegerID(n)
	return nil
}
