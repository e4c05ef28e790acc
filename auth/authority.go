package auth

import (
	"encoding/json"
	"net/http"
)

// An Authority verifies the callers of one protected resource and words the
// refusals. The engine uses a [Resource], which documents the methods, through
// this interface. Implement it to decide about callers in a way of your own.
type Authority interface {
	URL() string
	Authenticate(*http.Request) (*User, *Challenge)
	Granted(u *User, scopes ...string) bool
	Unauthenticated(scopes ...string) *Challenge
	Insufficient(scopes ...string) *Challenge
	Denied() *Challenge
	DiscoveryOpen() bool
	Metadata() http.Handler
	MetadataPaths() []string
}

// A Challenge is the refusal of a request. Everything in it is meant for the
// caller. Send the status and the header fields, and put Message and Data into
// the error of the JSON-RPC body where there is one: some gateways rename
// WWW-Authenticate, and Data says the same. For endpoints that do not speak
// JSON-RPC it is an [http.Handler].
type Challenge struct {
	// Status is the HTTP status: 400, 401, 403 or 503.
	Status int

	// Header holds the fields to add to the response.
	Header http.Header

	// Code is the error code of RFC 6750, section 3.1, and empty when the
	// refusal is not about a token.
	Code string

	// Message is one sentence for the caller.
	Message string

	// Data is a JSON object with the parameters of the challenge under their
	// names in the header, such as "scope" and "resource_metadata". It is nil
	// for a challenge without parameters.
	Data json.RawMessage
}

// ServeHTTP sends the challenge as a whole response with Data as its body.
func (c *Challenge) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for name, values := range c.Header {
		for _, value := range values {
			w.Header().Add(name, value)
		}
	}
	if c.Data != nil {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(c.Status)
	_, _ = w.Write(c.Data) // fails when the client has gone
}
