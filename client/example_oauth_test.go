package client_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine/client"
)

// A person signs in with the system's browser when the server asks for it, and
// the next time is remembered.
func ExampleWithOAuth() {
	ctx := context.Background()
	c, err := client.Connect(ctx, "https://mcp.example.com/mcp", client.WithOAuth(client.OAuth{
		Dir: "/home/ada/.config/app/tokens",
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(client.Call[string](ctx, c, "weather", map[string]any{"city": "Tokyo"}))
}

// A program signs in for itself, with a secret from its environment.
func ExampleClientCredentials() {
	internet := &http.Client{Transport: newDomain()} // stands in for the real one
	ctx := context.Background()

	c, err := client.Connect(ctx, "https://mcp.example.com/mcp", client.WithHTTPClient(internet), client.WithOAuth(client.OAuth{
		Grant:        client.ClientCredentials{},
		ClientID:     "nightly-report",
		ClientSecret: "from the environment",
		HTTPClient:   internet,
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(client.Call[string](ctx, c, "weather", map[string]any{"city": "Tokyo"}))
	// Output:
	// sunny in Tokyo <nil>
}

// A program gets a token with an assertion of the platform that it runs on.
func ExampleJWTBearer() {
	internet := &http.Client{Transport: newDomain()} // stands in for the real one
	ctx := context.Background()
	platformToken := func(_ context.Context, audience string) (string, error) {
		return "signed.by.the-platform", nil // for that audience, and fresh
	}

	c, err := client.Connect(ctx, "https://mcp.example.com/mcp", client.WithHTTPClient(internet), client.WithOAuth(client.OAuth{
		Grant:      client.JWTBearer{Assertion: platformToken},
		HTTPClient: internet,
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(client.Call[string](ctx, c, "weather", map[string]any{"city": "Tokyo"}))
	// Output:
	// sunny in Tokyo <nil>
}

// A person at a terminal agrees on a telephone.
func ExampleDeviceCode() {
	o := client.OAuth{Grant: client.DeviceCode{Show: func(_ context.Context, v client.Verification) error {
		fmt.Printf("Go to %s and enter %s.\n", v.URL, v.UserCode)
		return nil
	}}}
	c, err := client.Connect(context.Background(), "https://mcp.example.com/mcp", client.WithOAuth(o))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
}

// An enterprise has signed the person in, and says which servers the program may
// use.
func ExampleEnterpriseManaged() {
	idToken := func(context.Context) (string, error) { return "of the person who has signed in", nil }
	o := client.OAuth{
		ClientID:     "app at the server's authorization server",
		ClientSecret: "from the environment",
		Grant: client.EnterpriseManaged{
			TokenEndpoint: "https://login.example.com/token",
			ClientID:      "app at the enterprise",
			IDToken:       idToken,
		},
	}
	fmt.Println(o)
	// Output:
	// client.OAuth(app at the server's authorization server)
}

// A program with a browser of its own visits the authorization server itself.
func ExampleAuthorizationCode() {
	d := newDomain()
	internet := &http.Client{Transport: d} // stands in for the real one
	ctx := context.Background()

	c, err := client.Connect(ctx, "https://mcp.example.com/mcp", client.WithHTTPClient(internet), client.WithOAuth(client.OAuth{
		Grant:      client.AuthorizationCode{Visit: d.visit, RedirectURI: "https://app.example.com/callback"},
		HTTPClient: internet,
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(client.Call[string](ctx, c, "weather", map[string]any{"city": "Tokyo"}))
	// Output:
	// sunny in Tokyo <nil>
}
