package mcpengine

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// encode encodes a value of a handler: the same bytes for the same value, and
// text that is not UTF-8 repaired rather than refused. What methods of the value
// have written is checked as strictly as what a client sends.
func encode(v any) ([]byte, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	value = validText(plainText(value))
	return value, jsonrpc.Valid(value)
}

// validText repairs text that is not UTF-8.
func validText(value []byte) []byte {
	if utf8.Valid(value) {
		return value
	}
	return bytes.ToValidUTF8(value, []byte("\uFFFD"))
}

// plainText undoes the escapes of <, > and &, which encoding/json makes for
// HTML and which cost a model tokens. It changes value.
func plainText(value []byte) []byte {
	i := bytes.Index(value, []byte(`\u00`))
	if i < 0 {
		return value
	}
	// Not what follows an escaped backslash: start in front of them.
	for i > 0 && value[i-1] == '\\' {
		i--
	}
	plain := value[:i]
	for ; i < len(value); i++ {
		if value[i] != '\\' {
			plain = append(plain, value[i])
			continue
		}
		switch string(value[i:min(i+6, len(value))]) {
		case `\u003c`:
			plain = append(plain, '<')
			i += 5
		case `\u003e`:
			plain = append(plain, '>')
			i += 5
		case `\u0026`:
			plain = append(plain, '&')
			i += 5
		default:
			plain = append(plain, value[i], value[i+1]) // a text ends in a quotation mark, never in an escape
			i++
		}
	}
	return plain
}
