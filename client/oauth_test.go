package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/authtest"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/oidctest"
)

// A client signs its person in when the server asks for it, and a folder keeps
// that for the next one.
func TestWithOAuth(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	url := server.URL + "/mcp"
	provider := oidctest.Start(t, oidctest.Config{Resources: map[string]oidctest.Resource{url: {Scopes: []string{"mcp:read"}}}})
	resource, err := auth.NewResource(url, idp.OIDC(provider.Issuer(), url), auth.WithScopes("mcp:read"))
	if err != nil {
		t.Fatal(err)
	}
	e := mcpengine.New("protected", mcpengine.WithAuth(resource))
	mcpengine.AddTool(e, "whoami", "Say who is calling.", func(ctx context.Context, _ struct{}) (string, error) {
		return auth.UserFrom(ctx).Subject, nil
	})
	mux.Handle("/", e)
	visits := 0
	o := client.OAuth{Dir: t.TempDir(), Open: func(ctx context.Context, target string) error {
		visits++
		callback, err := provider.Login(ctx, target)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, callback, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}}
	for range 2 {
		c, err := client.Connect(t.Context(), url, client.WithOAuth(o))
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.Call[string](t.Context(), c, "whoami", nil)
		if err != nil || got != "alice" {
			t.Errorf("whoami = %q, %v", got, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if visits != 1 {
		t.Errorf("%d sign-ins, want 1", visits)
	}
}

// A configuration that cannot work is refused before any request is sent, and
// the error has no secret.
func TestWithOAuthRefused(t *testing.T) {
	t.Parallel()
	visit := func(context.Context, string) (string, error) { return "", nil }
	open := func(context.Context, string) error { return nil }
	idToken := func(context.Context) (string, error) { return "", nil }
	const secure = "https://mcp.example.com/mcp"
	for _, test := range []struct {
		url   string
		oauth client.OAuth
		want  string
	}{
		{"http://mcp.example.com/mcp", client.OAuth{}, "server URL: not an https URL"}, // H14
		{secure, client.OAuth{ClientSecret: "hunter2"}, "client credentials without a client id"},
		{secure, client.OAuth{Scopes: []string{`a"b`}}, "is not a scope"},
		{secure, client.OAuth{MetadataURL: "https://app.example.com"}, "client metadata URL"},
		{secure, client.OAuth{Open: open, Grant: client.ClientCredentials{}}, "Open and Grant"},
		{secure, client.OAuth{Grant: client.AuthorizationCode{Open: open, Visit: visit}}, "Open and Visit"},
		{secure, client.OAuth{Grant: client.AuthorizationCode{Visit: visit}}, "RedirectURI"},
		{secure, client.OAuth{Grant: client.ClientCredentials{}}, "no ClientID"},
		{secure, client.OAuth{Grant: client.ClientCredentials{}, ClientID: "app"}, "neither ClientSecret nor Key"},
		{secure, client.OAuth{Grant: client.DeviceCode{}}, "no Show"},
		{secure, client.OAuth{Grant: client.JWTBearer{}}, "no Assertion"},
		{secure, client.OAuth{Grant: client.EnterpriseManaged{ClientID: "app", ClientSecret: "hunter2", IDToken: idToken}}, "no TokenEndpoint"},
		{secure, client.OAuth{Grant: client.EnterpriseManaged{TokenEndpoint: "https://idp.example.com/token", IDToken: idToken}}, "ClientID"},
		{secure, client.OAuth{Grant: client.EnterpriseManaged{TokenEndpoint: "https://idp.example.com/token", ClientID: "app"}}, "IDToken"},
	} {
		_, err := client.Connect(t.Context(), test.url, client.WithOAuth(test.oauth))
		if err == nil || !strings.HasPrefix(err.Error(), "prepare to sign in: ") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Connect with %v: %v, want %q", test.oauth, err, test.want)
		}
	}
}

// Printing a configuration shows no secret.
func TestAttackH12Printing(t *testing.T) {
	t.Parallel()
	o := client.OAuth{ClientID: "app", ClientSecret: "hunter2", Grant: client.EnterpriseManaged{ClientSecret: "hunter2"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb+" "+verb, o, o.Grant); strings.Contains(got, "hunter2") || strings.Contains(got, "68756e74657232") {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

// A provider that refuses the server's identifier gets another one, or none.
func TestInsecureResource(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(nil)
	t.Cleanup(s.Close)
	server := "http://" + s.Listener.Addr().String() + "/mcp"
	resource, err := auth.NewResource(server, broker.OIDC(authtest.NewProvider(t).Issuer(), "server", "secret", broker.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	s.Config.Handler = mcpengine.New("protected", mcpengine.WithAuth(resource))
	s.Start()
	for value, want := range map[string]string{"": server, "none": "", "api://notes": "api://notes"} {
		enough := errors.New("enough")
		var got string
		_, err := client.Connect(t.Context(), server, client.WithOAuth(client.OAuth{InsecureResource: value, Open: func(_ context.Context, target string) error {
			u, err := url.Parse(target)
			if err == nil {
				got, err = u.Query().Get("resource"), enough
			}
			return err
		}}))
		if !errors.Is(err, enough) || got != want {
			t.Errorf("%q: resource = %q, want %q: %v", value, got, want, err)
		}
	}
}
