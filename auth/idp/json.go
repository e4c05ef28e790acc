package idp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// decodeObject decodes a JSON object and refuses what two readers could
// understand differently, such as duplicate names at any depth. Names keep
// their case, and numbers their digits.
func decodeObject(data []byte) (map[string]any, error) {
	members, err := jsonrpc.ParseObject(data)
	if err != nil {
		return nil, fmt.Errorf("decode object: %w", err)
	}
	object := make(map[string]any, len(members))
	for _, m := range members {
		if object[string(m.Name)], err = decodeValue(m.Value); err != nil {
			return nil, fmt.Errorf("decode object: %w", err)
		}
	}
	return object, nil
}

// decodeValue decodes a value that has been checked. Strings and numbers, which
// most claims are, do not need the whole decoder.
func decodeValue(value []byte) (any, error) {
	switch c := value[0]; {
	case c == '"':
		return jsonrpc.UnquoteString(value), nil
	case c == '-' || '0' <= c && c <= '9':
		return json.Number(value), nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

// base64url is the encoding of RFC 7515. Strict refuses unused bits behind the
// last byte: a token has one spelling.
var base64url = base64.RawURLEncoding.Strict()

// decodePart decodes base64url. The decoder would skip line ends.
func decodePart(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line end in base64url")
	}
	data, err := base64url.DecodeString(s)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	return data, nil
}
