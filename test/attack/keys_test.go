package attack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// Two servers share keys, such as a sandbox and production. A sealed value of
// one is refused by the other, and accepted by a replica of the first.
func TestAttackKeysOfAnotherServer(t *testing.T) {
	t.Parallel()
	server := func(url string) *mcpengine.Engine {
		e := mcpengine.New("shop", mcpengine.WithKeys(bytes.Repeat([]byte{7}, 32)), mcpengine.WithPageSize(1),
			mcpengine.WithHTTP(mcpengine.HTTPConfig{PublicURL: url}))
		for _, name := range []string{"one", "two"} {
			mcpengine.AddTool(e, name, "", func(ctx context.Context, _ none) (string, error) {
				_, err := mcpengine.Elicit[struct {
					Name string `json:"name"`
				}](ctx, "Who?", mcpengine.WithKey("who"))
				return "paid", err
			})
		}
		return e
	}
	sandbox, production := server("https://sandbox.example/mcp"), server("https://shop.example/mcp")
	replica := server("https://sandbox.example/mcp")

	var asked struct{ RequestState string }
	var page struct{ NextCursor string }
	for result, c := range map[any]call{&asked: {method: "tools/call", params: `"name":"one","arguments":{}`}, &page: {method: "tools/list"}} {
		a := sendStateless(t, sandbox, c)
		if err := json.Unmarshal(a.message(t).Result, result); err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
	}
	if asked.RequestState == "" || page.NextCursor == "" {
		t.Fatalf("the sandbox gave out %+v and %+v", asked, page)
	}
	for what, c := range map[string]call{
		"requestState": {method: "tools/call", params: fmt.Sprintf(
			`"name":"one","arguments":{},"requestState":%q,"inputResponses":{"who":{"action":"accept","content":{"name":"x"}}}`, asked.RequestState)},
		"cursor": {method: "tools/list", params: fmt.Sprintf(`"cursor":%q`, page.NextCursor)},
	} {
		if m := sendStateless(t, production, c).message(t); m.Error == nil || m.Error.Code != mcp.CodeInvalidParams {
			t.Errorf("%s of the sandbox in production: %s", what, m.Result)
		}
		for where, a := range map[string]answer{"over HTTP": sendStateless(t, replica, c), "on Lambda": sendLambda(t, replica, c)} {
			if m := a.message(t); m.Error != nil {
				t.Errorf("%s in a replica %s: %v", what, where, m.Error)
			}
		}
	}

	session := openSession(t, sandbox, "2025-11-25", nil)
	body := `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	if a := post(t, production, "/mcp", body, clone(session)); a.status != http.StatusNotFound {
		t.Errorf("a session of the sandbox in production: status %d, want 404", a.status)
	}
	if a := post(t, replica, "/mcp", body, clone(session)); a.status != http.StatusOK {
		t.Errorf("a session in a replica: status %d", a.status)
	}
}
