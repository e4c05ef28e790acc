package apps

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/ext/apps/internal/page"
)

// A CSP lists the origins that a view loads from and connects to. The host makes
// the view's Content Security Policy of it and blocks everything else. The zero
// CSP lists nothing: the view has only what is inlined.
//
// An origin is a scheme and a host, as in "https://api.example.com", with a
// port if it is not the scheme's. "https://*.example.com" stands for every
// subdomain. [NewView] refuses wildcards for every host, and schemes other than
// https and wss unless the host is a loopback address.
type CSP struct {
	// ConnectDomains are for fetch, XMLHttpRequest, EventSource and WebSocket.
	ConnectDomains []string `json:"connectDomains,omitempty"`

	// ResourceDomains are for scripts, style sheets, images, fonts and media.
	ResourceDomains []string `json:"resourceDomains,omitempty"`

	// FrameDomains are for documents in frames.
	FrameDomains []string `json:"frameDomains,omitempty"`

	// BaseURIDomains are for base addresses that a script sets. An address in
	// the HTML is never relative to them.
	BaseURIDomains []string `json:"baseUriDomains,omitempty"`
}

func (c CSP) isZero() bool {
	return len(c.ConnectDomains)+len(c.ResourceDomains)+len(c.FrameDomains)+len(c.BaseURIDomains) == 0
}

func (c CSP) clone() CSP {
	return CSP{slices.Clone(c.ConnectDomains), slices.Clone(c.ResourceDomains), slices.Clone(c.FrameDomains), slices.Clone(c.BaseURIDomains)}
}

// check refuses entries that are not origins, or that allow more than they seem
// to.
func (c CSP) check() error {
	for _, list := range []struct {
		name    string
		sources []string
	}{
		{"ConnectDomains", c.ConnectDomains},
		{"ResourceDomains", c.ResourceDomains},
		{"FrameDomains", c.FrameDomains},
		{"BaseURIDomains", c.BaseURIDomains},
	} {
		for _, source := range list.sources {
			if _, err := parseSource(source); err != nil {
				return fmt.Errorf("%s: %q %w", list.name, source, err)
			}
		}
	}
	return nil
}

// parseSource parses an origin. A wildcard is left in the host.
func parseSource(source string) (*url.URL, error) {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" || strings.ContainsFunc(source, notInSource) {
		return nil, errors.New(`is not an origin such as "https://api.example.com"`)
	}
	host := strings.TrimPrefix(u.Hostname(), "*.")
	switch {
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("is more than an origin: write %q", u.Scheme+"://"+u.Host)
	case host == "" || strings.Contains(host, "*"):
		return nil, errors.New(`has a wildcard that is not the first label, as in "https://*.example.com"`)
	case !strings.Contains(host, ".") && host != u.Hostname():
		return nil, errors.New("allows a whole top-level domain")
	case u.Scheme == "https" || u.Scheme == "wss":
		return u, nil
	case (u.Scheme == "http" || u.Scheme == "ws") && isLoopback(host):
		return u, nil
	}
	return nil, fmt.Errorf("has the scheme %q: only https and wss are encrypted", u.Scheme)
}

// notInSource are the characters that no origin has. In a policy that a host
// builds, some of them would end a directive.
func notInSource(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._:/*[]", r))
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1" || strings.HasSuffix(host, ".localhost")
}

// allows reports whether the policy lets a view load from an address.
func (c CSP) allows(address string, use page.Use) bool {
	sources := c.ResourceDomains
	if use == page.Frame {
		sources = c.FrameDomains
	}
	u, err := url.Parse(address)
	return err == nil && slices.ContainsFunc(sources, func(source string) bool { return matches(source, u) })
}

func matches(source string, u *url.URL) bool {
	s, err := parseSource(source)
	if err != nil || !strings.EqualFold(s.Scheme, u.Scheme) || port(s) != port(u) {
		return false
	}
	host, pattern := strings.ToLower(u.Hostname()), strings.ToLower(s.Hostname())
	if suffix, wildcard := strings.CutPrefix(pattern, "*"); wildcard {
		return strings.HasSuffix(host, suffix) && host != suffix
	}
	return host == pattern
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "http" || u.Scheme == "ws":
		return "80"
	}
	return "443"
}
