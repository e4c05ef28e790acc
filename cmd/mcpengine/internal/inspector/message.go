package inspector

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// maxRecorded is the longest message whose body is kept.
const maxRecorded = 1 << 20

// A message is one that went to the server or came from it.
type message struct {
	Type         string            `json:"type"` // "message"
	Time         string            `json:"time"`
	Direction    string            `json:"direction"` // "sent" or "received"
	Exchange     string            `json:"exchange"`  // a request and what answers it
	Request      string            `json:"request,omitempty"`
	Method       string            `json:"method,omitempty"`
	ID           json.RawMessage   `json:"id,omitempty"`
	HTTPMethod   string            `json:"httpMethod,omitempty"`
	URL          string            `json:"url,omitempty"`
	Status       int               `json:"status,omitempty"`
	Bytes        int               `json:"bytes"`
	Milliseconds float64           `json:"milliseconds,omitempty"` // since the request was sent
	Headers      map[string]string `json:"headers,omitempty"`
	Body         json.RawMessage   `json:"body"`
	Truncated    bool              `json:"truncated,omitempty"`
	Error        string            `json:"error,omitempty"`
}

const (
	sent     = "sent"
	received = "received"
)

// timeFormat is RFC 3339 with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// setBody sets the body: JSON as it is, and anything else as a string. Text has the
// beginning of a longer body.
func (m *message) setBody(text []byte, size int) {
	m.Bytes = size
	m.Truncated = size > len(text)
	switch {
	case size == 0 || m.Truncated:
		m.Body = json.RawMessage("null")
	case json.Valid(text):
		m.Body = compact(text)
	case utf8.Valid(text):
		m.Body, _ = json.Marshal(string(text))
	default:
		m.Body = json.RawMessage("null")
	}
}

// An envelope is what a message says of itself.
type envelope struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
}

func envelopeOf(text []byte) (e envelope) {
	if json.Unmarshal(text, &e) != nil {
		return envelope{} // a batch, or no message
	}
	return e
}

// hidden takes the place of a value that may be a secret.
const hidden = "…"

// shown are the fields of requests that hold no secret. A user may send keys in any
// other.
var shown = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Cache-Control": true, "Content-Length": true, "Content-Type": true,
	"Last-Event-Id": true, "User-Agent": true, "Traceparent": true, "Tracestate": true,
}

// requestHeaders are the fields of a request without secrets.
func requestHeaders(h http.Header) map[string]string {
	all := make(map[string]string)
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		switch {
		case len(values) == 0:
		case shown[name] || strings.HasPrefix(name, "Mcp-"):
			all[name] = strings.Join(values, ", ")
		case name == "Authorization" || name == "Proxy-Authorization":
			scheme, _, _ := strings.Cut(values[0], " ")
			all[name] = scheme + " " + hidden
		default:
			all[name] = hidden
		}
	}
	return all
}

// secret are the fields of answers whose values are secrets.
var secret = map[string]bool{
	"Set-Cookie": true, "Set-Cookie2": true, "Authorization": true, "Authentication-Info": true, "Proxy-Authentication-Info": true,
}

// responseHeaders are the fields of an answer without secrets.
func responseHeaders(h http.Header) map[string]string {
	all := make(map[string]string)
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		all[name] = strings.Join(values, ", ")
		if secret[name] {
			all[name] = hidden
		}
	}
	return all
}

// CleanURL returns a URL without the password and the values of its query, which may be
// keys.
func CleanURL(u *url.URL) string {
	clean := *u
	if clean.User != nil {
		clean.User = url.User(hidden)
	}
	if query := clean.Query(); len(query) > 0 {
		for name := range query {
			query[name] = []string{hidden}
		}
		clean.RawQuery = query.Encode()
	}
	text := clean.String()
	return strings.ReplaceAll(text, url.QueryEscape(hidden), hidden)
}

func now() string { return time.Now().Format(timeFormat) }
