// Package guard keeps requests to hosts that a stranger names out of private
// networks. A client that reads a server's metadata needs it, and so does an
// authorization server that reads the metadata documents of its clients.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	timeout      = 10 * time.Second
	maxRedirects = 3
)

// A Transport sends requests to hosts that a stranger names. It refuses the
// addresses of cloud metadata services always, and addresses of private networks
// and of this machine unless the stranger is at such an address too.
type Transport struct {
	stranger string // host name, or "" when it is on the internet
	resolve  func(ctx context.Context, network, host string) ([]netip.Addr, error)
	proxy    func(*http.Request) (*url.URL, error)
	direct   http.RoundTripper
	proxied  http.RoundTripper

	mu    sync.Mutex
	known bool
	local bool
}

// NewTransport returns a transport for what a stranger at a host names. Without
// a host private addresses are refused.
func NewTransport(host string) *Transport {
	t := &Transport{stranger: host, resolve: net.DefaultResolver.LookupNetIP, proxy: http.ProxyFromEnvironment}
	dialer := &net.Dialer{Timeout: timeout, ControlContext: t.control}
	t.direct = newTransport(dialer.DialContext, nil)
	// The operator chose the proxy, which has its own rules for addresses.
	t.proxied = newTransport((&net.Dialer{Timeout: timeout}).DialContext, t.proxy)
	return t
}

func newTransport(dial func(context.Context, string, string) (net.Conn, error), proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		Proxy:                  proxy,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    timeout,
		ResponseHeaderTimeout:  timeout,
		IdleConnTimeout:        10 * time.Second,
		MaxIdleConnsPerHost:    1,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// RoundTrip sends a request, or refuses to connect.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := t.proxy(req)
	switch {
	case err != nil:
		return nil, fmt.Errorf("choose proxy: %w", err)
	case proxy != nil:
		return t.proxied.RoundTrip(req)
	}
	return t.direct.RoundTrip(req)
}

// control runs before each connection, when the address is known: a check of
// names would be fooled by one that resolves differently the second time.
func (t *Transport) control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.New("connect: the address is not an IP address")
	}
	ip := target.Addr()
	switch where := reachOf(ip); {
	case where == nobody:
		return fmt.Errorf("connect to %s: no server on the internet has such an address", ip)
	case where == neighbour && !t.strangerIsLocal(ctx):
		return fmt.Errorf("connect to %s: a private address, which a stranger on the internet may not name", ip)
	}
	return nil
}

// strangerIsLocal reports whether the stranger is at a private address.
func (t *Transport) strangerIsLocal(ctx context.Context) bool {
	if t.stranger == "" {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known {
		return t.local
	}
	addresses, err := t.resolve(ctx, "ip", t.stranger)
	if err != nil {
		return false // perhaps the next time
	}
	t.known, t.local = true, len(addresses) > 0
	for _, ip := range addresses {
		t.local = t.local && reachOf(ip) == neighbour
	}
	return t.local
}

// Harden returns a copy of a client without cookies, which follows redirects
// only of a GET and only within one origin. So an answer comes from the host
// that was asked, and credentials go nowhere else.
func Harden(client *http.Client) *http.Client {
	c := *client
	c.Jar = nil
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if via[0].Method != http.MethodGet || len(via) > maxRedirects || weburl.Origin(req.URL) != weburl.Origin(via[0].URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &c
}
