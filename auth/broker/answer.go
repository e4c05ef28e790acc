package broker

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
)

var errTooMany = errors.New("too many metadata documents were fetched in the last minute")

// api makes a handler of an endpoint that programs call: POST alone, from every web
// page, because it knows no cookies.
func (s *server) api(serve func(http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const methods = "POST, OPTIONS"
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		switch r.Method {
		case http.MethodPost:
			h.Set("Content-Type", "application/json")
			serve(w, r)
		case http.MethodOptions:
			h.Set("Access-Control-Allow-Methods", methods)
			h.Set("Access-Control-Allow-Headers", "*")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
		default:
			h.Set("Allow", methods)
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	})
}

// fail answers with an error of OAuth (RFC 6749, section 5.2).
func fail(w http.ResponseWriter, status int, code, description string) {
	text, _ := json.Marshal(struct { // strings can be encoded
		Code        string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{code, description})
	w.WriteHeader(status)
	_, _ = w.Write(text) // fails when the client has gone
}

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	fail(w, http.StatusTooManyRequests, "too_many_requests", "too many requests in the last minute")
}

// An oauthError is the answer to a token request that is refused.
type oauthError struct {
	status            int
	code, description string
}

func (e *oauthError) Error() string { return e.code + ": " + e.description }

func invalid(code, description string) error {
	return &oauthError{http.StatusBadRequest, code, description}
}

var (
	// errGrant is the same for every grant that is not good, so that it says nothing
	// about why.
	errGrant = invalid("invalid_grant", "the grant is not good, was used before or has expired")

	errUnavailable = &oauthError{http.StatusServiceUnavailable, "server_error", "the identity provider does not answer"}
)

// failWith answers with an error.
func (s *server) failWith(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*oauthError](err)
	if !ok {
		e = &oauthError{http.StatusInternalServerError, "server_error", "the request failed"}
	}
	switch e.status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Basic") // RFC 6749, section 5.2
	}
	fail(w, e.status, e.code, e.description)
}

// readBody reads the body of a request, or answers that it is too large.
func readBody(w http.ResponseWriter, r *http.Request, most int64) (body []byte, ok bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		fail(w, http.StatusBadRequest, "invalid_request", "the body cannot be read")
	case int64(len(body)) > most:
		fail(w, http.StatusRequestEntityTooLarge, "invalid_request", "the body is too large")
	default:
		return body, true
	}
	return nil, false
}

// errTwice says that a parameter is there twice: two readers may believe different
// ones (OAuth 2.1, section 3.1).
var errTwice = errors.New("a parameter is there twice")

// parseParameters reads parameters, each of which is there once. Several resources
// are allowed (RFC 8707, section 2).
func parseParameters(encoded string) (url.Values, error) {
	q, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, errors.New("the parameters are malformed")
	}
	for name, values := range q {
		if len(values) > 1 && name != "resource" {
			return nil, errTwice
		}
	}
	return q, nil
}
