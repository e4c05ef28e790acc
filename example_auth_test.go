package mcpengine_test

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/auth/idp"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcptest"
)

// robots are the callers of the examples: one, with a token that was made by
// hand and these scopes.
func robots(scopes ...string) *auth.Resource {
	resource, err := auth.NewResource("https://mcp.example.com/mcp", auth.StaticTokens(map[string]auth.User{
		auth.HashToken("kx7Tq0Vn2cYw8sLz"): {Subject: "nightly", Machine: true, Scopes: scopes},
	}), auth.OpenDiscovery())
	if err != nil {
		panic(err)
	}
	return resource
}

// asRobot returns a client that sends the token.
func asRobot(e *mcpengine.Engine) *client.Client {
	return mcptest.New(e, client.WithHeader("Authorization", "Bearer kx7Tq0Vn2cYw8sLz"))
}

// try calls a tool and says what came of it.
func try(c *client.Client, tool string) string {
	result, err := c.CallTool(context.Background(), tool, map[string]any{})
	if err != nil {
		return fmt.Sprint(tool, ": ", err)
	}
	return fmt.Sprint(tool, ": ", result.Text())
}

// Every feature needs a valid token unless it is public.
func ExampleWithAuth() {
	resource, err := auth.NewResource("https://mcp.example.com/mcp",
		idp.OIDC("https://id.example.com", "https://mcp.example.com/mcp"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	e := mcpengine.New("board", mcpengine.WithAuth(resource))
	mcpengine.AddTool(e, "whoami", "Say who is calling.",
		func(ctx context.Context, _ struct{}) (string, error) { return auth.UserFrom(ctx).Name, nil })
	if err := e.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func ExamplePublic() {
	e := mcpengine.New("board", mcpengine.WithAuth(robots()))
	hello := func(context.Context, struct{}) (string, error) { return "hello", nil }
	mcpengine.AddTool(e, "hello", "Greet anybody.", hello, mcpengine.Public())
	mcpengine.AddTool(e, "greet", "Greet a verified caller.", hello)
	fmt.Println(try(mcptest.New(e), "hello"))
	fmt.Println(try(mcptest.New(e), "greet"))
	fmt.Println(try(asRobot(e), "greet"))
	// Output:
	// hello: hello
	// greet: HTTP 401 Unauthorized: an access token is required (-32600)
	// greet: hello
}

func ExampleRequireScopes() {
	e := mcpengine.New("board", mcpengine.WithAuth(robots("mcp:read")))
	done := func(context.Context, struct{}) (string, error) { return "done", nil }
	mcpengine.AddTool(e, "read", "Read the board.", done, mcpengine.RequireScopes("mcp:read"))
	mcpengine.AddTool(e, "post", "Post a message.", done, mcpengine.RequireScopes("mcp:write"))
	fmt.Println(try(asRobot(e), "read"))
	fmt.Println(try(asRobot(e), "post"))
	// Output:
	// read: done
	// post: HTTP 403 Forbidden: insufficient_scope: the access token lacks a scope that this operation needs (-32600)
}

func ExampleAllow() {
	e := mcpengine.New("board", mcpengine.WithAuth(robots()))
	done := func(context.Context, struct{}) (string, error) { return "done", nil }
	mcpengine.AddTool(e, "report", "Make the nightly report.", done, mcpengine.Allow(auth.Machine()))
	mcpengine.AddTool(e, "vote", "Vote on a proposal.", done, mcpengine.Allow(auth.Person()))
	fmt.Println(try(asRobot(e), "report"))
	fmt.Println(try(asRobot(e), "vote"))
	// Output:
	// report: done
	// vote: the caller is not allowed to do this (-32600)
}

// To a caller that may not use it, a hidden feature does not exist.
func ExampleHidden() {
	e := mcpengine.New("board", mcpengine.WithAuth(robots()))
	mcpengine.AddTool(e, "purge", "Delete everything.",
		func(context.Context, struct{}) (string, error) { return "gone", nil },
		mcpengine.RequireScopes("mcp:admin"), mcpengine.Hidden())
	fmt.Println(try(asRobot(e), "purge"))
	// Output:
	// purge: Unknown tool: "purge" (-32602)
}

// A handler can demand more than its tool does.
func ExampleCheckScopes() {
	e := mcpengine.New("board", mcpengine.WithAuth(robots("mcp:read")))
	mcpengine.AddTool(e, "edit", "Edit or delete a message.",
		func(ctx context.Context, in struct {
			Delete bool `json:"delete,omitempty"`
		},
		) (string, error) {
			if in.Delete {
				if err := mcpengine.CheckScopes(ctx, "mcp:delete"); err != nil {
					return "", err
				}
			}
			return "done", nil
		})
	_, err := asRobot(e).CallTool(context.Background(), "edit", map[string]any{"delete": true})
	fmt.Println(err)
	// Output:
	// HTTP 403 Forbidden: insufficient_scope: the access token lacks a scope that this operation needs (-32600)
}

func ExampleEngine_Explain() {
	e := mcpengine.New("board", mcpengine.WithAuth(robots()))
	done := func(context.Context, struct{}) (string, error) { return "done", nil }
	mcpengine.AddTool(e, "hello", "", done, mcpengine.Public())
	mcpengine.AddTool(e, "list", "", done)
	mcpengine.AddTool(e, "post", "", done, mcpengine.RequireScopes("mcp:write"), mcpengine.Allow(auth.Person()))
	for _, entry := range e.Explain() {
		fmt.Printf("%s: %s (%s)\n", entry.Name, entry.Who, entry.Why)
	}
	// Output:
	// lists, server/discover: everybody (auth.OpenDiscovery)
	// hello: everybody (Public)
	// list: a verified caller (default of WithAuth)
	// post: a verified caller with the scope mcp:write, who must be a person (RequireScopes, Allow)
}
