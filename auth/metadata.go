package auth

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// wellKnown is where metadata lives (RFC 9728, section 3).
const wellKnown = "/.well-known/oauth-protected-resource"

// document is the protected resource metadata (RFC 9728, section 2).
type document struct {
	Resource               string   `json:"resource"`
	AuthorizationServers   []string `json:"authorization_servers"`
	ScopesSupported        []string `json:"scopes_supported,omitempty"`
	BearerMethodsSupported []string `json:"bearer_methods_supported"`
}

// describe prepares the metadata. A resource whose providers issue no tokens to
// clients has no metadata, because the document must name an authorization
// server (authorization-server-discovery, "Authorization Server Location").
func (r *Resource) describe(u *url.URL, scopes []string) error {
	doc := document{Resource: r.url, BearerMethodsSupported: []string{"header"}}
	for _, t := range r.trusted {
		if s := t.AuthorizationServer; s != "" && !slices.Contains(doc.AuthorizationServers, s) {
			doc.AuthorizationServers = append(doc.AuthorizationServers, t.AuthorizationServer)
		}
	}
	if len(doc.AuthorizationServers) == 0 {
		return nil
	}
	for _, scope := range scopes {
		name := r.trusted[0].requestable(scope)
		if !ValidScope(name) {
			return fmt.Errorf("scope %q: %q cannot be requested", scope, name)
		}
		doc.ScopesSupported = append(doc.ScopesSupported, name)
	}
	var err error
	if r.metadata, err = json.Marshal(doc); err != nil {
		return fmt.Errorf("encode metadata: %w", err)
	}
	// The path of the resource follows the well-known one, without the slash
	// that ends a bare host (RFC 9728, section 3.1). The root form is for
	// clients that look nowhere else.
	suffix := u.Path
	if suffix == "/" {
		suffix = ""
	}
	r.paths = slices.Compact([]string{wellKnown + suffix, wellKnown})
	r.metadataURL = u.Scheme + "://" + u.Host + r.paths[0]
	return nil
}

// Paths returns the paths at which to serve [Resource.Handler]: the paths of the
// metadata, and of the endpoints of a provider that issues tokens itself
// ([Verifier].Endpoints). The list is empty when clients cannot get tokens by
// themselves ([StaticTokens]).
func (r *Resource) Paths() []string {
	paths := slices.Clone(r.paths)
	for _, t := range r.trusted {
		paths = append(paths, slices.Sorted(maps.Keys(t.Endpoints))...)
	}
	return paths
}

// Handler serves the protected resource metadata (RFC 9728) to everybody and
// every web page, because it holds nothing secret, and the endpoints of providers.
// Mount it at each of [Resource.Paths], before any authentication.
func (r *Resource) Handler() http.Handler {
	metadata := r.serveMetadata()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for _, t := range r.trusted {
			if endpoint, ok := t.Endpoints[req.URL.Path]; ok {
				endpoint.ServeHTTP(w, req)
				return
			}
		}
		metadata.ServeHTTP(w, req)
	})
}

func (r *Resource) serveMetadata() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		const methods = "GET, HEAD, OPTIONS"
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		switch {
		case r.metadata == nil:
			w.WriteHeader(http.StatusNotFound)
		case req.Method == http.MethodOptions:
			h.Set("Access-Control-Allow-Methods", methods)
			h.Set("Access-Control-Allow-Headers", "*")
			h.Set("Access-Control-Max-Age", "86400")
			h.Set("Allow", methods)
			w.WriteHeader(http.StatusNoContent)
		case req.Method == http.MethodGet || req.Method == http.MethodHead:
			h.Set("Content-Type", "application/json")
			h.Set("Cache-Control", "public, max-age=300")
			_, _ = w.Write(r.metadata) // fails when the client has gone
		default:
			h.Set("Allow", methods)
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})
}
