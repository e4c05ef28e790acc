package interop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
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
		return readLock(t, func() (*client.Client, error) { return client.Connect(t.Context(), s.URL) })
	}
	want := []string{
		`breaking    tool get_weather: readOnlyHint is false now: the tool may change something now at /annotations/readOnlyHint`,
		`breaking    tool get_weather: argument "unit" is required now at /inputSchema/required`,
		`notice      tool get_weather: description changed (+3 tokens) at /description`,
		`compatible  tool get_weather: argument "days" added at /inputSchema/properties/days`,
		`compatible  prompt plan: optional argument "days" added at /arguments/days`,
	}
	compareLocks(t, lock(old), lock(now), want)
}

// readLock reads the lock of a server.
func readLock(t *testing.T, connect func() (*client.Client, error)) *contract.Lock {
	t.Helper()
	c, err := connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	lock, err := contract.Read(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return lock
}

func compareLocks(t *testing.T, before, now *contract.Lock, want []string) {
	t.Helper()
	got := strings.Split(strings.TrimSpace(contract.Compare(before, now).Text()), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the changes (-want +got):\n%s", diff)
	}
}

// Neither does it matter that a server is on the SDK for TypeScript or for Python, in
// either generation.
func TestContractOfTypeScriptServer(t *testing.T) {
	t.Parallel()
	servers := serversDir(t)
	for name, versions := range map[string]string{"sdk": "handshake", "server": "stateless"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lock := func(variant ...string) *contract.Lock {
				args := append([]string{filepath.Join("ts", "server.mjs"), servers, name, versions, "stdio"}, variant...)
				return readLock(t, func() (*client.Client, error) {
					return client.Command(t.Context(), client.Process{Path: filepath.Join(servers, "node"), Args: args})
				})
			}
			compareLocks(t, lock(), lock("changed"), []string{
				`breaking    tool add: new required argument "c" at /inputSchema/properties/c`,
				`compatible  tool add: property "count" added at /outputSchema/properties/count`,
			})
		})
	}
}

func TestContractOfPythonServer(t *testing.T) {
	t.Parallel()
	for _, peer := range []string{"sdk1", "sdk2"} {
		t.Run(peer, func(t *testing.T) {
			t.Parallel()
			interpreter := python(t, peer)
			lock := func(variant ...string) *contract.Lock {
				args := append([]string{filepath.Join("python", "server.py"), "stdio", "0"}, variant...)
				return readLock(t, func() (*client.Client, error) {
					return client.Command(t.Context(), client.Process{Path: interpreter, Args: args})
				})
			}
			compareLocks(t, lock(), lock("changed"), []string{`breaking    tool add: new required argument "c" at /inputSchema/properties/c`})
		})
	}
}
