package plain

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

const maxBody = 4 << 20

// A Server answers tools/list and tools/call. Create one with [New].
type Server struct {
	info      Implementation
	tools     []Tool
	handlers  map[string]ToolFunc
	handshake bool // speaks 2025-11-25
}

// New returns a server without tools.
func New(name, version string) *Server {
	return &Server{
		info:     Implementation{Name: name, Version: version},
		handlers: map[string]ToolFunc{},
	}
}

// AddTool registers a tool. It must not be called once the server is serving.
func (s *Server) AddTool(tool Tool, call ToolFunc) {
	s.tools = append(s.tools, tool)
	s.handlers[tool.Name] = call
}

// ServeHTTP answers one POST.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("Origin") != "" {
		http.Error(w, "origin not allowed", http.StatusForbidden)
		return
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		http.Error(w, "content type must be application/json", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "read body", http.StatusRequestEntityTooLarge)
		return
	}
	var req request
	if err := json.Unmarshal(body, &req); err != nil {
		fail(w, http.StatusBadRequest, nil, &rpcError{Code: codeParseError, Message: "parse request: " + err.Error()})
		return
	}
	if s.handshake {
		s.serveHandshake(w, r, &req)
		return
	}
	if req.JSONRPC != "2.0" || len(req.ID) == 0 || bytes.Equal(req.ID, []byte("null")) || req.Method == "" {
		fail(w, http.StatusBadRequest, nil, &rpcError{Code: codeInvalidRequest, Message: "not a JSON-RPC 2.0 request"})
		return
	}
	if err := checkMeta(r, &req); err != nil {
		fail(w, http.StatusBadRequest, req.ID, err)
		return
	}
	switch req.Method {
	case "tools/call":
		s.callTool(w, r, &req)
	case "tools/list":
		s.listTools(w, &req)
	default:
		fail(w, http.StatusNotFound, req.ID, &rpcError{Code: codeMethodNotFound, Message: "unknown method " + req.Method})
	}
}

func (s *Server) listTools(w http.ResponseWriter, req *request) {
	if req.Params.Cursor != "" {
		fail(w, http.StatusBadRequest, req.ID, &rpcError{Code: codeInvalidParams, Message: "unknown cursor"})
		return
	}
	answer(w, http.StatusOK, response{JSONRPC: "2.0", ID: req.ID, Result: listToolsResult{
		Meta:       resultMeta{ServerInfo: s.info},
		ResultType: "complete",
		Tools:      s.tools,
		CacheScope: "public",
	}})
}

// checkMeta refuses a request whose metadata is incomplete, names another
// version, or differs from the headers that mirror it.
func checkMeta(r *http.Request, req *request) *rpcError {
	m := &req.Params.Meta
	if m.ProtocolVersion == "" || m.ClientCapabilities == nil {
		return &rpcError{Code: codeInvalidParams, Message: "_meta lacks a required member"}
	}
	if r.Header.Get("Mcp-Protocol-Version") != m.ProtocolVersion {
		return mismatch("MCP-Protocol-Version")
	}
	if m.ProtocolVersion != version {
		return &rpcError{
			Code: codeUnsupportedVersion, Message: "unsupported protocol version",
			Data: map[string]any{"supported": []string{version}, "requested": m.ProtocolVersion},
		}
	}
	if r.Header.Get("Mcp-Method") != req.Method {
		return mismatch("Mcp-Method")
	}
	return nil
}

func mismatch(header string) *rpcError {
	return &rpcError{Code: codeHeaderMismatch, Message: header + " does not match the body"}
}

func fail(w http.ResponseWriter, status int, id json.RawMessage, err *rpcError) {
	answer(w, status, response{JSONRPC: "2.0", ID: id, Error: err})
}

func answer(w http.ResponseWriter, status int, message response) {
	body, err := json.Marshal(message)
	if err != nil {
		http.Error(w, "encode response", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
