package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// visit acts as a browser whose user agrees at once. It does not follow the
// redirect.
func (d *domain) visit(ctx context.Context, authorizationURL string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, authorizationURL, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := d.RoundTrip(req)
	if err != nil {
		return "", err
	}
	return resp.Header.Get("Location"), resp.Body.Close()
}

// Each grant sends the token request of its RFC.
func TestGrants(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := newDomain()
	byCode := client.AuthorizationCode{Visit: d.visit, RedirectURI: "http://127.0.0.1:8123/callback"}
	constant := func(value string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return value, nil }
	}
	const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	for _, test := range []struct {
		name  string
		oauth client.OAuth
		form  map[string]string
		basic string // the credentials of HTTP Basic
	}{
		{"authorization code", client.OAuth{Grant: byCode, Scopes: []string{"more"}}, map[string]string{
			"grant_type": "authorization_code", "code": "the-code", "client_id": "registered tester", "redirect_uri": byCode.RedirectURI,
		}, ""},
		{"client id metadata document", client.OAuth{Grant: byCode, MetadataURL: "https://app.example.com/client.json"}, map[string]string{
			"client_id": "https://app.example.com/client.json",
		}, ""},
		{"registered beforehand", client.OAuth{Grant: byCode, ClientID: "app", ClientSecret: "hunter2", Issuer: issuer}, map[string]string{
			"grant_type": "authorization_code",
		}, "app:hunter2"},
		{"DPoP", client.OAuth{Grant: byCode, DPoP: true}, map[string]string{"grant_type": "authorization_code"}, ""},
		{"client credentials", client.OAuth{Grant: client.ClientCredentials{}, ClientID: "app", ClientSecret: "hunter2"}, map[string]string{
			"grant_type": "client_credentials", "scope": "read",
		}, "app:hunter2"},
		{"private_key_jwt", client.OAuth{Grant: client.ClientCredentials{}, ClientID: "app", Key: key, KeyID: "1"}, map[string]string{
			"grant_type": "client_credentials", "client_id": "app",
			"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		}, ""},
		{"JWT bearer", client.OAuth{Grant: client.JWTBearer{Assertion: func(_ context.Context, audience string) (string, error) {
			return "for-" + audience, nil
		}}}, map[string]string{"grant_type": jwtBearer, "assertion": "for-" + issuer}, ""},
		{"enterprise-managed authorization", client.OAuth{ClientID: "app", ClientSecret: "hunter2", Grant: client.EnterpriseManaged{
			TokenEndpoint: "https://idp.example.com/token", ClientID: "idp-app", IDToken: constant("the-id-token"),
		}}, map[string]string{"grant_type": jwtBearer, "assertion": "the-assertion"}, "app:hunter2"},
	} {
		c, err := client.Connect(t.Context(), domainURL, append(d.options(test.oauth), client.WithImplementation(mcp.Implementation{Name: "tester"}))...)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got, err := client.Call[string](t.Context(), c, "weather", map[string]any{"city": "Oslo"}); err != nil || got != "sunny in Oslo" {
			t.Errorf("%s: weather = %q, %v", test.name, got, err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		last := d.last()
		test.form["resource"] = domainURL
		for name, want := range test.form {
			if got := last.form.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", test.name, name, got, want)
			}
		}
		if id, secret, ok := (&http.Request{Header: last.header}).BasicAuth(); ok != (test.basic != "") || ok && id+":"+secret != test.basic {
			t.Errorf("%s: authenticated as %q with %q, want %q", test.name, id, secret, test.basic)
		}
		if bound := last.header.Get("Dpop") != ""; bound != test.oauth.DPoP {
			t.Errorf("%s: the token is bound to a key: %t", test.name, bound)
		}
	}
}

// The credentials of a program go only to the server that knows them.
func TestCredentialsOfGrants(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	connect := func(t *testing.T, o client.OAuth) (*domain, error) {
		t.Helper()
		d := newDomain()
		if code, ok := o.Grant.(client.AuthorizationCode); ok {
			code.Visit = d.visit
			o.Grant = code
		}
		c, err := client.Connect(t.Context(), domainURL, d.options(o)...)
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return d, err
	}
	t.Run("the key has its name", func(t *testing.T) {
		t.Parallel()
		d, err := connect(t, client.OAuth{Grant: client.ClientCredentials{}, ClientID: "app", Key: key, KeyID: "key-7"})
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(d.last().form.Get("client_assertion"), ".")
		decoded, err := base64.RawURLEncoding.DecodeString(head)
		if err != nil || !strings.Contains(string(decoded), `"kid":"key-7"`) {
			t.Errorf("the head of the assertion is %s, %v", decoded, err)
		}
	})
	t.Run("another issuer gets no secret", func(t *testing.T) {
		t.Parallel()
		d, err := connect(t, client.OAuth{
			Grant: client.AuthorizationCode{RedirectURI: "http://127.0.0.1:8123/callback"}, ClientID: "app", ClientSecret: "hunter2", Issuer: "https://other.example.com",
		})
		if err == nil {
			t.Error("the program has signed in")
		}
		if n := len(d.tokens); n != 0 {
			t.Errorf("%d token requests to %s", n, issuer)
		}
	})
	t.Run("each server of an enterprise has its secret", func(t *testing.T) {
		t.Parallel()
		d, err := connect(t, client.OAuth{ClientID: "app", ClientSecret: "hunter2", Grant: client.EnterpriseManaged{
			TokenEndpoint: "https://idp.example.com/token", ClientID: "idp-app", ClientSecret: "hunter3",
			IDToken: func(context.Context) (string, error) { return "the-id-token", nil },
		}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range d.tokens {
			id, secret, ok := (&http.Request{Header: r.header}).BasicAuth()
			if !ok {
				id, secret = r.form.Get("client_id"), r.form.Get("client_secret")
			}
			got = append(got, r.form.Get("grant_type")+" "+id+":"+secret)
		}
		want := []string{
			"urn:ietf:params:oauth:grant-type:token-exchange idp-app:hunter3",
			"urn:ietf:params:oauth:grant-type:jwt-bearer app:hunter2",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("token requests (-want +got):\n%s", diff)
		}
	})
}

// A person may take a long time on another device.
func TestDeviceCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDomain()
		defer d.engine.Close()
		d.polls = 3
		var shown []client.Verification
		c, err := client.Connect(t.Context(), domainURL, d.options(client.OAuth{Grant: client.DeviceCode{Show: func(_ context.Context, v client.Verification) error {
			shown = append(shown, v)
			return nil
		}}})...)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got := fmt.Sprint(d.last().form["device_code"], len(d.tokens), len(shown)); got != "[the-device] 4 1" {
			t.Errorf("device code, token requests and codes shown = %s", got)
		}
		if shown[0].UserCode != "ABCD-EFGH" || shown[0].URL != issuer+"/go" || shown[0].Expires.IsZero() {
			t.Errorf("shown %+v", shown[0])
		}
	})
}

// The error of a refusal has the authorization server's reason, and no secret.
func TestOAuthError(t *testing.T) {
	t.Parallel()
	d := newDomain()
	d.refuse = true
	_, err := client.Connect(t.Context(), domainURL, d.options(client.OAuth{
		Grant: client.ClientCredentials{}, ClientID: "app", ClientSecret: "hunter2",
	})...)
	if _, ok := errors.AsType[*client.AuthError](err); !ok {
		t.Errorf("Connect = %v, want an AuthError", err)
	}
	if e, ok := errors.AsType[*client.OAuthError](err); !ok || e.Code != "access_denied" || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Connect = %v, want an OAuthError", err)
	}
}
