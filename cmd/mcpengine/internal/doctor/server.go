package doctor

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A Config adjusts an examination. Its zero value is ready to use.
type Config struct {
	// Timeout bounds each request, each connection and each wait. The default is
	// 10 seconds.
	Timeout time.Duration
	// Patience is the least time that an event stream gets before it counts as
	// buffered. The default is 3 seconds.
	Patience time.Duration
	// Now is the clock. The default is the system's.
	Now func() time.Time
	// Resolve finds the addresses of a host. The default asks the system.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Patience <= 0 {
		c.Patience = 3 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Resolve == nil {
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return c
}

// A Target is a server at a URL. Fields are required unless they are marked as
// optional.
type Target struct {
	// Name is how a command line names the server, for next steps.
	Name    string
	Profile *profile.Profile
	// URL is where requests go.
	URL string
	// Header is sent with every request. Its values are secrets. Optional.
	Header http.Header
	// Trust has the certificates of the profile.
	Trust peer.TLSConfig
	// Signed is the transport that signs for AWS, or invokes a function. Optional.
	Signed http.RoundTripper
	// Authorizer has the token that is kept, and explains how it would get one. It is
	// nil where nobody signs in.
	Authorizer *oauth.Authorizer
	// Log is the file of the bridge's log. Optional.
	Log string
}

// An exam examines one server.
type exam struct {
	Config
	*Report
	Target

	url    *url.URL
	direct *http.Transport   // without signatures
	send   http.RoundTripper // follows no redirect
	fields http.Header       // credentials, and the fields of the profile

	seen contact
}

// Server examines a server.
func Server(ctx context.Context, t Target, c Config) *Report {
	x := newExam(t, c)
	x.fromLog()
	defer x.direct.CloseIdleConnections()
	if x.Signed == nil && !x.network(ctx) {
		return x.Report
	}
	if !x.reach(ctx) {
		return x.Report
	}
	admitted := x.admit(ctx)
	side(
		func() { x.cors(ctx) },
		func() { x.authorization(ctx) },
		func() {
			if admitted {
				x.protocol(ctx)
			}
		},
	)
	return x.Report
}

func newExam(t Target, c Config) *exam {
	x := &exam{Config: c.withDefaults(), Report: &Report{}, Target: t, fields: http.Header{}}
	x.url, _ = url.Parse(t.URL) // the profile has been checked
	client := peer.NewHTTPClient(t.Trust)
	x.direct, _ = client.Transport.(*http.Transport)
	x.direct.DisableCompression = true // what the server compresses has to be seen
	x.send = x.direct
	if t.Signed != nil {
		x.send = t.Signed
	}
	for name, values := range t.Header {
		x.fields[http.CanonicalHeaderKey(name)] = values
		for _, value := range values {
			x.hide(value)
			_, credential, _ := strings.Cut(value, " ")
			x.hide(credential)
		}
	}
	return x
}
