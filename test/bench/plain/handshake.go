package plain

import (
	"bytes"
	"net/http"
	"strings"
)

const handshakeVersion = "2025-11-25"

type handshakeCallToolResult struct {
	Content           []TextContent `json:"content"`
	StructuredContent any           `json:"structuredContent,omitempty"`
	IsError           bool          `json:"isError,omitempty"`
}

type handshakeListToolsResult struct {
	Tools []Tool `json:"tools"`
}

type initializeResult struct {
	ProtocolVersion string         `json:"protocolVersion"`
	Capabilities    map[string]any `json:"capabilities"`
	ServerInfo      Implementation `json:"serverInfo"`
}

// NewHandshake returns a server without tools that speaks protocol version
// 2025-11-25, and has no sessions: a client may send a request to any replica.
func NewHandshake(name, version string) *Server {
	s := New(name, version)
	s.handshake = true
	return s
}

// serveHandshake answers one message. Errors of a method have status 200: the
// HTTP request has been answered.
func (s *Server) serveHandshake(w http.ResponseWriter, r *http.Request, req *request) {
	if version := r.Header.Get("Mcp-Protocol-Version"); version != "" && version != handshakeVersion {
		fail(w, http.StatusBadRequest, req.ID, &rpcError{Code: codeInvalidRequest, Message: "unsupported protocol version"})
		return
	}
	if req.JSONRPC != "2.0" || req.Method == "" || bytes.Equal(req.ID, []byte("null")) {
		fail(w, http.StatusBadRequest, nil, &rpcError{Code: codeInvalidRequest, Message: "not a JSON-RPC 2.0 message"})
		return
	}
	if len(req.ID) == 0 {
		if !strings.HasPrefix(req.Method, "notifications/") {
			fail(w, http.StatusBadRequest, nil, &rpcError{Code: codeInvalidRequest, Message: "the request has no id"})
			return
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	switch req.Method {
	case "initialize":
		answer(w, http.StatusOK, response{JSONRPC: "2.0", ID: req.ID, Result: initializeResult{
			handshakeVersion, map[string]any{"tools": struct{}{}}, s.info,
		}})
	case "ping":
		answer(w, http.StatusOK, response{JSONRPC: "2.0", ID: req.ID, Result: struct{}{}})
	case "tools/call":
		s.callTool(w, r, req)
	case "tools/list":
		s.listHandshakeTools(w, req)
	default:
		fail(w, http.StatusOK, req.ID, &rpcError{Code: codeMethodNotFound, Message: "unknown method " + req.Method})
	}
}

func (s *Server) listHandshakeTools(w http.ResponseWriter, req *request) {
	if req.Params.Cursor != "" {
		fail(w, http.StatusOK, req.ID, &rpcError{Code: codeInvalidParams, Message: "unknown cursor"})
		return
	}
	answer(w, http.StatusOK, response{JSONRPC: "2.0", ID: req.ID, Result: handshakeListToolsResult{s.tools}})
}
