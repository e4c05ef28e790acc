package streamable

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// refuseOrigin returns why a request is refused before its body is read, or ""
// when it is not. The reason names the option that would allow the request.
//
// A web page can make the browser send requests to a server on the same
// machine, and by DNS rebinding even read the answers. Host or Origin reveals
// both (streamable-http, "Security & Endpoint").
func (s *Server) refuseOrigin(r *http.Request) string {
	if s.config.SkipOriginCheck {
		return ""
	}
	local := isLoopbackConn(r)
	if !s.hostAllowed(r.Host, local) {
		return s.refusal(0, "Host", r.Host, s.config.HostOption+" has to name it")
	}
	origins := r.Header["Origin"]
	switch {
	case len(origins) == 0:
		return ""
	case len(origins) == 1 && s.originAllowed(origins[0], local):
		return ""
	}
	return s.refusal(1, "Origin", strings.Join(origins, ", "), s.config.OriginOption+" has to name it")
}

// refusal returns the reason of a refusal. It logs the first one for each
// field, because an operator has to act on it.
func (s *Server) refusal(field int, name, value, remedy string) string {
	reason := fmt.Sprintf("%s %.100q is not allowed: %s", name, value, remedy)
	s.warned[field].Do(func() {
		s.config.Logger.Warn("refuse request: " + reason + "; further refusals of this kind are not logged")
	})
	return reason
}

// isLoopbackConn reports whether the request came in over the loopback
// interface. A request that names no connection, as in a test, did not.
func isLoopbackConn(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

func (s *Server) hostAllowed(hostport string, local bool) bool {
	host := hostOf(hostport)
	if local && weburl.IsLoopback(host) || s.public != "" && strings.EqualFold(host, s.public) {
		return true
	}
	if len(s.hosts) > 0 {
		return s.hosts[strings.ToLower(host)]
	}
	return !local
}

func (s *Server) originAllowed(origin string, local bool) bool {
	if s.origins[strings.ToLower(origin)] {
		return true
	}
	if !local {
		return false
	}
	u, err := url.Parse(origin)
	if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return (u.Scheme == "http" || u.Scheme == "https") && weburl.IsLoopback(hostOf(u.Host))
}

// hostOf returns the host of a host with or without port (RFC 9110, section
// 7.2), without brackets, and "" when it is neither.
func hostOf(hostport string) string {
	host, port := hostport, ""
	if i := strings.LastIndexByte(hostport, ':'); i >= 0 && !strings.HasSuffix(hostport, "]") {
		host, port = hostport[:i], hostport[i+1:]
	}
	if strings.Trim(port, "0123456789") != "" {
		return ""
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if !ok || !strings.Contains(inner, ":") {
			return ""
		}
		return inner
	}
	if strings.ContainsAny(host, ":@/") {
		return ""
	}
	return host
}

// exposed returns the response fields a script may read.
func (s *Server) exposed() string {
	const exposed = "MCP-Protocol-Version, WWW-Authenticate"
	if s.config.Handshake == nil {
		return exposed
	}
	return exposed + ", Mcp-Session-Id"
}

// allowOrigin answers the CORS protocol (Fetch, section 3.3) for an origin
// that has passed [Server.refuseOrigin]. Credentials are never allowed: the only one
// this endpoint knows is Authorization, which a script sets itself.
func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request) {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origins[0])
	h.Set("Access-Control-Expose-Headers", s.exposed())
	h.Add("Vary", "Origin")
}

// preflight tells a browser whether a script may send its request. It may use
// only the methods of the endpoint.
func preflight(w http.ResponseWriter, r *http.Request, allow string, allows func(method string) bool) {
	h := w.Header()
	h.Set("Allow", allow)
	if method := r.Header.Get("Access-Control-Request-Method"); r.Header.Get("Origin") != "" && allows(method) {
		h.Set("Access-Control-Allow-Methods", method)
		h.Set("Access-Control-Allow-Headers", allowedHeaders(r.Header.Get("Access-Control-Request-Headers")))
		h.Set("Access-Control-Max-Age", "7200")
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	w.WriteHeader(http.StatusNoContent)
}

// allowedHeaders returns the requested fields that a client may send. They are
// named one by one because "*" does not cover Authorization.
func allowedHeaders(requested string) string {
	var allowed []string
	for name := range strings.SplitSeq(requested, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		switch name {
		case "accept", "authorization", "content-type", "mcp-protocol-version",
			"mcp-method", "mcp-name", "mcp-session-id", "last-event-id",
			"traceparent", "tracestate", "baggage":
		default:
			if !strings.HasPrefix(name, "mcp-param-") {
				continue
			}
		}
		allowed = append(allowed, name)
	}
	return strings.Join(allowed, ", ")
}
