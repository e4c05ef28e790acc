package client_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
)

const (
	domainURL = "https://mcp.example.com/mcp"
	issuer    = "https://id.example.com"
)

// A domain is a server that wants a token, the authorization server that issues
// it, and an identity provider of an enterprise, all without a network. The
// authorization server does not check its requests: the tests do.
type domain struct {
	engine *mcpengine.Engine
	mux    *http.ServeMux

	mu     sync.Mutex
	tokens []tokenRequest
	polls  int  // of the device grant that are answered with "pending"
	refuse bool // everything at the token endpoint
}

// A tokenRequest is a request to a token endpoint.
type tokenRequest struct {
	form   url.Values
	header http.Header
}

func newDomain() *domain {
	d := &domain{engine: newEngine(), mux: http.NewServeMux()}
	d.mux.HandleFunc("mcp.example.com/.well-known/oauth-protected-resource/mcp", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, map[string]any{"resource": domainURL, "authorization_servers": []string{issuer}, "scopes_supported": []string{"read"}})
	})
	d.mux.HandleFunc("mcp.example.com/mcp", d.serve)
	d.mux.HandleFunc("id.example.com/.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
			"registration_endpoint": issuer + "/register", "device_authorization_endpoint": issuer + "/device",
			"code_challenge_methods_supported": []string{"S256"}, "dpop_signing_alg_values_supported": []string{"ES256"},
			"client_id_metadata_document_supported": true,
		})
	})
	d.mux.HandleFunc("id.example.com/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := url.Values{"code": {"the-code"}, "state": {r.FormValue("state")}}
		http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+q.Encode(), http.StatusFound)
	})
	d.mux.HandleFunc("id.example.com/register", func(w http.ResponseWriter, r *http.Request) {
		var metadata struct {
			Name string `json:"client_name"`
		}
		_ = json.NewDecoder(r.Body).Decode(&metadata)
		say(w, http.StatusCreated, map[string]any{"client_id": "registered " + metadata.Name})
	})
	d.mux.HandleFunc("id.example.com/device", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, map[string]any{"device_code": "the-device", "user_code": "ABCD-EFGH", "verification_uri": issuer + "/go"})
	})
	d.mux.HandleFunc("/token", d.token)
	return d
}

// serve lets requests with the token through.
func (d *domain) serve(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token != "the-token" || scheme == "DPoP" && r.Header.Get("Dpop") == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	d.engine.ServeHTTP(w, r)
}

// token is the token endpoint, also of the identity provider.
func (d *domain) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens = append(d.tokens, tokenRequest{r.PostForm, r.Header})
	kind := "Bearer"
	if r.Header.Get("Dpop") != "" {
		kind = "DPoP"
	}
	switch {
	case d.refuse:
		say(w, http.StatusBadRequest, map[string]any{"error": "access_denied", "error_description": "not " + r.PostFormValue("client_secret")})
	case r.Host == "idp.example.com":
		say(w, http.StatusOK, map[string]any{
			"access_token": "the-assertion", "token_type": "N_A", "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
		})
	case r.PostFormValue("device_code") != "" && d.polls > 0:
		d.polls--
		say(w, http.StatusBadRequest, map[string]any{"error": "authorization_pending"})
	default:
		say(w, http.StatusOK, map[string]any{"access_token": "the-token", "token_type": kind, "expires_in": 3600})
	}
}

// last returns the last request to a token endpoint.
func (d *domain) last() tokenRequest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tokens[len(d.tokens)-1]
}

// RoundTrip answers a request to any of the servers.
func (d *domain) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, fmt.Errorf("a request to %s", r.URL)
	}
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	d.mux.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// options returns the options of a client that gets its token as o says.
func (d *domain) options(o client.OAuth) []client.Option {
	own := &http.Client{Transport: d}
	o.HTTPClient = own
	return []client.Option{client.WithHTTPClient(own), client.WithOAuth(o)}
}

func say(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
