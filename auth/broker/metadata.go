package broker

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// Grant types and methods of client authentication.
const (
	grantCode      = "authorization_code"
	grantRefresh   = "refresh_token"
	grantAssertion = "urn:ietf:params:oauth:grant-type:jwt-bearer"

	methodNone = "none"
	methodKey  = "private_key_jwt"
)

// metadata is the authorization server metadata (RFC 8414, section 2).
type metadata struct {
	Issuer            string   `json:"issuer"`
	Authorize         string   `json:"authorization_endpoint"`
	Token             string   `json:"token_endpoint"`
	Register          string   `json:"registration_endpoint,omitempty"`
	Revoke            string   `json:"revocation_endpoint"`
	Keys              string   `json:"jwks_uri"`
	Scopes            []string `json:"scopes_supported"`
	ResponseTypes     []string `json:"response_types_supported"`
	ResponseModes     []string `json:"response_modes_supported"`
	GrantTypes        []string `json:"grant_types_supported"`
	GrantProfiles     []string `json:"authorization_grant_profiles_supported,omitempty"`
	AuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgorithms    []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevokeAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	ChallengeMethods  []string `json:"code_challenge_methods_supported"`
	SendsIssuer       bool     `json:"authorization_response_iss_parameter_supported"`
	ReadsDocuments    bool     `json:"client_id_metadata_document_supported"`
}

func (s *server) metadata() []byte {
	m := metadata{
		Issuer:            s.issuer,
		Authorize:         s.issuer + pathAuthorize,
		Token:             s.issuer + pathToken,
		Revoke:            s.issuer + pathRevoke,
		Keys:              s.issuer + pathKeys,
		Scopes:            append(s.config.scopes(), offlineAccess),
		ResponseTypes:     []string{"code"},
		ResponseModes:     []string{"query"},
		GrantTypes:        []string{grantCode, grantRefresh},
		AuthMethods:       []string{methodNone, methodKey},
		AuthAlgorithms:    []string{"EdDSA", "ES256", "ES384", "RS256", "PS256"},
		RevokeAuthMethods: []string{methodNone, methodKey},
		ChallengeMethods:  []string{"S256"},
		SendsIssuer:       true,
		ReadsDocuments:    true,
	}
	if !s.config.NoRegistration {
		m.Register = s.issuer + pathRegister
	}
	if len(s.config.Enterprises) > 0 {
		m.GrantTypes = append(m.GrantTypes, grantAssertion)
		m.GrantProfiles = []string{"urn:ietf:params:oauth:grant-profile:id-jag"}
	}
	text, _ := json.Marshal(m) // strings can be encoded
	return text
}

func (s *server) serveMetadata(w http.ResponseWriter, r *http.Request) { publish(w, r, s.metadata()) }

// publish serves a document to everybody and every web page: it holds nothing
// secret.
func publish(w http.ResponseWriter, r *http.Request, document []byte) {
	const methods = "GET, HEAD, OPTIONS"
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(document) // fails when the client has gone
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", methods)
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// answerOf is the response to a request that does not leave the process.
func answerOf(req *http.Request, document []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(bytes.NewReader(document)), Request: req,
	}
}
