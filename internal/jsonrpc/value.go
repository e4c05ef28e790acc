package jsonrpc

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendString appends s to dst as a JSON string. Bytes of s that are not
// UTF-8 become U+FFFD.
func AppendString[Text ~[]byte | ~string](dst []byte, s Text) []byte {
	// Most texts are ASCII without an escape, and need no more than a copy.
	plain := plainPrefix(s)
	dst = append(append(dst, '"'), s[:plain]...)
	if plain == len(s) {
		return append(dst, '"')
	}
	// The quotation mark that the rest begins with overwrites the last character,
	// which is put back. The error only reports invalid UTF-8, which has been
	// replaced by then.
	at := len(dst) - 1
	last := dst[at]
	dst, _ = jsontext.AppendQuote(dst[:at], s[plain:])
	dst[at] = last
	return dst
}

// AppendUnquoted appends what a JSON string, which has been checked before,
// stands for.
func AppendUnquoted(dst, value []byte) []byte {
	if plain := value[1 : len(value)-1]; bytes.IndexByte(plain, '\\') < 0 {
		return append(dst, plain...)
	}
	dst, _ = jsontext.AppendUnquote(dst, value)
	return dst
}

// UnquoteString decodes a JSON string that has been checked before.
func UnquoteString(value []byte) string {
	if plain := value[1 : len(value)-1]; bytes.IndexByte(plain, '\\') < 0 {
		return string(plain)
	}
	return string(AppendUnquoted(nil, value))
}

// EqualString reports whether value is the JSON string of s.
func EqualString(value []byte, s string) bool {
	if len(value) < 2 || value[0] != '"' {
		return false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1:len(value)-1]) == s
	}
	return UnquoteString(value) == s
}

// IsString reports whether value, which is valid JSON or nil, is a string.
func IsString(value []byte) bool { return len(value) > 0 && value[0] == '"' }

// IsObject reports whether value, which is valid JSON or nil, is an object.
func IsObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

// Text returns the text of a JSON string, and "" for any other value.
func Text(value []byte) string {
	if !IsString(value) {
		return ""
	}
	return UnquoteString(value)
}
