package peer

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// readMessage reads a message of the server. Text that is not Unicode is
// repaired first: a server that cuts a text in two, or writes it in another
// encoding, has answered all the same.
func readMessage(m *jsonrpc.Message, data []byte) *jsonrpc.Error {
	err := m.Parse(data)
	if err == nil {
		return nil
	}
	repaired, changed := jsonrpc.RepairText(data)
	if !changed {
		return err
	}
	return m.Parse(repaired)
}

// broken is the error for a message that cannot be read. It does not wrap err,
// which would pass for an answer of the server.
func broken(err *jsonrpc.Error) error { return protocolErrorf("%s", err.Message) }

// isID reports whether a response has the id of a request. Some servers return
// it as a string, and the official clients accept that.
func isID(raw, id []byte) bool {
	if jsonrpc.IsString(raw) {
		return jsonrpc.EqualString(raw, string(id))
	}
	return bytes.Equal(raw, id)
}

// callID returns the number of the call with the id.
func callID(raw []byte) (int64, bool) {
	text := string(raw)
	if jsonrpc.IsString(raw) {
		text = jsonrpc.UnquoteString(raw)
	}
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil
}

// An envelope has the readable members of a broken message.
type envelope struct {
	id       []byte
	method   bool
	response bool // it has a result or an error
}

// readEnvelope reads the members of an object until it breaks off. It is not
// strict: it accepts, for example, a name that occurs twice.
func readEnvelope(data []byte) (e envelope) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return e
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return e
		}
		e.method = e.method || name == "method"
		e.response = e.response || name == "result" || name == "error"
		value, err := d.Token()
		if err != nil {
			return e
		}
		if _, nested := value.(json.Delim); nested {
			if !skip(d) {
				return e
			}
			continue
		}
		if name == "id" {
			switch id := value.(type) {
			case string:
				e.id = jsonrpc.AppendString(nil, id)
			case json.Number:
				e.id = []byte(id)
			}
		}
	}
	return e
}

// skip reads the rest of an array or object, and reports whether it is complete.
func skip(d *json.Decoder) bool {
	for depth := 1; depth > 0; {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return true
}
