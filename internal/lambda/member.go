package lambda

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// maxMembers bounds the headers and the query parameters of a request each.
const maxMembers = 2000

var errTooMany = fmt.Errorf("more than %d values", maxMembers)

// fields are the headers of an event.
type fields struct {
	header http.Header
}

// UnmarshalJSONFrom reads headers with one or several values each.
func (f *fields) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	// The values of all headers share one array, as they do in net/textproto.
	values := make([]string, 0, 24)
	return readMembers(dec, func() { f.header = make(http.Header, 24) }, func(name []byte, value string) error {
		if len(values) == maxMembers {
			return errTooMany
		}
		if !isFieldValue(value) {
			return errControl
		}
		values = append(values, value)
		key := canonical(name)
		if earlier := f.header[key]; earlier != nil {
			f.header[key] = append(earlier, value)
			return nil
		}
		f.header[key] = values[len(values)-1 : len(values) : len(values)]
		return nil
	})
}

// common are the headers that nearly every event has and net/textproto has no
// string of.
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

// UnmarshalJSONFrom reads names with one or several values each.
func (p *pairs) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return readMembers(dec, func() {}, func(name []byte, value string) error {
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

// text is a string that may be long.
type text []byte

// UnmarshalJSONFrom decodes a string, once and into memory of its own.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil || value.Kind() == 'n' {
		return err
	}
	if value.Kind() != '"' {
		return errNotString
	}
	*t, err = unquote(make([]byte, 0, len(value)), value)
	return err
}

// given tells a member from one that is null or missing.
type given bool

// UnmarshalJSONFrom skips the value.
func (g *given) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*g = dec.PeekKind() != 'n'
	return dec.SkipValue()
}

var (
	errNotObject = errors.New("not an object of strings")
	errNotString = errors.New("not a string")
	errControl   = errors.New("control character in a header")
)

// readMembers reads an object of strings, or of arrays of them, and calls visit
// with each. The name is valid for the call. Null is as good as missing;
// otherwise begin is called first.
func readMembers(dec *jsontext.Decoder, begin func(), visit func(name []byte, value string) error) error {
	switch dec.PeekKind() {
	case 'n':
		return dec.SkipValue()
	case '{':
	default:
		return errNotObject
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	begin()
	var scratch [64]byte
	for dec.PeekKind() != '}' {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		name, err := unquote(scratch[:0], value)
		if err != nil {
			return err
		}
		if err := readValues(dec, name, visit); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// readValues reads the values of one name: a string, an array of strings or
// null.
func readValues(dec *jsontext.Decoder, name []byte, visit func(name []byte, value string) error) error {
	switch dec.PeekKind() {
	case 'n':
		return dec.SkipValue()
	case '"':
		return readString(dec, name, visit)
	case '[':
	default:
		return errNotString
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if dec.PeekKind() != '"' {
			return errNotString
		}
		if err := readString(dec, name, visit); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func readString(dec *jsontext.Decoder, name []byte, visit func(name []byte, value string) error) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return visit(name, string(value[1:len(value)-1]))
	}
	decoded, err := unquote(nil, value)
	if err != nil {
		return err
	}
	return visit(name, string(decoded))
}

// unquote appends what the JSON string stands for.
func unquote(dst []byte, value jsontext.Value) ([]byte, error) {
	if bytes.IndexByte(value, '\\') < 0 {
		return append(dst, value[1:len(value)-1]...), nil
	}
	return jsontext.AppendUnquote(dst, value)
}
