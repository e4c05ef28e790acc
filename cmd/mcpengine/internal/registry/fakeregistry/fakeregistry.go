// Package fakeregistry is a registry of MCP servers, for tests, with the endpoint of
// GitHub that gives workflows their identity. test/registry runs the real registry.
package fakeregistry

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// RequestToken is what a workflow sends for its identity.
const RequestToken = "workflow-request-token"

// A Server is a registry that belongs to one test. Set its fields before it serves.
type Server struct {
	// Owner is the owner of the repository that the workflow belongs to.
	Owner string

	// Keys are the public keys that domains show, by domain.
	Keys map[string]ed25519.PublicKey

	mu        sync.Mutex
	published map[string]json.RawMessage // by name and version
	tokens    map[string]string          // to the namespace
	requests  []string
}

// Requests returns the method and path of each request so far.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Published returns what was published as a name and a version, or nil.
func (s *Server) Published(name, version string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.published[name+" "+version]
}

// ServeHTTP answers as the registry does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /identity", s.identity)
	mux.HandleFunc("POST /v0.1/auth/{method}", s.signIn)
	mux.HandleFunc("GET /v0.1/servers/{name}/versions/{version}", s.version)
	mux.HandleFunc("POST /v0.1/validate", s.validate)
	mux.HandleFunc("POST /v0.1/publish", s.publish)
	mux.ServeHTTP(w, r)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, detail, reason string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"title": http.StatusText(status), "status": status, "detail": detail, "errors": []any{map[string]string{"message": reason}},
	})
}

// identity is GitHub's endpoint. The identity names its audience.
func (s *Server) identity(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+RequestToken {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	reply(w, map[string]string{"value": "identity for " + r.URL.Query().Get("audience")})
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var in map[string]string
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		refuse(w, http.StatusUnprocessableEntity, "validation failed", "not an object of strings")
		return
	}
	namespace, reason := "", ""
	if r.PathValue("method") == "github-oidc" {
		namespace = "io.github." + s.Owner + "/"
		if in["oidc_token"] != "identity for http://"+r.Host {
			reason = "failed to validate OIDC token: invalid audience"
		}
	} else {
		namespace, reason = s.byKey(in)
	}
	if reason != "" {
		refuse(w, http.StatusUnauthorized, "authentication failed", reason)
		return
	}
	token := fmt.Sprintf("registry-token-%d", len(s.tokens)+1)
	if s.tokens == nil {
		s.tokens = map[string]string{}
	}
	s.tokens[token] = namespace
	reply(w, map[string]any{"registry_token": token, "expires_at": time.Now().Add(5 * time.Minute).Unix()})
}

func (s *Server) byKey(in map[string]string) (namespace, reason string) {
	signature, err := hex.DecodeString(in["signed_timestamp"])
	at, timeErr := time.Parse(time.RFC3339, in["timestamp"])
	key, ok := s.Keys[in["domain"]]
	switch {
	case !ok:
		return "", "no MCP public key found in DNS TXT records"
	case timeErr != nil || time.Since(at).Abs() > 15*time.Second:
		return "", "timestamp outside valid window"
	case err != nil || !ed25519.Verify(key, []byte(in["timestamp"]), signature):
		return "", "signature verification failed"
	}
	labels := strings.Split(in["domain"], ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	return strings.Join(labels, ".") + "/", ""
}

func (s *Server) version(w http.ResponseWriter, r *http.Request) {
	text := s.published[r.PathValue("name")+" "+r.PathValue("version")]
	if text == nil {
		refuse(w, http.StatusNotFound, "Server not found", "")
		return
	}
	reply(w, map[string]any{"server": text})
}

// validate finds one thing wrong: a description that is not a sentence. The real
// registry's checks run in test/registry.
func (s *Server) validate(w http.ResponseWriter, r *http.Request) {
	var in struct{ Description string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	issues := []any{}
	if !strings.HasSuffix(in.Description, ".") {
		issues = append(issues, map[string]string{"path": "description", "message": "not a sentence", "severity": "error"})
	}
	reply(w, map[string]any{"valid": len(issues) == 0, "issues": issues})
}

func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	namespace, ok := s.tokens[token]
	var text json.RawMessage
	var in struct{ Name, Version string }
	if json.NewDecoder(r.Body).Decode(&text) != nil || json.Unmarshal(text, &in) != nil {
		refuse(w, http.StatusUnprocessableEntity, "validation failed", "not a server")
		return
	}
	switch {
	case !ok:
		refuse(w, http.StatusUnauthorized, "Invalid or expired Registry JWT token", "")
	case !strings.HasPrefix(in.Name, namespace):
		refuse(w, http.StatusForbidden, "You do not have permission to publish this server. You have permission to publish: "+namespace+"*", "")
	case s.published[in.Name+" "+in.Version] != nil:
		refuse(w, http.StatusBadRequest, "Failed to publish server", "invalid version: cannot publish duplicate version")
	default:
		if s.published == nil {
			s.published = map[string]json.RawMessage{}
		}
		s.published[in.Name+" "+in.Version] = text
		reply(w, map[string]any{"server": text})
	}
}
