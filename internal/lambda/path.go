package lambda

import (
	"net/url"
	"strings"
)

// path returns the path of the request as the server knows it: without the
// stage and the base path of a custom domain, which belong to the front end.
func (e *event) path(d *frontEnd) string {
	var path string
	switch d {
	case functionURL:
		path = e.RawPath
	case httpAPI:
		path = e.apiPath()
	case balancer:
		path = e.Path
	default:
		path = e.Path
		if routed, ok := routedPath(e.Resource, e.PathParameters, path); ok {
			path = routed
		}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

func (e *event) apiPath() string {
	_, route, _ := strings.Cut(e.RouteKey, " ")
	if path, ok := routedPath(route, e.PathParameters, e.RawPath); ok {
		return path
	}
	// The route $default says nothing of the path. On the API's own domain the
	// stage is the first segment. On a custom domain the path has no stage.
	c := &e.RequestContext
	if c.Stage == "" || c.Stage == "$default" || c.DomainPrefix != c.APIID {
		return e.RawPath
	}
	rest, ok := strings.CutPrefix(e.RawPath, "/"+c.Stage)
	if !ok || rest != "" && rest[0] != '/' {
		return e.RawPath
	}
	return rest
}

// routedPath returns the end of path that a route such as "/{proxy+}" matched.
// It reports false when the route does not determine that.
func routedPath(route string, params pairs, path string) (string, bool) {
	if !strings.HasPrefix(route, "/") {
		return "", false
	}
	if route == "/" {
		return "/", true
	}
	var b strings.Builder
	for route != "" {
		literal, rest, found := strings.Cut(route, "{")
		b.WriteString(literal)
		if !found {
			break
		}
		name, rest, found := strings.Cut(rest, "}")
		value, ok := params.get(strings.TrimSuffix(name, "+"))
		if !found || !ok {
			return "", false
		}
		b.WriteString(value)
		route = rest
	}
	// Gateways match a path with a slash at the end too.
	routed := strings.TrimSuffix(b.String(), "/")
	if base, ok := strings.CutSuffix(strings.TrimSuffix(path, "/"), routed); ok && routed != "" {
		return path[len(base):], true
	}
	return "", false
}

// setPath puts the path of an event into u. Some front ends decode the path and
// some do not. A path that cannot be decoded must be decoded already.
func setPath(u *url.URL, path string) {
	u.Path = path
	if strings.IndexByte(path, '%') < 0 {
		return
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = decoded, path
	}
}

// query returns the query string. Function URLs and HTTP APIs pass it on
// unchanged, load balancers in parts that are still encoded, REST APIs in
// decoded parts.
func (e *event) query(d *frontEnd) string {
	if d.shape == shapeCookies {
		return e.RawQueryString
	}
	parts := e.MultiQuery
	if len(parts) == 0 {
		parts = e.Query
	}
	var b strings.Builder
	for i, p := range parts {
		if d != balancer {
			p.name, p.value = url.QueryEscape(p.name), url.QueryEscape(p.value)
		}
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name)
		b.WriteByte('=')
		b.WriteString(p.value)
	}
	return b.String()
}
