package http1

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// plain reports whether a request is one that this package sends by itself.
func (t *Transport) plain(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodGet, http.MethodDelete:
	default:
		return false
	}
	if r.URL.Scheme != "http" || !isPlainHost(r.URL.Host) || !isPlainHost(r.Host) || r.URL.Opaque != "" ||
		r.ContentLength < 0 || r.ContentLength > maxBody || r.ContentLength == 0 && r.Body != nil && r.Body != http.NoBody ||
		r.Close || r.TransferEncoding != nil || r.Trailer != nil {
		return false
	}
	for name := range r.Header {
		if isReserved(name) {
			return false
		}
	}
	if t.Proxy == nil {
		return true
	}
	proxy, err := t.Proxy(r)
	return proxy == nil && err == nil // who reports the error is the other transport
}

// isReserved reports whether a field is one that says how the message is to be
// read, or what the connection is for.
func isReserved(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// isPlainHost reports whether a host, with or without a port, is a name in ASCII
// or an address without a zone.
func isPlainHost(host string) bool {
	for i := range len(host) {
		c := host[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._:[]", c) >= 0:
		default:
			return false
		}
	}
	return host != ""
}

// appendRequest appends a request as it is sent (RFC 9112, section 3). Its body
// is read.
func appendRequest(dst []byte, r *http.Request) ([]byte, error) {
	target := r.URL.RequestURI()
	if !isTarget(target) {
		return nil, errors.New("the URL has characters that a request cannot hold")
	}
	dst = append(dst, r.Method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, r.Host...)
	// Bodies are read as they come.
	if r.Header["Accept-Encoding"] == nil {
		dst = append(dst, "\r\nAccept-Encoding: identity"...)
	}
	for name, values := range r.Header {
		if !isToken(name) {
			return nil, fmt.Errorf("%.64q is not a field name", name)
		}
		for _, value := range values {
			if !isFieldValue(value) {
				return nil, fmt.Errorf("the field %s has a value with control characters", name) // which may be a secret
			}
			dst = append(dst, "\r\n"...)
			dst = append(dst, name...)
			dst = append(dst, ": "...)
			dst = append(dst, value...)
		}
	}
	if r.ContentLength > 0 || r.Method == http.MethodPost {
		dst = append(dst, "\r\nContent-Length: "...)
		dst = strconv.AppendInt(dst, r.ContentLength, 10)
	}
	dst = append(dst, "\r\n\r\n"...)
	if r.ContentLength == 0 {
		return dst, nil
	}
	return appendBody(dst, r.Body, int(r.ContentLength))
}

func appendBody(dst []byte, body io.Reader, n int) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, n)...)
	if _, err := io.ReadFull(body, dst[start:]); err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	return dst, nil
}

// isTarget reports whether a request target is visible ASCII.
func isTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// isToken reports whether s is a token (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-':
		case strings.IndexByte("!#$%&'*+.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// isFieldValue reports whether s has no control character but tabs (RFC 9110,
// section 5.5).
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
