package jsonrpc

import "bytes"

// recoverID returns the id of a request whose text is not strict JSON, so that
// the error can be answered to it: a string that is not UTF-8, a name given
// twice or nesting that is too deep hides the id from nobody. It returns nil
// when the id is not beyond doubt, which it is only for an object that has one
// id and a method, no member of a response, and nothing like another message
// behind it.
func recoverID(data []byte) (id []byte) {
	var ids, methods int
	o := outline{data: bytes.TrimLeft(data, " \t\r\n")}
	if len(o.data) == 0 || o.data[0] != '{' {
		return nil
	}
	for o.next() {
		if !o.quoted || bytes.IndexByte(o.name, '\\') >= 0 {
			return nil // it may be any of those below
		}
		switch string(o.name) {
		case "id":
			ids, id = ids+1, o.value
		case "method":
			methods++
		case "result", "error":
			return nil
		}
	}
	if ids != 1 || methods != 1 || Valid(id) != nil || !validID(id) || bytes.IndexByte(o.data[o.pos:], '{') >= 0 {
		return nil
	}
	return id
}

// An outline finds the members of an object by its brackets, commas, colons and
// quotation marks alone, whatever stands between them.
type outline struct {
	data  []byte
	pos   int    // behind what next has found
	name  []byte // of the member that next has found
	value []byte
	ended bool // the object has no more members

	quoted bool // the name is in quotation marks, which have been taken off
}

// next finds the next member, and reports whether there is one.
func (o *outline) next() bool {
	if o.ended {
		return false
	}
	o.pos++ // the brace or the comma before the member
	o.name = bytes.Trim(o.until(':'), " \t\r\n")
	if o.take() != ':' {
		o.ended = true
		return false
	}
	if o.quoted = len(o.name) >= 2 && o.name[0] == '"'; o.quoted {
		o.name = o.name[1 : len(o.name)-1]
	}
	o.value = bytes.Trim(o.until(','), " \t\r\n")
	if o.pos >= len(o.data) || o.data[o.pos] != ',' {
		o.take() // the brace at the end
		o.ended = true
	}
	return true
}

// take returns the byte at pos and goes on behind it.
func (o *outline) take() (c byte) {
	if o.pos < len(o.data) {
		c = o.data[o.pos]
		o.pos++
	}
	return c
}

// until returns the text up to the byte, or to the bracket that ends the object,
// and leaves pos there.
func (o *outline) until(end byte) []byte {
	start, depth := min(o.pos, len(o.data)), 0
	for ; o.pos < len(o.data); o.pos++ {
		switch c := o.data[o.pos]; {
		case c == '"':
			o.skipString()
		case c == '{' || c == '[':
			depth++
		case depth > 0 && (c == '}' || c == ']'):
			depth--
		case c == '}' || c == ']' || depth == 0 && c == end:
			return o.data[start:o.pos]
		}
	}
	o.pos = len(o.data)
	return o.data[start:]
}

// skipString leaves pos at the quotation mark that ends a string.
func (o *outline) skipString() {
	for o.pos++; o.pos < len(o.data) && o.data[o.pos] != '"'; o.pos++ {
		if o.data[o.pos] == '\\' {
			o.pos++
		}
	}
}
