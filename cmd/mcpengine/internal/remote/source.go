// Package remote connects to the server of a profile: it reads certificates and
// headers, and signs in with OAuth or signs requests for AWS.
package remote

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A Source is a profile and everything that it refers to. Fields are required
// unless they are marked as optional.
type Source struct {
	// Name is the profile's name, or stands for a URL without one.
	Name    string
	Profile *profile.Profile

	// Home is the folder of the program's own files. Without it nothing is kept,
	// and signing in is not possible.
	Home   string
	Getenv func(string) string
	Now    func() time.Time
	Log    *bridge.Log

	// Carry returns the RoundTripper, on top of base, for the requests of a profile
	// for AWS, and the URL that they are sent to. Without it such a profile is
	// refused.
	Carry func(p *profile.Profile, base http.RoundTripper) (url string, transport http.RoundTripper, err error)

	// ClientSecret returns the OAuth client secret. Optional.
	ClientSecret func() (string, error)

	// Browse shows a page to sign in on. The default is the system's browser.
	Browse func(ctx context.Context, url string) error

	// Keychain has the key that tokens are sealed with. The default is the
	// system's.
	Keychain oauth.Keychain
}

// Config returns the configuration of a relay to the server of a profile. It reads
// the files of certificates, and sends no request. Call release when the relay has
// ended.
func (s Source) Config() (config bridge.Config, release func(), err error) {
	p := s.Profile
	trust, err := peer.LoadTLS(p.CAFile, p.CertFile, p.KeyFile)
	if err != nil {
		return config, nil, err
	}
	client := peer.NewHTTPClient(trust)
	release = client.CloseIdleConnections
	if p.ForAWS() {
		if s.Carry == nil {
			return config, nil, errors.New("requests are not signed for AWS here")
		}
		carried := *p
		var transport http.RoundTripper
		if carried.URL, transport, err = s.Carry(p, client.Transport); err != nil {
			return config, nil, err
		}
		p, client = &carried, &http.Client{Transport: transport}
	}
	config = bridge.Config{Name: s.Name, URL: p.URL, Tools: bridge.Filter(p.Tools), Logger: s.Log.Logger()}
	config.Peer = peer.Config{
		HTTPClient:  client,
		Transport:   Transport(p.Mode),
		IdleTimeout: time.Duration(p.Timeout),
	}
	if s.Home != "" {
		config.Peer.Cache = bridge.NewFileCache(filepath.Join(s.Home, "servers"), s.Now)
	}
	if p.Protocol != "" {
		config.Peer.Versions = []string{p.Protocol}
	}
	lock, err := ReadPin(p)
	if err != nil {
		return config, release, err
	}
	if lock != nil {
		config.Peer.Versions = []string{lock.ProtocolVersion}
		config.Pin = pinOf(lock, !p.Pin.Warn)
	}
	a := &authorizer{headers: p.Headers, getenv: s.Getenv, now: s.Now, secret: s.Log.Hide}
	if !hasCredential(p.Headers) && !s.Profile.ForAWS() {
		a.signIn = s.signIn(client)
	}
	config.Peer.Authorizer = a
	return config, release, nil
}

// Transport returns the transport of a profile's mode.
func Transport(mode string) peer.Transport {
	switch mode {
	case "http":
		return peer.TransportStreamable
	case "sse":
		return peer.TransportSSE
	}
	return peer.TransportDetect
}

// hasCredential reports whether a header identifies the sender, so that signing in
// is not needed.
func hasCredential(headers []profile.Header) bool {
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Authorization") {
			return true
		}
	}
	return false
}
