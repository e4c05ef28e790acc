package broker

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

const (
	maxRedirect  = 1 << 10
	maxRedirects = 16
)

// isAppScheme reports whether a scheme can be one that opens an application: a name
// in lower case (RFC 3986, section 3.1) that no browser acts on itself.
func isAppScheme(scheme string) bool {
	if scheme == "" || scheme[0] < 'a' || scheme[0] > 'z' {
		return false
	}
	for _, c := range scheme {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' {
			return false
		}
	}
	return !slices.Contains(browserSchemes, scheme)
}

// browserSchemes are the schemes that a browser handles itself.
var browserSchemes = []string{
	"about", "blob", "chrome", "data", "file", "filesystem", "ftp", "http", "https", "intent", "jar", "javascript",
	"mailto", "resource", "view-source", "vbscript", "ws", "wss",
}

// checkRedirect returns an error unless the URI can be redirected to: https, http
// to a loopback address, or one of the schemes that open an application (RFC 8252,
// section 7; basic/authorization/security-considerations, "Communication
// Security").
func checkRedirect(uri string, schemes []string) error {
	scheme, rest, _ := strings.Cut(uri, ":")
	switch {
	case len(uri) > maxRedirect:
		return errors.New("a redirect URI is too long")
	case scheme == "https" || scheme == "http":
		if _, err := weburl.ParseSecure(uri); err != nil {
			return errors.New("a redirect URI is neither https nor http to a loopback address, or has a user, a fragment or a character that must be escaped")
		}
		return nil
	case !slices.Contains(schemes, scheme) || !isAppScheme(scheme):
		return errors.New("a redirect URI has a scheme that is not allowed")
	}
	if u, err := url.Parse(uri); err != nil || u.User != nil || rest == "" || !isPrintable(uri, maxRedirect) || strings.ContainsAny(uri, "#\"<>\\^`{|} ") {
		return errors.New("a redirect URI is malformed")
	}
	return nil
}

// matches reports whether a client that registered the URIs may be redirected to
// one. They are compared byte for byte, except for the port of a loopback address,
// which a program gets from the system when it starts (RFC 8252, section 7.3).
func matches(registered []string, uri string) bool {
	return slices.ContainsFunc(registered, func(r string) bool {
		if r == uri {
			return true
		}
		a, b := withoutPort(r), withoutPort(uri)
		return a != "" && a == b
	})
}

// withoutPort returns a loopback URI without its port, and "" for any other URI.
func withoutPort(uri string) string {
	u, err := weburl.ParseSecure(uri)
	if err != nil || u.Scheme != "http" {
		return ""
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return strings.ToLower(u.Hostname()) + path + "?" + u.RawQuery
}

// A destination says in words where an answer goes.
type destination struct {
	Host  string // of a website
	App   string // scheme of an application
	Local bool   // a program of this computer
	Text  string // the URI without its query
}

func destinationOf(uri string) destination {
	u, err := url.Parse(uri)
	if err != nil {
		return destination{Text: uri}
	}
	shown := *u
	shown.RawQuery, shown.ForceQuery = "", false
	d := destination{Text: shown.String()}
	switch {
	case u.Scheme == "https":
		d.Host = u.Host
	case u.Scheme == "http":
		d.Local = true
	default:
		d.App = u.Scheme
	}
	if d.Host != "" && weburl.IsLoopback(u.Hostname()) {
		d.Local, d.Host = true, ""
	}
	return d
}

// answerURL adds parameters to a redirect URI.
func answerURL(redirect string, parameters url.Values) string {
	separator := "?"
	if strings.Contains(redirect, "?") {
		separator = "&"
	}
	return strings.TrimRight(redirect, "?&") + separator + parameters.Encode()
}
