package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// network examines the way to the server, and reports whether there is one.
func (x *exam) network(ctx context.Context) bool {
	if !weburl.Secure(x.url) {
		level := Warning
		if len(x.Header) > 0 {
			level = Failure
		}
		x.add("http.scheme", level, "", "the URL is http: everybody on the way can read what is sent")
	}
	proxy, err := x.direct.Proxy(&http.Request{URL: x.url})
	switch {
	case err != nil:
		x.fail("proxy", "the proxy in the environment is not a URL")
		return false
	case proxy != nil && !x.proxied(ctx, proxy):
		return false
	case proxy == nil && !x.addresses(ctx):
		return false
	}
	return x.url.Scheme != "https" || x.tls(ctx)
}

// proxied connects to the proxy.
func (x *exam) proxied(ctx context.Context, proxy *url.URL) bool {
	at := addressOf(proxy)
	if err := x.dial(ctx, at); err != nil {
		x.fail("proxy", "the proxy at %s cannot be reached: %s", at, reason(err))
		return false
	}
	x.ok("proxy", "requests go through the proxy at %s", at)
	return true
}

// ports are the default ports of URLs.
var ports = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}

// addressOf returns the host and the port of a URL.
func addressOf(u *url.URL) string {
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), ports[u.Scheme], ports["http"]))
}

