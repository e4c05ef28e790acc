package upstream_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/auth/upstream"
)

const (
	tenantID      = "11111111-2222-3333-4444-555555555555"
	applicationID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

// A server calls Microsoft Graph as the person who calls a tool.
func Example() {
	client := upstream.EntraID(tenantID, applicationID, upstream.Secret("from a vault"))
	_, err := auth.NewResource("https://mcp.example.com/mcp",
		idp.EntraID(tenantID, applicationID),
		auth.WithUpstream(upstream.OnBehalfOf("https://graph.microsoft.com", client)))
	fmt.Println(err)

	// The handler of a tool.
	_ = func(ctx context.Context, _ struct{}) (string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://graph.microsoft.com/v1.0/me/messages", http.NoBody)
		if err != nil {
			return "", err
		}
		resp, err := auth.UpstreamClient("https://graph.microsoft.com").Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return string(text), err
	}
	// Output: <nil>
}

func ExampleTokenExchange() {
	keycloak := upstream.Keycloak("https://id.example.com", "staff", "mcp-server", upstream.Secret("from a vault"))
	_, err := auth.NewResource("https://mcp.example.com/mcp",
		idp.Keycloak("https://id.example.com", "staff", "https://mcp.example.com/mcp"),
		auth.WithUpstream(upstream.TokenExchange("orders", keycloak,
			upstream.WithScopes("orders-api"), upstream.WithOrigins("https://orders.example.com"))))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleProviderToken() {
	_, err := auth.NewResource("https://mcp.example.com/mcp",
		broker.Google("client id", "client secret", broker.Config{
			ProviderScopes: []string{"https://www.googleapis.com/auth/calendar.readonly"},
			ProviderToken:  true,
		}),
		auth.WithUpstream(upstream.ProviderToken(idp.GoogleIssuer, "https://www.googleapis.com")))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClientCredentials() {
	okta := upstream.Okta("https://example.okta.com/oauth2/default", "0oa1", upstream.SecretFromEnv("OKTA_SECRET_THAT_IS_NOT_SET"))
	_, err := auth.NewResource("https://mcp.example.com/mcp",
		idp.Okta("https://example.okta.com/oauth2/default", "https://mcp.example.com/mcp"),
		auth.WithUpstream(upstream.ClientCredentials("https://reports.example.com", okta, upstream.WithScopes("reports.read"))))
	fmt.Println(err)
	// Output: upstream "https://reports.example.com": client: the environment variable OKTA_SECRET_THAT_IS_NOT_SET with the client secret is not set
}
