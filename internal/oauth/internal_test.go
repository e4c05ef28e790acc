package oauth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

// H6: a server on the internet sends its clients nowhere in their own network,
// and nobody sends them to a metadata service of a cloud.
func TestAttackH06PrivateAddresses(t *testing.T) {
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
			g := newGuard(&url.URL{Scheme: "https", Host: "mcp.example.com"})
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
		g := newGuard(&url.URL{Scheme: "https", Host: "mcp.example.com"})
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

// The guard is at work in an authorizer's own client, on the way to the server's
// metadata too; through a proxy of the user's it is the proxy's business.
func TestGuardIsUsed(t *testing.T) {
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
		g := newGuard(&url.URL{Scheme: "https", Host: "mcp.example.com"})
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
		_, err := newFetcher(&http.Client{Transport: g}).get(t.Context(), "http://"+l.Addr().String()+"/")
		if got := len(reached) > 0; got != proxied || (err == nil) != proxied {
			t.Errorf("proxied %t: reached %t, %v", proxied, got, err)
		}
	}
}

// What providers are known to do belongs to their hosts and nobody else's.
func TestPresets(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"https://accounts.google.com":                                  "Google",
		"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc":    "Cognito",
		"https://login.microsoftonline.com/tenant/v2.0":                "Entra ID",
		"http://accounts.google.com":                                   "",
		"https://accounts.google.com.evil.example":                     "",
		"https://evil.example/accounts.google.com":                     "",
		"https://accounts.google.com:8443":                             "",
		"https://cognito-idp.evil.example":                             "",
		"https://cognito-idp.amazonaws.com.evil.example":               "",
		"https://s3.amazonaws.com/cognito-idp.eu-west-1.amazonaws.com": "",
		"https://x.login.microsoftonline.com":                          "",
		"https://id.example.com":                                       "",
	} {
		if got := presetOf(issuer).name; got != want {
			t.Errorf("%s is %q, want %q", issuer, got, want)
		}
	}
}

// Google's ID token is what a server takes, and comes with a refresh token only
// when that is asked for.
func TestGoogle(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Server: "https://mcp.example.com/mcp", Client: Client{ID: "client", Secret: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	f := a.flow(&server{
		Issuer: "https://accounts.google.com", Authorize: "https://accounts.google.com/o/oauth2/v2/auth", Token: "https://oauth2.googleapis.com/token",
		ChallengeMethods: []string{"S256"}, Scopes: []string{"openid", offlineAccess},
	}, "https://mcp.example.com/mcp")
	if f.scopes, err = a.scopes(f, &resource{}, nil, demand{}); err != nil {
		t.Fatal(err)
	}
	target, err := (&attempt{flow: f, state: "state"}).url()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"access_type=offline", "prompt=consent", "scope=openid+email&"} {
		if !strings.Contains(target, want) {
			t.Errorf("%s is not in %s", want, target)
		}
	}
	if _, err := a.begin(f, &token{Access: "opaque"}, false); err == nil {
		t.Error("no ID token and no error")
	}
	begun, err := a.begin(f, &token{Access: "opaque", ID: "id-token"}, false)
	if err != nil {
		t.Fatal(err)
	}
	a.set(begun)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://mcp.example.com/mcp", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Authorize(t.Context(), req); err != nil || req.Header.Get("Authorization") != "Bearer id-token" {
		t.Errorf("Authorization = %q, %v", req.Header.Get("Authorization"), err)
	}
}

// How long the answers of the device grant make a client wait is bounded.
func TestParseDevice(t *testing.T) {
	t.Parallel()
	const good = `"device_code":"d","user_code":"ABCD-EFGH","verification_uri":"https://id.example.com/device"`
	for _, test := range []struct {
		body           string
		life, interval time.Duration // zero when it is refused
	}{
		{`{` + good + `}`, maxDeviceLife, pollInterval},
		{`{` + good + `,"expires_in":600,"interval":2}`, 10 * time.Minute, 2 * time.Second},
		{`{` + good + `,"expires_in":-1,"interval":-1}`, maxDeviceLife, pollInterval},
		{`{` + good + `,"expires_in":1e300,"interval":1e300}`, maxDeviceLife, pollInterval},
		{`{` + good + `,"interval":0.001}`, maxDeviceLife, minPollInterval},
		{`{"device_code":"d","user_code":"A\u001b[31m","verification_uri":"https://id.example.com/"}`, 0, 0},
		{`{"device_code":"d","user_code":"A","verification_uri":"http://id.example.com/"}`, 0, 0},
		{`{"device_code":"d","user_code":"A","verification_uri":"https://id.example.com/","verification_uri_complete":"file:///"}`, 0, 0},
		{`{"device_code":"d","user_code":"A"}`, 0, 0},
		{`{"user_code":"A","verification_uri":"https://id.example.com/"}`, 0, 0},
		{`[]`, 0, 0},
	} {
		d, err := parseDevice([]byte(test.body), time.Time{})
		switch {
		case (err == nil) != (test.life > 0):
			t.Errorf("%s: %v", test.body, err)
		case err == nil && (d.life != test.life || d.interval != test.interval):
			t.Errorf("%s: %s and %s, want %s and %s", test.body, d.life, d.interval, test.life, test.interval)
		}
	}
}

// The system's keychain gives the key of the store, and a system without one a
// store without a key.
func TestSystemKeychain(t *testing.T) { //nolint:paralleltest // the library's stand-in is a variable of its own
	keyring.MockInit()
	for range 2 {
		s, err := NewFileStore(t.Context(), t.TempDir(), SystemKeychain{})
		if err != nil || !s.Sealed() {
			t.Fatalf("sealed %t, %v", s.Sealed(), err)
		}
	}
	first, err := SystemKeychain{}.Get()
	if err != nil || len(first) < 40 {
		t.Errorf("a key of %d characters, %v", len(first), err)
	}
	keyring.MockInitWithError(errors.New("no bus"))
	s, err := NewFileStore(t.Context(), t.TempDir(), SystemKeychain{})
	if err != nil || s.Sealed() {
		t.Errorf("sealed %t, %v", s.Sealed(), err)
	}
}
