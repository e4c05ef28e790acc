package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// wellKnownResource is where the metadata of a resource lives (RFC 9728, section
// 3).
const wellKnownResource = "/.well-known/oauth-protected-resource"

// maxServers bounds the authorization servers that a resource names.
const maxServers = 32

// A resource is the metadata of a protected resource (RFC 9728, section 2).
type resource struct {
	ID              string   `json:"resource"`
	Servers         []string `json:"authorization_servers"`
	ScopesSupported []string `json:"scopes_supported"`
	DPoPRequired    bool     `json:"dpop_bound_access_tokens_required"`

	// handshake says that there is no metadata, as before 2025-06-18, when the
	// server was its own authorization server.
	handshake bool
}

// discoverResource reads the metadata of the server: where its challenge says,
// or else at the well-known URIs, first of its path and then of its
// root (authorization-server-discovery, "Protected Resource Metadata Discovery
// Requirements").
func (f fetcher) discoverResource(ctx context.Context, server *url.URL, challenged string) (*resource, error) {
	base := weburl.Origin(server)
	candidates := []string{base + wellKnownResource + strings.TrimSuffix(server.EscapedPath(), "/"), base + wellKnownResource}
	if candidates[0] == candidates[1] {
		candidates = candidates[:1]
	}
	if challenged != "" {
		candidates = []string{challenged}
	}
	for _, location := range candidates {
		a, err := f.get(ctx, StepResource, location)
		if err != nil {
			return nil, fmt.Errorf("resource metadata: %w", err)
		}
		if a != nil {
			r, err := parseResource(a.body, server, location)
			if err != nil {
				return nil, fmt.Errorf("resource metadata: %w", err)
			}
			f.trace.decide("it speaks for the server, which it calls %s", shown(r.ID))
			return r, nil
		}
	}
	if challenged != "" {
		return nil, errors.New("resource metadata: there is none where the server says")
	}
	f.trace.note(Step{Name: StepResource, Decision: "no metadata anywhere: the server is its own authorization server, as in handshake versions"})
	return &resource{ID: canonical(server), Servers: []string{base}, handshake: true}, nil
}

// parseResource reads metadata that was found at a location.
func parseResource(data []byte, server *url.URL, location string) (*resource, error) {
	var r resource
	if err := decode(data, &r); err != nil {
		return nil, err
	}
	switch {
	case !speaksFor(r.ID, server, location):
		return nil, ErrResource
	case len(r.Servers) == 0:
		return nil, errors.New("it names no authorization server")
	case len(r.Servers) > maxServers:
		return nil, fmt.Errorf("it names more than %d authorization servers", maxServers)
	}
	for _, issuer := range r.Servers {
		if err := checkIssuer(issuer); err != nil {
			return nil, fmt.Errorf("authorization server: %w", err)
		}
	}
	r.ScopesSupported = parseScopes(strings.Join(r.ScopesSupported, " "))
	return &r, nil
}

// speaksFor reports whether metadata found at a location may say that the server
// is the resource. It may when the resource is the server, or a parent path of
// it that the metadata's location is the well-known URI of (RFC 9728, section
// 3.3): any other resource could stand for servers that the publisher of the
// metadata does not control.
func speaksFor(id string, server *url.URL, location string) bool {
	u, err := url.Parse(id)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(id, "#") || weburl.Origin(u) != weburl.Origin(server) {
		return false
	}
	path, whole := strings.TrimSuffix(u.EscapedPath(), "/"), strings.TrimSuffix(server.EscapedPath(), "/")
	if path == whole && u.RawQuery == server.RawQuery {
		return true
	}
	at, err := url.Parse(location)
	return err == nil && u.RawQuery == "" && weburl.Origin(at) == weburl.Origin(server) &&
		strings.TrimSuffix(at.EscapedPath(), "/") == wellKnownResource+path &&
		strings.HasPrefix(whole+"/", path+"/")
}

// canonical is the URI of a server that says nothing of itself: scheme and host
// in lower case, no slash at the end of a bare host (basic/authorization,
// "Canonical Server URI").
func canonical(server *url.URL) string {
	path := server.EscapedPath()
	if path == "/" {
		path = ""
	}
	id := weburl.Origin(server) + path
	if server.RawQuery != "" {
		id += "?" + server.RawQuery
	}
	return id
}
