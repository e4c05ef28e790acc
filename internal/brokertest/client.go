package brokertest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A Client is a program that signs in to a server.
type Client struct {
	tb   testing.TB
	http http.Client

	// Issuer is the authorization server.
	Issuer string

	// ID and Redirect identify the client, and Resource is the server, if it names
	// one.
	ID, Redirect, Resource, Scope string

	// State and Verifier belong to one sign-in.
	State, Verifier string
}

// NewClient returns a client that is not registered yet.
func NewClient(tb testing.TB, transport http.RoundTripper, issuer, redirect, resource string) *Client {
	tb.Helper()
	return &Client{
		tb: tb, http: http.Client{Transport: transport}, Issuer: issuer, Redirect: redirect, Resource: resource,
		State: rand.Text(), Verifier: rand.Text() + rand.Text(),
	}
}

// An Answer is a response of JSON.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any
}

// Text returns a member of the response.
func (a Answer) Text(name string) string {
	text, _ := a.JSON[name].(string)
	return text
}

// Register registers a client with the metadata, and takes its id.
func (c *Client) Register(metadata map[string]any) Answer {
	c.tb.Helper()
	body, err := json.Marshal(metadata)
	if err != nil {
		c.tb.Fatal(err)
	}
	a := c.Send("/oauth/register", "application/json", string(body))
	c.ID = a.Text("client_id")
	return a
}

// AuthorizationURL is the client's authorization request. The changes replace
// parameters, or leave them out where they are empty.
func (c *Client) AuthorizationURL(changes map[string]string) string {
	sum := sha256.Sum256([]byte(c.Verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.Redirect}, "state": {c.State},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for name, value := range map[string]string{"resource": c.Resource, "scope": c.Scope} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range changes {
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
	}
	return c.Issuer + "/oauth/authorize?" + q.Encode()
}

// Authorize has a person sign in and agree. It returns the parameters that the
// browser brings back.
func (c *Client) Authorize(b *Browser) url.Values {
	c.tb.Helper()
	page := b.Get(c.AuthorizationURL(nil))
	return c.Back(b.Follow(b.Decide(page, "allow"), c.Redirect))
}

// Back returns the parameters of a URL that the browser is sent back to.
func (c *Client) Back(target string) url.Values {
	c.tb.Helper()
	u, err := url.Parse(target)
	if err != nil {
		c.tb.Fatal(err)
	}
	return u.Query()
}

// Redeem exchanges a code.
func (c *Client) Redeem(code string, changes map[string]string) Answer {
	c.tb.Helper()
	return c.Token(map[string]string{
		"grant_type": "authorization_code", "code": code, "client_id": c.ID, "redirect_uri": c.Redirect,
		"code_verifier": c.Verifier, "resource": c.Resource,
	}, changes)
}

// Refresh exchanges a refresh token.
func (c *Client) Refresh(token string, changes map[string]string) Answer {
	c.tb.Helper()
	return c.Token(map[string]string{"grant_type": "refresh_token", "refresh_token": token, "client_id": c.ID}, changes)
}

// Token sends a token request. The changes replace parameters, or leave them out
// where they are empty.
func (c *Client) Token(params, changes map[string]string) Answer {
	c.tb.Helper()
	form := url.Values{}
	for _, values := range []map[string]string{params, changes} {
		for name, value := range values {
			if form.Set(name, value); value == "" {
				form.Del(name)
			}
		}
	}
	return c.Send("/oauth/token", "application/x-www-form-urlencoded", form.Encode())
}

// Send posts a body to an endpoint.
func (c *Client) Send(path, contentType, body string) Answer {
	c.tb.Helper()
	req, err := http.NewRequestWithContext(c.tb.Context(), http.MethodPost, c.Issuer+path, strings.NewReader(body))
	if err != nil {
		c.tb.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(req)
	if err != nil {
		c.tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.tb.Fatal(err)
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
	_ = json.Unmarshal(text, &a.JSON) // JSON stays nil for another body
	return a
}
