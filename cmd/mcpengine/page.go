package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// A page is a web page that a server asks a person to open.
type page struct {
	url  string // with its host in ASCII
	host string // as it is told to a person
}

// parsePage reads the URL of a page, which a browser then opens as it is shown.
func parsePage(raw string) (page, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return page{}, errors.New("the URL does not parse")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return page{}, errors.New("the URL is not one of http or https with a host")
	}
	// Letters of other scripts look like Latin ones, so the name is shown as DNS
	// has it, and its other form behind.
	name, port := u.Hostname(), u.Port()
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		if ascii, err = idna.Punycode.ToASCII(name); err != nil {
			return page{}, fmt.Errorf("the host of the URL: %w", err)
		}
	}
	if !strings.Contains(ascii, ":") { // an IPv6 address stays in its brackets
		u.Host = ascii
		if port != "" {
			u.Host = net.JoinHostPort(ascii, port)
		}
	}
	p := page{u.String(), u.Host}
	if unicode, err := idna.Punycode.ToUnicode(ascii); err == nil && unicode != ascii {
		p.host += " (" + unicode + ")"
	}
	return p, nil
}
