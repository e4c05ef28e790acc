// Package weburl is the one place that decides what a URL in a configuration
// must look like, which hosts are this machine, and when two URLs identify the
// same issuer.
package weburl

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Parse reads an absolute http or https URL of a configuration. It refuses
// credentials, fragments, anything that is not a host name, an IP address or a
// port, and characters that have to be escaped (RFC 3986, section 2). The errors
// do not repeat the URL, which may hold a secret.
func Parse(s string) (*url.URL, error) {
	if strings.IndexFunc(s, notURL) >= 0 {
		return nil, errors.New("not a URL: it holds a space, a control or another character that must be escaped")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil && strings.Contains(s, ":"):
		return nil, errors.New("not a URL")
	case err != nil || u.Host == "" || u.Opaque != "":
		return nil, errors.New("not an absolute URL, such as https://mcp.example.com/mcp")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("not an http or https URL")
	case u.User != nil:
		return nil, errors.New("a URL with credentials")
	case strings.Contains(s, "#"):
		return nil, errors.New("a URL with a fragment")
	case strings.Count(s, "://") > 1:
		return nil, errors.New("more than one URL")
	}
	return u, checkHost(u)
}

// notURL reports whether a character cannot stand in a URL.
func notURL(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"<>\^`+"`{|}", c)
}

func checkHost(u *url.URL) error {
	host, port := u.Hostname(), u.Port()
	if strings.HasSuffix(u.Host, ":") {
		return errors.New("a URL with an empty port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return errors.New("a URL with a port that is not between 1 and 65535")
	}
	if strings.HasPrefix(u.Host, "[") {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() || ip.Zone() != "" {
			return errors.New("a URL with a host that is not an IPv6 address")
		}
		return nil
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.IndexFunc(label, notLabel) >= 0 {
			return errors.New("a URL with a host that is not a host name")
		}
	}
	return nil
}

// notLabel reports whether a character cannot stand in a host name. The
// underscore is no letter of host names, but container networks use it.
func notLabel(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	return !letter && c != '-' && c != '_'
}

// ErrNotSecure is the error of [ParseSecure] for a URL that has nothing wrong
// but its scheme.
var ErrNotSecure = errors.New("not an https URL: http is for loopback addresses")

// ParseSecure is [Parse] for a URL that secrets are sent to or identities come
// from: https, or http to this machine (OAuth 2.1, section 1.5).
func ParseSecure(s string) (*url.URL, error) {
	u, err := Parse(s)
	if err == nil && !Secure(u) {
		return nil, ErrNotSecure
	}
	return u, err
}

// ParseIssuer reads the identifier of an authorization server (RFC 8414, section
// 2): a secure URL without a query.
func ParseIssuer(s string) (*url.URL, error) {
	u, err := ParseSecure(s)
	if err == nil && (u.RawQuery != "" || u.ForceQuery) {
		return nil, errors.New("a URL with a query")
	}
	return u, err
}

// ParseClientDocument reads the URL of a client id metadata document, which is the
// id of the client that it describes: https with a path, and no segment of it is a
// dot or two (draft-ietf-oauth-client-id-metadata-document, section 3).
func ParseClientDocument(s string) (*url.URL, error) {
	u, err := Parse(s)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "https" || len(u.Path) < 2:
		return nil, errors.New("not an https URL with a path")
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return nil, errors.New("a URL with . or .. in its path")
		}
	}
	return u, nil
}

// Secure reports whether what is sent to the URL, and the answer, are safe from
// others on the network.
func Secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname())
}

// IsLoopback reports whether a host, without port and brackets, is this machine:
// "localhost" in upper or lower case, or a loopback address.
func IsLoopback(host string) bool {
	if strings.ToLower(host) == "localhost" { // EqualFold knows other letters that are an s
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == "" && ip.Unmap().IsLoopback()
}

// SameIssuer reports whether two URLs identify one issuer.
func SameIssuer(a, b string) bool { return CanonicalIssuer(a) == CanonicalIssuer(b) }

// CanonicalIssuer returns the spelling of an issuer that issuers are compared in.
// They are compared byte for byte (RFC 8414, section 3.3), except that an empty
// path and "/" are one path (RFC 3986, section 6.2.3): some issuers have the
// slash in their metadata and not in the metadata of a resource.
func CanonicalIssuer(issuer string) string {
	trimmed, found := strings.CutSuffix(issuer, "/")
	_, host, scheme := strings.Cut(trimmed, "://")
	if !found || !scheme || host == "" || strings.ContainsAny(host, "/?#") {
		return issuer
	}
	return trimmed
}

// Origin is the scheme and authority of a URL, in the one spelling that origins
// are compared in.
func Origin(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	scheme := strings.ToLower(u.Scheme)
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
