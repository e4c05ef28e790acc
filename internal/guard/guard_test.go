package guard

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// H6: a server on the internet sends its clients nowhere in their own network,
// and nobody sends them to a metadata service of a cloud.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address       string
		public, local bool // allowed when the server is
	}{
		{"93.184.215.14:443", true, true},
		{"[2606:4700::6810:84e5]:443", true, true},
		{"[64:ff9b::5db8:d70e]:443", true, true},     // NAT64 of 93.184.215.14
		{"[2002:5db8:d70e::1]:443", true, true},      // 6to4
		{"[2001:0:1234::a247:28f1]:443", true, true}, // Teredo
		{"198.18.0.1:443", false, true},
		{"[::ffff:100.64.0.1]:443", false, true},
		{"[64:ff9b::10.0.0.1]:443", false, true},
		{"[64:ff9b:1::10.0.0.1]:443", false, true},
		{"[64:ff9b:1:a00:0:100::]:443", false, true}, // NAT64 of 10.0.0.1, after 48 bits
		{"[2002:a00:1::1]:443", false, true},
		{"[2001:0:1234::f5ff:fffe]:443", false, true}, // Teredo of 10.0.0.1
		{"[::10.0.0.1]:443", false, true},
		{"[::ffff:0:127.0.0.1]:443", false, true},
		{"[2606::5efe:192.168.0.1]:443", false, true}, // ISATAP
		{"[64:ff9b::169.254.169.254]:80", false, false},
		{"[64:ff9b:1:a9fe:a9:fe00::]:80", false, false},
		{"[2002:a9fe:a9fe::1]:80", false, false},
		{"[2001:0:1234::5601:5601]:80", false, false},
		{"[::169.254.169.254]:80", false, false},
		{"[2606::5efe:169.254.169.254]:80", false, false},
		{"168.63.129.16:80", false, false},
		{"[64:ff9b::168.63.129.16]:80", false, false},
		{"[::ffff:168.63.129.16]:80", false, false},
		{"100.100.100.200:80", false, false},
		{"192.0.0.192:80", false, false},
		{"[fd00:ec2::254]:80", false, false},
		{"[fd20:ce::254]:80", false, false},
		{"[fe80::a9fe:a9fe%eth0]:80", false, false},
		{"[fec0::1]:80", false, false},
		{"[ff02::1]:80", false, false},
		{"[2001:db8::1]:443", false, false},
		{"[3fff::1]:443", false, false},
		{"[100::1]:443", false, false},
		{"[5f00::1]:443", false, false},
		{"203.0.113.1:443", false, false},
		{"240.0.0.1:443", false, false},
		{"255.255.255.255:443", false, false},
		{"127.0.0.1:80", false, true},
		{"[::1]:80", false, true},
		{"10.1.2.3:443", false, true},
		{"172.16.0.1:443", false, true},
		{"192.168.1.1:443", false, true},
		{"100.64.0.1:443", false, true},
		{"[fd00::1]:443", false, true},
		{"[::ffff:10.0.0.1]:443", false, true},
		{"169.254.169.254:80", false, false},
		{"[::ffff:169.254.169.254]:80", false, false},
		{"[fe80::1]:80", false, false},
		{"0.0.0.0:80", false, false},
		{"[::]:80", false, false},
		{"224.0.0.1:80", false, false},
		{"example.com:80", false, false},
	} {
		for server, want := range map[string]bool{"93.184.215.7": test.public, "10.0.0.7": test.local, "127.0.0.1": test.local} {
			g := NewTransport("mcp.example.com")
			g.resolve = func(context.Context, string, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr(server)}, nil
			}
			if err := g.control(t.Context(), "tcp", test.address, nil); (err == nil) != want {
				t.Errorf("server at %s, connection to %s: %v", server, test.address, err)
			}
		}
	}
	// A server with one foot outside is outside, and so is one that cannot be
	// found.
	mixed := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("203.0.113.1")}
	for _, resolved := range [][]netip.Addr{mixed, nil} {
		g := NewTransport("mcp.example.com")
		g.resolve = func(context.Context, string, string) ([]netip.Addr, error) {
			if resolved == nil {
				return nil, errors.New("no such host")
			}
			return resolved, nil
		}
		if err := g.control(t.Context(), "tcp", "10.0.0.2:443", nil); err == nil {
			t.Errorf("server at %v: a private address was allowed", resolved)
		}
	}
}

