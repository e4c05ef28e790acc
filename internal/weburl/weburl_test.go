package weburl_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, want string }{
		{"https://id.example", ""},
		{"https://id.example/", ""},
		{"https://id.example:8443/a/b?c=d", ""},
		{"http://id.example", ""},
		{"https://id_a.example", ""},
		{"https://[2001:db8::1]:8443/mcp", ""},
		{"https://192.0.2.1/mcp", ""},
		{"https://id.example/%7Btenant%7D", ""},
		{"", "not an absolute URL"},
		{"/mcp", "not an absolute URL"},
		{"id.example/mcp", "not an absolute URL"},
		{"id.example:8443/mcp", "not"},
		{"https:id.example", "not an absolute URL"},
		{"https:///mcp", "not an absolute URL"},
		{"https://:8443/mcp", "host name"},
		{"ftp://id.example", "not an http or https URL"},
		{"javascript://id.example/%0aalert(1)", "not an http or https URL"},
		{"https://u:hunter2@id.example", "credentials"},
		{"https://id.example@evil.example", "credentials"},
		{"https://id.example#f", "fragment"},
		{"https://id.example#", "fragment"},
		{"https://a.example,https://b.example", "more than one URL"},
		{"https://a.example/x,https://b.example/y", "more than one URL"},
		{"https://a.example https://b.example", "escaped"},
		{"https://a.example,b.example", "host name"},
		{"https://id.example/\"", "escaped"},
		{`https://id.example/\`, "escaped"},
		{`https:\\id.example`, "escaped"},
		{"https://id.example/a b", "escaped"},
		{"https://id.example/\n", "escaped"},
		{"https://id.example/\x00", "escaped"},
		{"https://id.example/{tenant}", "escaped"},
		{"https://id.example/<tenant>", "escaped"},
		{"https://bücher.example", "escaped"},
		{"https://*.example.com", "host name"},
		{"https://a..example", "host name"},
		{"https://id.example.", "host name"},
		{"https://" + strings.Repeat("a", 64) + ".example", "host name"},
		{"https://id%2eexample", "not"},
		{"https://id.example:99999", "port"},
		{"https://id.example:0", "port"},
		{"https://id.example:", "port"},
		{"https://id.example:https", "not a URL"},
		{"https://[::1", "not a URL"},
		{"https://[fe80::1%25eth0]/", "IPv6"},
		{"https://[127.0.0.1]/", "not a URL"},
		{"https://id.example/%zz", "not a URL"},
	} {
		u, err := weburl.Parse(test.url)
		switch {
		case test.want == "" && (err != nil || u.String() != test.url):
			t.Errorf("Parse(%q) = %v, %v", test.url, u, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("Parse(%q) = %v, %v, want an error with %q", test.url, u, err, test.want)
		case err != nil && (strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("Parse(%q): the error is %q", test.url, err)
		}
	}
}

func TestParseSecure(t *testing.T) {
	t.Parallel()
	for s, ok := range map[string]bool{
		"https://id.example":        true,
		"http://localhost:8000":     true,
		"http://LOCALHOST":          true,
		"http://127.0.0.1:8000":     true,
		"http://127.1.2.3":          true,
		"http://[::1]:8000":         true,
		"http://id.example":         false,
		"http://localhost.evil.com": false,
		"http://localhost.":         false,
		"http://10.0.0.1":           false,
		"http://0.0.0.0":            false,
	} {
		if _, err := weburl.ParseSecure(s); (err == nil) != ok {
			t.Errorf("ParseSecure(%q) = %v, want ok %t", s, err, ok)
		}
	}
	if _, err := weburl.ParseIssuer("https://id.example/?x"); err == nil {
		t.Error("an issuer may have a query")
	}
	if _, err := weburl.ParseIssuer("https://id.example/?"); err == nil {
		t.Error("an issuer may have an empty query")
	}
}

// The id of a client that publishes a document about itself (client id metadata
// documents, section 3).
func TestParseClientDocument(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"https://app.example.com/client.json":      true,
		"https://app.example.com:8443/a/b":         true,
		"https://app.example.com/":                 false,
		"https://app.example.com":                  false,
		"http://app.example.com/client.json":       false,
		"http://localhost/client.json":             false,
		"https://user@app.example.com/client.json": false,
		"https://app.example.com/client.json#a":    false,
		"https://app.example.com/a/../client.json": false,
		"https://app.example.com/%2e/client.json":  false,
		"urn:client": false,
		"":           false,
	} {
		if _, err := weburl.ParseClientDocument(id); (err == nil) != want {
			t.Errorf("ParseClientDocument(%q): %v, want %t", id, err, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.255.255.254": true, "::1": true,
		"0:0:0:0:0:0:0:1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.": false, "x.localhost": false, "localhost.evil.example": false, "localho\u017ft": false,
		"128.0.0.1": false, "0.0.0.0": false, "::": false, "127.1": false, "0177.0.0.1": false, "::1%lo": false, "[::1]": false,
	} {
		if got := weburl.IsLoopback(host); got != want {
			t.Errorf("IsLoopback(%q) = %t, want %t", host, got, want)
		}
	}
}

func TestSameIssuer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"https://id.example", "https://id.example", true},
		{"https://id.example", "https://id.example/", true},
		{"https://id.example:8443/", "https://id.example:8443", true},
		{"https://id.example/a", "https://id.example/a", true},
		{"https://id.example/a", "https://id.example/a/", false},
		{"https://id.example//", "https://id.example", false},
		{"https://id.example//", "https://id.example/", false},
		{"https://id.example?/", "https://id.example?", false},
		{"https://id.example", "https://ID.example", false},
		{"https://id.example", "https://id.example:443", false},
		{"https://id.example", "http://id.example", false},
		{"https:///", "https://", false},
		{"a", "a/", false},
		{"", "/", false},
		{"", "", true},
	} {
		if got := weburl.SameIssuer(test.a, test.b); got != test.want || weburl.SameIssuer(test.b, test.a) != got {
			t.Errorf("SameIssuer(%q, %q) = %t, want %t", test.a, test.b, got, test.want)
		}
	}
}

// What Parse accepts survives a header field and a pattern of http.ServeMux, and
// is one URL for every reader.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"https://id.example/mcp", "http://[::1]:80/a?b", "https://a,b", "https://a:99999", "https://*.a", "https://a\\b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := weburl.Parse(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(s, " \t\r\n\"\\{}<>#@,*\x00") && !strings.ContainsAny(u.Path+u.RawQuery, ",@*") {
			t.Errorf("Parse(%q) accepts a character that no URL has", s)
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Host != u.Host || again.Scheme != u.Scheme || u.User != nil || u.Fragment != "" || u.Hostname() == "" {
			t.Errorf("Parse(%q) = %v, again %v, %v", s, u, again, err)
		}
	})
}
