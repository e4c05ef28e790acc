package lambda

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// maxMembers bounds the headers and the query parameters of a request each.
const maxMembers = 2000

var errTooMany = fmt.Errorf("more than %d values", maxMembers)

// fields are the headers of an event.
type fields struct {
	header http.Header
}

// read reads headers. It reads the values of each with the reader each.
func (f *fields) read(value []byte, each reader) error {
	// The values of all headers share one array, as they do in net/textproto.
	values := make([]string, 0, 24)
	return readMembers(value, each, func() { f.header = make(http.Header, 24) }, func(name []byte, value string) error {
		if len(values) == maxMembers {
			return errTooMany
		}
		if !isFieldValue(value) {
			return errControl
		}
		values = append(values, value)
		key := canonical(name)
		if present := f.header[key]; present != nil {
			f.header[key] = append(present, value)
			return nil
		}
		f.header[key] = values[len(values)-1 : len(values) : len(values)]
		return nil
	})
}

// common are the headers that nearly every event has but that net/textproto
// does not have interned.
var common = map[string]string{
	"mcp-method":              "Mcp-Method",
	"mcp-name":                "Mcp-Name",
	"mcp-protocol-version":    "Mcp-Protocol-Version",
	"mcp-session-id":          "Mcp-Session-Id",
	"x-amzn-tls-cipher-suite": "X-Amzn-Tls-Cipher-Suite",
	"x-amzn-tls-version":      "X-Amzn-Tls-Version",
	"x-amzn-trace-id":         "X-Amzn-Trace-Id",
	"x-forwarded-for":         "X-Forwarded-For",
	"x-forwarded-port":        "X-Forwarded-Port",
	"x-forwarded-proto":       "X-Forwarded-Proto",
}

func canonical(name []byte) string {
	if key, ok := common[string(name)]; ok {
		return key
	}
	return textproto.CanonicalMIMEHeaderKey(string(name))
}

// isFieldValue reports whether a header may have the value (RFC 9110, section
// 5.5).
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// pairs are names and values in the order of the event.
type pairs []pair

type pair struct{ name, value string }

// read reads names. It reads the values of each with the reader each.
func (p *pairs) read(value []byte, each reader) error {
	return readMembers(value, each, func() {}, func(name []byte, value string) error {
		if len(*p) == maxMembers {
			return errTooMany
		}
		*p = append(*p, pair{string(name), value})
		return nil
	})
}

// get returns the last value with the name.
func (p pairs) get(name string) (value string, ok bool) {
	for _, pair := range slices.Backward(p) {
		if pair.name == name {
			return pair.value, true
		}
	}
	return "", false
}

var (
	errNotObject  = errors.New("not an object of strings")
	errNotString  = errors.New("not a string")
	errNotStrings = errors.New("not an array of strings")
	errNotBool    = errors.New("not true or false")
	errControl    = errors.New("control character in a header")
)

// The functions below read a value that has been checked to be strict JSON.
// Null means the same as a missing value.

// isNull reports whether value is null.
func isNull(value []byte) bool { return value[0] == 'n' }

// eachMember reads the members of an object.
func eachMember(value []byte, read func(name, value []byte) error) error {
	if isNull(value) {
		return nil
	}
	if value[0] != '{' {
		return errNotObject
	}
	members, err := jsonrpc.ParseChecked(value)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := read(m.Name, m.Value); err != nil {
			return fmt.Errorf("%.64s: %w", m.Name, err)
		}
	}
	return nil
}

// A reader calls visit with every string in a value.
type reader func(value []byte, visit func(string) error) error

// readMembers reads an object, and its values with the reader each. It calls
// visit with every string, and begin before that unless the object is null.
func readMembers(value []byte, each reader, begin func(), visit func(name []byte, value string) error) error {
	if !isNull(value) {
		begin()
	}
	return eachMember(value, func(name, value []byte) error {
		return each(value, func(s string) error { return visit(name, s) })
	})
}

// oneString reads a string.
func oneString(value []byte, visit func(string) error) error {
	switch value[0] {
	case 'n':
		return nil
	case '"':
		return visit(jsonrpc.UnquoteString(value))
	}
	return errNotString
}

// eachString reads an array of strings.
func eachString(value []byte, visit func(string) error) error {
	switch value[0] {
	case 'n':
		return nil
	case '[':
	default:
		return errNotStrings
	}
	elements, err := jsonrpc.ParseArray(value)
	if err != nil {
		return err
	}
	for _, element := range elements {
		if element[0] != '"' {
			return errNotString
		}
		if err := visit(jsonrpc.UnquoteString(element)); err != nil {
			return err
		}
	}
	return nil
}

func readString(s *string, value []byte) error {
	switch value[0] {
	case 'n':
	case '"':
		*s = jsonrpc.UnquoteString(value)
	default:
		return errNotString
	}
	return nil
}

// readText reads a string, which may be long, into memory of its own.
func readText(text *[]byte, value []byte) error {
	switch value[0] {
	case 'n':
	case '"':
		*text = jsonrpc.AppendUnquoted(make([]byte, 0, len(value)), value)
	default:
		return errNotString
	}
	return nil
}

func readBool(b *bool, value []byte) error {
	switch value[0] {
	case 'n', 't', 'f':
		*b = value[0] == 't'
		return nil
	}
	return errNotBool
}