// Nothing private is reached without a proxy; through a proxy of the operator's it
// is the proxy's business.
func TestTransport(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reached := make(chan struct{}, 10)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} })}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	for _, proxied := range []bool{false, true} {
		g := NewTransport("mcp.example.com")
		g.resolve = func(context.Context, string, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("203.0.113.7")}, nil
		}
		if proxied {
			proxy := &url.URL{Scheme: "http", Host: l.Addr().String()}
			g.proxy = http.ProxyURL(proxy)
			g.proxied = newTransport((&net.Dialer{}).DialContext, g.proxy)
		} else {
			g.proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
		}
		err := get(t, g, "http://"+l.Addr().String()+"/")
		if got := len(reached) > 0; got != proxied || (err == nil) != proxied {
			t.Errorf("proxied %t: reached %t, %v", proxied, got, err)
		}
	}
}

func get(t *testing.T, transport http.RoundTripper, target string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

// An address that has a private or special IPv4 address inside reaches no further
// than that one does, in whatever way it is inside.
func FuzzEmbeddedAddress(f *testing.F) {
	for _, seed := range []string{"10.0.0.1", "169.254.169.254", "168.63.129.16", "93.184.215.14", "127.0.0.1", "100.64.0.1"} {
		a := netip.MustParseAddr(seed).As4()
		f.Add(a[0], a[1], a[2], a[3])
	}
	f.Fuzz(func(t *testing.T, a, b, c, d byte) {
		inner := netip.AddrFrom4([4]byte{a, b, c, d})
		want := reachOf(inner)
		for _, outer := range [][16]byte{
			{10: 0xff, 11: 0xff, 12: a, 13: b, 14: c, 15: d},
			{8: 0xff, 9: 0xff, 12: a, 13: b, 14: c, 15: d},
			{0, 0x64, 0xff, 0x9b, 12: a, 13: b, 14: c, 15: d},
			{0x20, 0x02, a, b, c, d, 15: 1},
			{0x20, 0x01, 12: ^a, 13: ^b, 14: ^c, 15: ^d},
			{0x26, 0x06, 10: 0x5e, 11: 0xfe, 12: a, 13: b, 14: c, 15: d},
			{0, 0x64, 0xff, 0x9b, 0, 1, 12: a | 1, 13: b, 14: c, 15: d}, // places that begin with 0 are not used
			{0, 0x64, 0xff, 0x9b, 0, 1, a | 1, b, 9: c, 10: d},
		} {
			ip := netip.AddrFrom16(outer)
			inner, want := inner, want
			if localNAT64.Contains(ip) {
				inner = netip.AddrFrom4([4]byte{a | 1, b, c, d})
				want = reachOf(inner)
			}
			if got := reachOf(ip); got > want {
				t.Errorf("%s reaches %d, and %s inside it %d", ip, got, inner, want)
			}
		}
	})
}

// A name that leads to another address when it is looked up first, and to this
// machine when it is dialled, reaches nothing: the address is checked when the
// connection is made.
func TestRebinding(t *testing.T) {
	t.Parallel()
	reached := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, guarded := range []bool{true, false} {
		questions := 0
		var mu sync.Mutex
		resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			questions++
			ours, theirs := net.Pipe()
			go answerDNS(theirs, questions > 2) // each look-up asks for IPv4 and IPv6
			return ours, nil
		}}
		g := NewTransport("")
		g.proxy = func(*http.Request) (*url.URL, error) { return nil, nil } //nolint:nilnil // no proxy
		dialer := &net.Dialer{Timeout: time.Second, Resolver: resolver, ControlContext: func(ctx context.Context, network, address string, conn syscall.RawConn) error {
			if !guarded && strings.HasPrefix(address, "127.") {
				return nil
			}
			return g.control(ctx, network, address, conn)
		}}
		g.direct = newTransport(dialer.DialContext, nil)
		before := reached
		for range 3 {
			_ = get(t, g, "http://rebind.example.com:"+port+"/") // what counts is whether the server was reached
		}
		if got := reached > before; got == guarded {
			t.Errorf("guarded %t: reached %t", guarded, got)
		}
	}
}

// answerDNS answers one question over a stream (RFC 1035, section 4.2.2): with an
// address for documentation at first, and with this machine's then.
func answerDNS(conn net.Conn, rebound bool) {
	defer conn.Close()
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return
	}
	question := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return
	}
	end := 12 // of the name
	for end < len(question) && question[end] != 0 {
		end += int(question[end]) + 1
	}
	if end+5 > len(question) {
		return
	}
	message := append([]byte{}, question[:end+5]...)
	message[2], message[3] = 0x81, 0x80 // a response without error
	copy(message[4:12], []byte{0, 1, 0, 0, 0, 0, 0, 0})
	if question[end+2] == 1 { // A
		address := []byte{192, 88, 99, 1} // is not dialled either
		if rebound {
			address = []byte{127, 0, 0, 1}
		}
		message[7] = 1
		message = append(message, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		message = append(message, address...)
	}
	binary.BigEndian.PutUint16(size[:], uint16(len(message)))
	_, _ = conn.Write(append(size[:], message...)) // the resolver may have gone
}
