package broker_test

import (
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/broker"
	"github.com/mcpengine/mcpengine/auth/idp"
)

// People sign in with Google from any host, by the URL of the server alone.
func Example() {
	resource, err := auth.NewResource("https://mcp.example.com/mcp",
		broker.Google("123-abc.apps.googleusercontent.com", "secret", broker.Config{
			Name:     "Message board",
			Scopes:   []broker.Scope{{Name: "messages:delete", Description: "Delete messages"}},
			Identity: []idp.Option{idp.RequireClaim("hd", "example.com")},
		}))
	if err != nil {
		fmt.Println(err)
		return
	}
	e := mcpengine.New("board", mcpengine.WithAuth(resource), mcpengine.WithKeys(make([]byte, 32)))
	for _, entry := range e.Explain()[:1] {
		fmt.Println(entry.Who)
		fmt.Println(entry.Why)
	}
	// Output:
	// people with an account at https://accounts.google.com
	// broker: client id metadata documents, dynamic registration; scopes messages:delete
}

// Machines get their tokens from the provider itself, beside the people who sign in
// through the broker.
func ExampleKeycloak() {
	const url = "https://mcp.example.com/mcp"
	_, err := auth.NewResource(url,
		broker.Keycloak("https://id.example.com", "board", "server", "secret", broker.Config{}),
		auth.WithProvider(idp.Keycloak("https://id.example.com", "board", url)))
	fmt.Println(err)
	// Output: <nil>
}
