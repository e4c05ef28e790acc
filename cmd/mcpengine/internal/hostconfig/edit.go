package hostconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A document edits the bytes of one configuration file, and never a decoded form of
// it: everything outside the edit keeps its bytes.
//
// A path names an entry from the top of the file. Values are JSON.
type document interface {
	// get returns the value at the path as plain JSON, or nil without one.
	get(path ...string) ([]byte, error)
	// names returns the names of the entries of an object.
	names(path ...string) ([]string, error)
	// set puts a value at the path, and creates missing objects on the way.
	set(value []byte, path ...string) error
	// remove removes the value, with its name, comma and comments.
	remove(path ...string) error
	// bytes is the file as it is now.
	bytes() []byte
}

// Bounds of a configuration file.
const (
	maxFile  = 16 << 20
	maxDepth = 200
)

// errDamage is the error of the check after every edit. It shows a fault of this
// package, before the user's file is written.
var errDamage = errors.New("the edit would have changed something else; nothing was written")

// A syntax is how a file is written.
type syntax int

const (
	syntaxJSON syntax = iota // with comments and trailing commas
	syntaxTOML
	syntaxYAML
)

// parse reads a file in the syntax of the host.
func parse(src []byte, syntax syntax) (document, error) {
	if len(src) > maxFile {
		return nil, fmt.Errorf("the file has more than %d MiB", maxFile>>20)
	}
	switch syntax {
	case syntaxTOML:
		return parseTOML(src)
	case syntaxYAML:
		return parseYAML(src)
	}
	return parseJSON(src)
}

// utf8BOM is what some editors on Windows put in front of a file.
const utf8BOM = "\xef\xbb\xbf"

// splice replaces src[from:to].
func splice(src []byte, from, to int, insert string) []byte {
	out := make([]byte, 0, len(src)-(to-from)+len(insert))
	out = append(out, src[:from]...)
	out = append(out, insert...)
	return append(out, src[to:]...)
}

// newline returns how the file ends its lines.
func newline(src []byte) string {
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// position returns the line and column of an offset.
func position(src []byte, offset int) string {
	line := 1 + bytes.Count(src[:offset], []byte("\n"))
	column := offset - bytes.LastIndexByte(src[:offset], '\n')
	return fmt.Sprintf("line %d, column %d", line, column)
}

// decodeJSON keeps numbers as they are written.
func decodeJSON(data []byte) (v any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode value: %w", err)
	}
	return v, nil
}

// pathString names an entry in errors.
func pathString(path []string) string { return strings.Join(path, ".") }
