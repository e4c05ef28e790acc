package interop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/contract"
)

// checkLock has the lock of a server read twice, written and compared.
func checkLock(ctx context.Context, t *testing.T, c *client.Client) {
	t.Helper()
	var locks []*contract.Lock
	for range 2 {
		lock, err := contract.Read(ctx, c)
		if err != nil {
			t.Errorf("read the lock: %v", err)
			return
		}
		locks = append(locks, lock)
	}
	text, err := locks[0].Encode()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := contract.Parse(text)
	if err != nil {
		t.Fatalf("its own lock is refused: %v", err)
	}
	if changes := append(contract.Compare(locks[0], locks[1]), contract.Compare(parsed, locks[1])...); len(changes) > 0 || len(parsed.Tools) == 0 {
		t.Errorf("the server differs from itself, or has no tools: %s", changes.Text())
	}
}

// A change of a server on the Go SDK has the class that it has on any server.
func TestContractOfSDKServer(t *testing.T) {
	t.Parallel()
	type before struct {
		City string `json:"city"`
		Unit string `json:"unit,omitempty"`
	}
	type after struct {
		City string `json:"city"`
		Unit string `json:"unit"`
		Days int    `json:"days,omitempty"`
	}
	old := sdk.NewServer(&sdk.Implementation{Name: "weather", Version: "1.0.0"}, nil)
	sdk.AddTool(old, &sdk.Tool{Name: "get_weather", Description: "Return the weather.", Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true}},
		func(context.Context, *sdk.CallToolRequest, before) (*sdk.CallToolResult, any, error) {
			return nil, nil, nil
		})
	old.AddPrompt(&sdk.Prompt{Name: "plan"}, nil)
	now := sdk.NewServer(&sdk.Implementation{Name: "weather", Version: "2.0.0"}, nil)
	sdk.AddTool(now, &sdk.Tool{Name: "get_weather", Description: "Return the weather of a city."},
		func(context.Context, *sdk.CallToolRequest, after) (*sdk.CallToolResult, any, error) {
			return nil, nil, nil
		})
	now.AddPrompt(&sdk.Prompt{Name: "plan", Arguments: []*sdk.PromptArgument{{Name: "days"}}}, nil)

	lock := func(server *sdk.Server) *contract.Lock {
		s := httptest.NewServer(sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, nil))
		t.Cleanup(s.Close)
		c, err := client.Connect(t.Context(), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		l, err := contract.Read(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	want := []string{
		`breaking    tool get_weather: readOnlyHint is false now: the tool may change something now at /annotations/readOnlyHint`,
		`breaking    tool get_weather: argument "unit" is required now at /inputSchema/required`,
		`notice      tool get_weather: description changed (+3 tokens) at /description`,
		`compatible  tool get_weather: argument "days" added at /inputSchema/properties/days`,
		`compatible  prompt plan: optional argument "days" added at /arguments/days`,
	}
	got := strings.Split(strings.TrimSpace(contract.Compare(lock(old), lock(now)).Text()), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the changes (-want +got):\n%s", diff)
	}
}
