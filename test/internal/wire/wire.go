// Package wire builds requests by hand, so that the tests and benchmarks of this
// module do not depend on the code that they check.
package wire

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// Version is the protocol version of a request without a handshake version.
const Version = "2026-07-28"

// A Request is one JSON-RPC request and the headers that have to mirror it.
type Request struct {
	// ID is the request's JSON-RPC id. Without one it is a notification.
	ID int
	// Method is the MCP method.
	Method string
	// Name goes into the Mcp-Name header and is the tool or prompt name or the
	// resource URI. Empty for methods that have none.
	Name string
	// Params are the method's parameters without "_meta".
	Params map[string]any
	// Meta is added to the members of "_meta" that every request has.
	Meta map[string]any
	// Handshake is a handshake version, for a request of that version: without the
	// envelope in "_meta", and without headers that mirror the body.
	Handshake string
	// Session is the session of such a request. Empty means no session.
	Session string
	// Capabilities are the client capabilities. Nil means no capabilities.
	Capabilities map[string]any
	// Override replaces headers, to send a request that contradicts itself. An
	// empty list removes the header.
	Override http.Header
}

// CallTool returns a tools/call request.
func CallTool(id int, name string, arguments any) Request {
	return Request{
		ID: id, Method: "tools/call", Name: name,
		Params: map[string]any{"name": name, "arguments": arguments},
	}
}

// Body returns the JSON-RPC message. It panics when the request holds a value
// that JSON cannot represent.
func (r Request) Body() []byte {
	params := map[string]any{}
	if meta := r.meta(); len(meta) > 0 {
		params["_meta"] = meta
	}
	maps.Copy(params, r.Params)
	body, err := json.Marshal(struct {
		JSONRPC string         `json:"jsonrpc"`
		ID      int            `json:"id,omitzero"`
		Method  string         `json:"method"`
		Params  map[string]any `json:"params,omitempty"`
	}{"2.0", r.ID, r.Method, params})
	if err != nil {
		panic("wire: encode request: " + err.Error())
	}
	return body
}

func (r Request) meta() map[string]any {
	if r.Handshake != "" {
		return r.Meta
	}
	capabilities := r.Capabilities
	if capabilities == nil {
		capabilities = map[string]any{}
	}
	meta := map[string]any{
		"io.modelcontextprotocol/protocolVersion":    Version,
		"io.modelcontextprotocol/clientInfo":         clientInfo(),
		"io.modelcontextprotocol/clientCapabilities": capabilities,
	}
	maps.Copy(meta, r.Meta)
	return meta
}

func clientInfo() map[string]any { return map[string]any{"name": "interop", "version": "1.0.0"} }

// Header returns the headers Streamable HTTP requires of the request
// (streamable-http, "Request Metadata").
func (r Request) Header() http.Header {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json, text/event-stream")
	if r.Handshake != "" {
		r.addHandshake(header)
	} else {
		r.addMirror(header)
	}
	maps.Copy(header, r.Override)
	return header
}

func (r Request) addMirror(header http.Header) {
	header.Set("MCP-Protocol-Version", Version)
	header.Set("Mcp-Method", r.Method)
	if r.Name != "" {
		header.Set("Mcp-Name", r.Name)
	}
}

// Raw returns the request as the bytes of an HTTP/1.1 POST to path "/mcp".
func (r Request) Raw(host string) []byte {
	body := r.Body()
	var raw strings.Builder
	raw.WriteString("POST /mcp HTTP/1.1\r\nHost: " + host + "\r\n")
	raw.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	if err := r.Header().Write(&raw); err != nil {
		panic("wire: write headers: " + err.Error())
	}
	raw.WriteString("\r\n")
	raw.Write(body)
	return []byte(raw.String())
}
