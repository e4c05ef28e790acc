package auth

import (
	"encoding/json"
	"net/http"
)

// An Authority verifies the callers of one protected resource and words the
// refusals. The engine uses a [Resource], which documents the methods, through
// this interface. Implement it to decide about callers in a way of your own. The
// engine also calls the Resource's methods UseKeys, SignIns, ContextWithUpstream and
// Upstreams where an Authority has them. They are optional.
type Authority interface {
	URL() string
	Authenticate(*http.Request) (*User, *Challenge)
	Granted(u *User, scopes ...string) bool
	Unauthenticated(scopes ...string) *Challenge
	Insufficient(scopes ...string) *Challenge
	Denied() *Challenge
	DiscoveryOpen() bool
	Handler() http.Handler
	Paths() []string
}

// Keys are the keys of the server, as an [Authority] or a [Provider] that gives
// out values sees them: mcpengine.WithKeys, derived for the server. Replicas of a
// server have the same keys, and another server has others.
//
// The purpose is a constant of the program and separates kinds of values: what is
// sealed for one purpose cannot be opened for another. An interface like this one
// hides which keys there are, so that its users need not know about rotation.
type Keys interface {
	// Seal returns a text of URL-safe characters that only Open with the same
	// purpose and associated data reads. It does not expire: put an expiry into
	// the plaintext.
	Seal(purpose string, plaintext, associated []byte) string

	// Open returns the plaintext, or an error that does not say why.
	Open(purpose, sealed string, associated []byte) ([]byte, error)

	// Derive returns 32 secret bytes for each key. The first one is for making
	// values and all of them are for checking values.
	Derive(purpose string) [][]byte
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
