package broker

import (
	"encoding/json"
	"net/http"
	"slices"
)

const maxRegistration = 16 << 10

// A clientMetadata is what a client registers (RFC 7591, section 2), in the members
// that are used.
type clientMetadata struct {
	Name          string   `json:"client_name,omitempty"`
	Redirects     []string `json:"redirect_uris"`
	Method        string   `json:"token_endpoint_auth_method"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
}

// serveRegister registers a client (RFC 7591, section 3). Its id holds what it
// registered, so that there is nothing to store. Every client becomes a public one:
// a secret that anybody gets proves nothing.
func (s *server) serveRegister(w http.ResponseWriter, r *http.Request) {
	if !s.limits.register.takeFor(r, s.env.Now()) {
		tooMany(w)
		return
	}
	if !hasJSON(r.Header) {
		fail(w, http.StatusBadRequest, "invalid_client_metadata", "the body must be JSON")
		return
	}
	body, ok := readBody(w, r, maxRegistration)
	if !ok {
		return
	}
	var m clientMetadata
	if err := decodeStrict(body, &m); err != nil {
		fail(w, http.StatusBadRequest, "invalid_client_metadata", "the body is not client metadata")
		return
	}
	if m.Method == methodKey {
		fail(w, http.StatusBadRequest, "invalid_client_metadata", "a client with a key needs a client id metadata document")
		return
	}
	if len(m.GrantTypes) > 0 && !slices.Contains(m.GrantTypes, grantCode) {
		fail(w, http.StatusBadRequest, "invalid_client_metadata", "grant_types must have authorization_code")
		return
	}
	if len(m.Redirects) == 0 || len(m.Redirects) > maxRedirects {
		fail(w, http.StatusBadRequest, "invalid_redirect_uri", "redirect_uris must have 1 to 16 entries")
		return
	}
	for _, uri := range m.Redirects {
		if err := checkRedirect(uri, s.config.RedirectSchemes); err != nil {
			fail(w, http.StatusBadRequest, "invalid_redirect_uri", err.Error())
			return
		}
	}
	now := s.env.Now().Unix()
	m.Name = plain(m.Name, maxName)
	id, err := s.seal(purposeClient, registration{Name: m.Name, Redirects: m.Redirects, Issued: now}, "")
	if err != nil || len(id) > maxClientID {
		fail(w, http.StatusBadRequest, "invalid_client_metadata", "the redirect URIs are too long together")
		return
	}
	m.Method, m.GrantTypes, m.ResponseTypes = methodNone, []string{grantCode, grantRefresh}, []string{"code"}
	answer, _ := json.Marshal(struct { // strings can be encoded
		ID     string `json:"client_id"`
		Issued int64  `json:"client_id_issued_at"`
		clientMetadata
	}{id, now, m})
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer) // fails when the client has gone
}
