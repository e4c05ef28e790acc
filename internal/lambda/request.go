package lambda

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// request makes the HTTP request of the event. The body is already decoded.
func (x *exchange) request(ctx context.Context) *http.Request {
	e, d := &x.event, x.frontEnd
	path, query := e.path(d), e.query(d)
	target := &url.URL{RawQuery: query}
	setPath(target, path)

	if x.adapter.config.Domain && d == functionURL {
		ctx = context.WithValue(ctx, domainKey{}, e.RequestContext.DomainName)
	}
	var blank http.Request
	r := blank.WithContext(ctx) // setting the context copies the request
	r.Method = e.method()
	r.URL = target
	r.RequestURI = target.EscapedPath()
	if query != "" {
		r.RequestURI += "?" + query
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.Header = e.header()
	if len(e.Cookies) > 0 {
		r.Header["Cookie"] = []string{strings.Join(e.Cookies, "; ")}
	}
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = e.RequestContext.DomainName
	}
	delete(r.Header, "Host") // as net/http does
	r.RemoteAddr = e.remoteAddr(d)
	x.authorize(r)
	r.Body, r.ContentLength = http.NoBody, int64(len(x.body))
	if len(x.body) > 0 {
		b := new(body)
		b.Reset(x.body)
		r.Body = b
	}
	return r
}

type domainKey struct{}

// Domain returns the domain of the Function URL that the request came to, and "" when
// it came through something else. Unlike the Host field, the platform has written it.
func Domain(ctx context.Context) string {
	domain, _ := ctx.Value(domainKey{}).(string)
	return domain
}

func (e *event) method() string {
	if e.RequestContext.HTTP.Method != "" {
		return e.RequestContext.HTTP.Method
	}
	return e.HTTPMethod
}

// authorize moves the header that replaces Authorization to Authorization. It
// requires authorizer.iam, which only the platform can set: without it, anybody
// could have sent the header.
func (x *exchange) authorize(r *http.Request) {
	name := x.adapter.config.AuthorizationHeader
	if name == "" || x.frontEnd.shape != shapeCookies || !bool(x.event.RequestContext.Authorizer.IAM) {
		return
	}
	if values := r.Header[name]; len(values) > 0 {
		delete(r.Header, name)
		r.Header["Authorization"] = values
	}
}

// remoteAddr returns the client's address with port 0, because events do not
// have the port. It returns "" for an event without an address.
func (e *event) remoteAddr(d *frontEnd) string {
	ip := e.RequestContext.HTTP.SourceIP
	switch d {
	case functionURL, httpAPI:
	case balancer:
		ip = lastForwarded(e.header()["X-Forwarded-For"])
	default:
		ip = e.RequestContext.Identity.SourceIP
	}
	if ip == "" {
		return ""
	}
	return net.JoinHostPort(ip, "0")
}

// lastForwarded returns the address that the load balancer itself appended. The
// client may have written the addresses before it.
func lastForwarded(values []string) string {
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	if addr, err := netip.ParseAddr(last); err == nil {
		return addr.String()
	}
	// The balancer can be told to append the port too.
	if addr, err := netip.ParseAddrPort(last); err == nil {
		return addr.Addr().String()
	}
	return ""
}

// body is a request's body in memory.
type body struct{ bytes.Reader }

var _ io.WriterTo = (*body)(nil)

// Close does nothing.
func (*body) Close() error { return nil }
