//go:build unix

package http1_test

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/http1"
)

// A server reads the request that was meant.
func TestRequest(t *testing.T) {
	t.Parallel()
	transport, conn := answering("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
	r := request(t, t.Context(), "http://[::1]:8080/a%20b/mcp?x=1", "{}")
	r.Header["Mcp-Name"] = []string{"straße", "b"}
	if _, _, err := send(transport, r); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&conn.got))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if got.Method != "POST" || got.RequestURI != "/a%20b/mcp?x=1" || got.Host != "[::1]:8080" || string(body) != "{}" || err != nil {
		t.Errorf("the server gets %s %s of %s with %q (%v)", got.Method, got.RequestURI, got.Host, body, err)
	}
	if values := strings.Join(got.Header["Mcp-Name"], ","); values != "straße,b" || got.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("the server gets the fields %v", got.Header)
	}
}

// Nothing that could be read as another field or request is sent.
func TestRequestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*http.Request)
	}{
		{"a line end in a value", func(r *http.Request) { r.Header["X"] = []string{"a\r\nY: b"} }},
		{"NUL in a value", func(r *http.Request) { r.Header["X"] = []string{"a\x00"} }},
		{"a space in a name", func(r *http.Request) { r.Header["X Y"] = []string{"a"} }},
		{"no name", func(r *http.Request) { r.Header[""] = []string{"a"} }},
		{"a line end in the query", func(r *http.Request) { r.URL.RawQuery = "a\r\nX: b" }},
		{"a space in the query", func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.0" }},
		{"a body shorter than it says", func(r *http.Request) { r.ContentLength = 10 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			transport, conn := answering("HTTP/1.1 200 OK\r\n\r\n")
			r := request(t, t.Context(), "http://server.example/mcp", "{}")
			tt.change(r)
			if _, _, err := send(transport, r); err == nil || conn.got.Len() > 0 {
				t.Errorf("%q was sent (%v)", conn.got.String(), err)
			}
		})
	}
}

// other is another transport, which says that it was used.
type other struct{}

func (other) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusTeapot, Body: http.NoBody, Request: r}, nil
}

// The other transport sends what this one does not.
func TestOther(t *testing.T) {
	t.Parallel()
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse("http://proxy.example") }
	tests := []struct {
		name   string
		change func(*http1.Transport, *http.Request)
	}{
		{"TLS", func(_ *http1.Transport, r *http.Request) { r.URL.Scheme = "https" }},
		{"a proxy", func(t *http1.Transport, _ *http.Request) { t.Proxy = proxy }},
		{"a zone", func(_ *http1.Transport, r *http.Request) {
			r.URL.Host, r.Host = "[fe80::1%eth0]:80", "[fe80::1%eth0]:80"
		}},
		{"a name that is not ASCII", func(_ *http1.Transport, r *http.Request) { r.URL.Host, r.Host = "straße.example", "straße.example" }},
		{"a host of two lines", func(_ *http1.Transport, r *http.Request) { r.Host = "a\r\nX: b" }},
		{"a long body", func(_ *http1.Transport, r *http.Request) { r.ContentLength = 64<<10 + 1 }},
		{"a body of unknown length", func(_ *http1.Transport, r *http.Request) { r.ContentLength = -1 }},
		{"a method with another kind of response", func(_ *http1.Transport, r *http.Request) { r.Method = http.MethodHead }},
		{"an upgrade", func(_ *http1.Transport, r *http.Request) { r.Header.Set("Upgrade", "websocket") }},
		{"a length of the caller's", func(_ *http1.Transport, r *http.Request) { r.Header.Set("Content-Length", "3") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			transport, conn := answering("HTTP/1.1 200 OK\r\n\r\n")
			transport.Other = other{}
			r := request(t, t.Context(), "http://server.example/mcp", "{}")
			tt.change(transport, r)
			status, _, err := send(transport, r)
			if err != nil || status != http.StatusTeapot || conn.got.Len() > 0 {
				t.Errorf("status %d (%v) and %q, want it left to the other transport", status, err, conn.got.String())
			}
		})
	}
}
