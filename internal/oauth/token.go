package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxTokenBytes = 16 << 10 // most servers take header fields of this size
	maxTokenLife  = 365 * 24 * time.Hour
)

// A token is an access token with the other values of the token response.
type token struct {
	Access  string    `json:"access_token"`
	Bound   bool      `json:"dpop,omitempty"` // to a key (RFC 9449)
	Refresh string    `json:"refresh_token,omitempty"`
	ID      string    `json:"id_token,omitempty"`
	Expiry  time.Time `json:"expiry,omitzero"` // zero when the server does not say
	Granted []string  `json:"granted,omitempty"`
}

// Format prints no token, whatever the verb.
func (t token) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("oauth.token")) }

// expired reports whether the token is of no more use to a request that goes out
// now.
func (t *token) expired(now time.Time) bool {
	const early = 10 * time.Second
	return !t.Expiry.IsZero() && now.Add(early).After(t.Expiry)
}

// setResource says which server the token is for (RFC 8707).
func (f *flow) setResource(form url.Values) {
	if value := f.resourceParameter(); value != "" {
		form.Set("resource", value)
	}
}

// resourceParameter returns the name of the server for its token, and "" to give
// none.
func (f *flow) resourceParameter() string {
	value := cmp.Or(f.config.InsecureResource, f.resource)
	if value == "none" {
		return ""
	}
	return value
}

// request asks the token endpoint for a token for the resource (RFC 8707,
// section 2.2, also when it refreshes). The secrets are those in the form that an
// error must not repeat.
func (f *flow) request(ctx context.Context, form url.Values, secrets ...string) (*token, error) {
	f.setResource(form)
	a, err := f.post(ctx, f.server.Token, form)
	if err != nil {
		return nil, fmt.Errorf("token request: %w", err)
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("token request: %w", refusal(a, append(secrets, f.client.Secret, form.Get("client_assertion"))...))
	}
	t, err := parseToken(a.body, f.key != nil, f.config.Now())
	if err != nil {
		return nil, fmt.Errorf("token response: %w", err)
	}
	return t, nil
}

// post sends a form as the client, with a proof of its key where there is one.
// A server that wants a nonce in the proof says so once (RFC 9449, section 8).
func (f *flow) post(ctx context.Context, endpoint string, form url.Values) (*answer, error) {
	var a *answer
	for range 2 {
		h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		if err := f.client.authenticate(form, h, f.server, f.config.Now()); err != nil {
			return nil, err
		}
		if f.key != nil {
			proof, err := f.key.proof(http.MethodPost, endpoint, "", f.nonces.get(endpoint), f.config.Now())
			if err != nil {
				return nil, err
			}
			h.Set("DPoP", proof)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, errors.New("make request")
		}
		req.Header = h
		if a, err = f.fetch.send(req); err != nil {
			return nil, err
		}
		fresh := f.nonces.keep(endpoint, a.header)
		if f.key == nil || a.status != http.StatusBadRequest || !fresh || !isCode(refusal(a), "use_dpop_nonce") {
			break
		}
	}
	return a, nil
}

// refusal reads an error response (RFC 6749, section 5.2).
func refusal(a *answer, secrets ...string) error {
	var said struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := decode(a.body, &said); err != nil {
		return &Error{Status: a.status}
	}
	return newError(a.status, said.Code, said.Description, secrets...)
}

// parseToken reads a token response (RFC 6749, section 5.1).
func parseToken(data []byte, mayBeBound bool, now time.Time) (*token, error) {
	var said struct {
		Access  string         `json:"access_token"`
		Type    string         `json:"token_type"`
		Expires jsontext.Value `json:"expires_in"`
		Refresh string         `json:"refresh_token"`
		ID      string         `json:"id_token"`
		Scope   *string        `json:"scope"`
	}
	if err := decode(data, &said); err != nil {
		return nil, err
	}
	t := &token{Access: said.Access, Refresh: said.Refresh, ID: said.ID}
	for _, value := range []string{t.Access, t.Refresh, t.ID} {
		if !validToken(value) {
			return nil, errors.New("a token that cannot be sent")
		}
	}
	switch {
	case t.Access == "":
		return nil, errors.New("no access token")
	case strings.EqualFold(said.Type, "DPoP") && mayBeBound:
		t.Bound = true
	case !strings.EqualFold(said.Type, "Bearer"):
		// A token of another type is not to be used (section 7.1).
		return nil, errors.New("a token of a type that was not asked for")
	}
	if said.Scope != nil {
		t.Granted = parseScopes(*said.Scope)
	}
	if life := parseLifetime(said.Expires); life > 0 {
		t.Expiry = now.Add(life)
	}
	return t, nil
}

// validToken reports whether s can be in a header field or a form, or is empty.
func validToken(s string) bool {
	return len(s) <= maxTokenBytes && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// parseLifetime reads expires_in, which some servers send as a string. What
// makes no sense is as if it were absent: the server will say when the token is
// no longer good.
func parseLifetime(value jsontext.Value) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(value), `"`), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	if seconds >= maxTokenLife.Seconds() {
		return maxTokenLife
	}
	return time.Duration(seconds) * time.Second
}
