package oauth_test

import (
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// An authorizer is asked before each request, and told of each refusal.
func Example() {
	authorizer, err := oauth.New(oauth.Config{Server: "https://mcp.example.com/mcp"})
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func(req *http.Request) (*http.Response, error) {
		if err := authorizer.Authorize(req.Context(), req); err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
			return resp, err
		}
		retry, err := authorizer.Challenged(req.Context(), resp)
		fmt.Println("send it again:", retry)
		return resp, err
	}
	_ = send
	// Output:
}