// dial connects, to see whether that is possible.
func (c Config) dial(ctx context.Context, address string) error {
	dialer := net.Dialer{Timeout: c.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// reason is the cause of a network error, without the addresses around it.
func reason(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if op.Timeout() {
			return "no answer in time"
		}
		err = op.Err
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}

// maxAddresses bounds the addresses of a server that are tried.
const maxAddresses = 16

// addresses resolves the name of the server and connects to each of its addresses.
func (x *exam) addresses(ctx context.Context) bool {
	host, port := x.url.Hostname(), cmp.Or(x.url.Port(), ports[x.url.Scheme])
	resolving, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	all, err := x.Resolve(resolving, host)
	if err != nil || len(all) == 0 {
		text := "it has no addresses"
		if e, ok := errors.AsType[*net.DNSError](err); ok {
			text = e.Err
		} else if err != nil {
			text = reason(err)
		}
		x.fail("dns", "%s: %s", host, text)
		return false
	}
	all = all[:min(len(all), maxAddresses)]
	var names []string
	for i, ip := range all {
		all[i] = ip.Unmap()
		names = append(names, all[i].String())
	}
	x.ok("dns", "%s is at %s", host, strings.Join(names, ", "))
	return x.connect(ctx, all, port)
}

// connect connects to every address. One that does not answer is a warning, because
// clients try the next, slowly.
func (x *exam) connect(ctx context.Context, all []netip.Addr, port string) bool {
	errs := make([]error, len(all))
	var tries []func()
	for i, ip := range all {
		tries = append(tries, func() { errs[i] = x.dial(ctx, net.JoinHostPort(ip.String(), port)) })
	}
	side(tries...)
	var dead []string
	reached, unrouted := 0, 0
	for i, err := range errs {
		switch {
		case err == nil:
			reached++
		case all[i].Is6() && (errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL)):
			unrouted++ // this machine has no IPv6
		default:
			dead = append(dead, all[i].String()+": "+reason(err))
		}
	}
	switch {
	case reached == 0:
		if len(dead) == 0 {
			dead = []string{"the server has IPv6 addresses alone, and this machine has no IPv6"}
		}
		x.fail("tcp", "no connection to port %s: %s", port, strings.Join(dead, "; "))
		return false
	case len(dead) > 0:
		x.warn("tcp", "%d of %d addresses do not take connections to port %s: %s", len(dead), len(all), port, strings.Join(dead, "; "))
	case unrouted > 0:
		x.ok("tcp", "port %s takes connections over IPv4; this machine has no IPv6", port)
	default:
		x.ok("tcp", "port %s takes connections at every address", port)
	}
	return true
}

// errSeen ends a handshake whose certificates have been seen.
var errSeen = errors.New("seen")

// tls looks at the certificates of the server, and reports whether a client would
// go on.
func (x *exam) tls(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	var state *tls.ConnectionState
	look := x.direct.Clone()
	look.TLSClientConfig.InsecureSkipVerify = true //nolint:gosec // it is verified below, and nothing is sent
	look.TLSClientConfig.MinVersion = tls.VersionTLS10
	look.TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error {
		state = &s
		return errSeen
	}
	defer look.CloseIdleConnections()
	r := &http.Request{Method: http.MethodHead, URL: &url.URL{Scheme: x.url.Scheme, Host: x.url.Host, Path: "/"}, Host: x.url.Host, Header: http.Header{}, Body: http.NoBody}
	resp, err := look.RoundTrip(r.WithContext(ctx))
	if resp != nil {
		resp.Body.Close()
	}
	if state == nil {
		if x.usesProxy() {
			x.fail("proxy", "the proxy does not lead to the server: %s", reason(plain(err)))
			return false
		}
		x.fail("tls.handshake", "no handshake: %s", reason(plain(err)))
		return false
	}
	x.ok("tls.handshake", "%s", tls.VersionName(state.Version))
	if state.Version < tls.VersionTLS12 {
		x.fail("tls.version", "the server speaks at most %s", tls.VersionName(state.Version))
	}
	x.certificates(state.PeerCertificates)
	for _, check := range []string{"tls.version", "tls.chain", "tls.name", "tls.expiry"} {
		if x.has(check, Failure) {
			return false
		}
	}
	return true
}

func (x *exam) usesProxy() bool {
	proxy, err := x.direct.Proxy(&http.Request{URL: x.url})
	return err == nil && proxy != nil
}

// certificates examines a chain of certificates. Each thing that is wrong has its
// own finding: a chain that has expired may be for another name too.
func (x *exam) certificates(chain []*x509.Certificate) {
	leaf, now := chain[0], x.Now()
	host := x.url.Hostname()
	left, whole := leaf.NotAfter.Sub(now), leaf.NotAfter.Sub(leaf.NotBefore)
	day := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case left <= 0:
		x.fail("tls.expiry", "the certificate expired on %s", day)
	case now.Before(leaf.NotBefore):
		x.add("tls.expiry", Failure, "Set the clock of this machine, or wait.", "the certificate is not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	case left < min(14*24*time.Hour, whole/3):
		x.warn("tls.expiry", "the certificate expires on %s", day)
	default:
		x.ok("tls.expiry", "the certificate is valid until %s", day)
	}
	if err := leaf.VerifyHostname(host); err != nil {
		names := slices.Clone(leaf.DNSNames)
		for _, ip := range leaf.IPAddresses {
			names = append(names, ip.String())
		}
		x.fail("tls.name", "the certificate is for %s and not for %s", strings.Join(names, ", "), host)
	} else {
		x.ok("tls.name", "the certificate is for %s", host)
	}
	if left <= 0 || now.Before(leaf.NotBefore) {
		now = leaf.NotAfter.Add(-time.Second) // the expiry has its own finding
	}
	opts := x509.VerifyOptions{Roots: x.Trust.RootCAs, Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(opts); err != nil {
		x.fail("tls.chain", "%s", untrusted(chain, err))
		return
	}
	x.ok("tls.chain", "%s vouches for it", issuerOf(leaf))
}

// untrusted says why a chain is not trusted.
func untrusted(chain []*x509.Certificate, err error) string {
	last := chain[len(chain)-1]
	switch {
	case !errors.As(err, new(x509.UnknownAuthorityError)):
		return strings.TrimPrefix(err.Error(), "x509: ")
	case last.CheckSignatureFrom(last) == nil:
		return fmt.Sprintf("it leads to %s, which this machine does not trust: a private authority, or a proxy that reads what is sent", issuerOf(last))
	case len(chain) == 1:
		return fmt.Sprintf("the server sends its own certificate alone, without the intermediate certificate of %s", issuerOf(last))
	}
	return fmt.Sprintf("%s is not an authority that this machine trusts", issuerOf(last))
}

func issuerOf(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}
