package oauth

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
)

// A guard is the transport for requests to whom a server's metadata names. It
// refuses addresses that a server on the internet has no business with, so that
// it cannot use the client to reach into the client's network: those of cloud
// metadata services always, those of private networks and of this machine unless
// the server is at such an address itself.
type guard struct {
	server  *url.URL
	resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)
	proxy   func(*http.Request) (*url.URL, error)
	direct  http.RoundTripper
	proxied http.RoundTripper

	mu    sync.Mutex
	known bool
	local bool
}

func newGuard(server *url.URL) *guard {
	g := &guard{server: server, resolve: net.DefaultResolver.LookupNetIP, proxy: http.ProxyFromEnvironment}
	dialer := &net.Dialer{Timeout: fetchTimeout, ControlContext: g.control}
	g.direct = newTransport(dialer.DialContext, nil)
	// The user chose the proxy, which has its own rules for addresses.
	g.proxied = newTransport((&net.Dialer{Timeout: fetchTimeout}).DialContext, g.proxy)
	return g
}

func newTransport(dial func(context.Context, string, string) (net.Conn, error), proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		Proxy:                  proxy,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    fetchTimeout,
		ResponseHeaderTimeout:  fetchTimeout,
		IdleConnTimeout:        10 * time.Second,
		MaxIdleConnsPerHost:    1,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// RoundTrip sends a request, or refuses to connect.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := g.proxy(req)
	switch {
	case err != nil:
		return nil, fmt.Errorf("choose proxy: %w", err)
	case proxy != nil:
		return g.proxied.RoundTrip(req)
	}
	return g.direct.RoundTrip(req)
}

// control runs before each connection, when the address is known: a check of
// names would be fooled by one that resolves differently the second time.
func (g *guard) control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.New("connect: the address is not an IP address")
	}
	ip := target.Addr()
	switch where := reachOf(ip); {
	case where == nobody:
		return fmt.Errorf("connect to %s: no authorization server has such an address", ip)
	case where == neighbour && !g.serverIsLocal(ctx):
		return fmt.Errorf("connect to %s: a private address, which a public server may not send its clients to", ip)
	}
	return nil
}

// serverIsLocal reports whether the MCP server is at a private address.
func (g *guard) serverIsLocal(ctx context.Context) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known {
		return g.local
	}
	addresses, err := g.resolve(ctx, "ip", g.server.Hostname())
	if err != nil {
		return false // perhaps the next time
	}
	g.known, g.local = true, len(addresses) > 0
	for _, ip := range addresses {
		g.local = g.local && reachOf(ip) == neighbour
	}
	return g.local
}
