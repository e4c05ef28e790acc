package interop_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// A host is a server of somebody else's that our client visits: which one, in
// which version, over which transport.
type host struct {
	server, version, transport string

	// dial connects to a server of the test's own.
	dial func(context.Context, *testing.T, ...client.Option) (*client.Client, error)

	// lacks says why stops are left out, by their names.
	lacks map[string]string
}

// A guest is our client on its way through a server.
type guest struct {
	*client.Client
	host host

	level mcp.LoggingLevel // of the logs it wants
	logs  chan mcp.LoggingMessageNotificationParams
	asked chan string
}

// A guestStop is something our client does at a server.
type guestStop struct {
	name  string
	visit func(context.Context, *testing.T, *guest)
}

func guestStops() []guestStop {
	return []guestStop{
		{"connect", guestConnects},
		{"list tools", guestListsTools},
		{"call", guestCalls},
		{"typed call", guestCallsTyped},
		{"call that fails", guestCallFails},
		{"progress", guestHearsProgress},
		{"logging", guestHearsLogs},
		{"resources", guestReadsResources},
		{"prompts", guestGetsPrompts},
		{"completion", guestCompletes},
		{"elicitation", guestFillsForm},
		{"elicitation by URL", guestOpensURL},
		{"sampling", guestSamples},
		{"roots", guestListsRoots},
		{"cancellation", guestCancels},
		{"subscription", guestSubscribes},
		{"list changed", guestHearsOfTools},
	}
}

// TestClientTour takes our client through the servers of the other Go frameworks.
func TestClientTour(t *testing.T) {
	t.Parallel()
	var hosts []host
	hosts = append(hosts, goSDKHosts()...)
	hosts = append(hosts, mcpGoHosts()...)
	for _, h := range hosts {
		t.Run(h.server+"/"+h.version+"/"+h.transport, func(t *testing.T) {
			t.Parallel()
			h.tour(t)
		})
	}
}

func (h host) tour(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	g := h.visit(ctx, t, mcp.LoggingLevelWarning)
	for _, stop := range guestStops() {
		t.Run(stop.name, func(t *testing.T) {
			if reason := h.lacks[stop.name]; reason != "" {
				t.Logf("left out: %s", reason)
				return
			}
			ctx, cancel := context.WithTimeout(ctx, patience/3)
			defer cancel()
			g := g
			if h.losesSubscriptions() {
				g = h.visit(ctx, t, mcp.LoggingLevelWarning)
			}
			stop.visit(ctx, t, g)
		})
	}
}

// visit connects a client that answers whatever it is asked.
func (h host) visit(ctx context.Context, t *testing.T, level mcp.LoggingLevel) *guest {
	t.Helper()
	g := &guest{host: h, level: level, logs: make(chan mcp.LoggingMessageNotificationParams, 64), asked: make(chan string, 64)}
	c, err := h.dial(ctx, t, client.WithProtocolVersion(h.version), client.WithHandlers(g.handlers()))
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	g.Client = c
	return g
}

func (g *guest) handlers() client.Handlers {
	return client.Handlers{
		ElicitForm: func(_ context.Context, p mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
			g.asked <- p.Message
			return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(`{"user":"ada"}`)}, nil
		},
		ElicitURL: func(_ context.Context, p mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) {
			g.asked <- p.Message + " " + p.URL
			return mcp.ElicitResult{Action: mcp.ElicitActionAccept}, nil
		},
		CreateMessage: func(_ context.Context, p mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error) {
			g.asked <- fmt.Sprint(len(p.Messages), " ", p.MaxTokens)
			return &mcp.CreateMessageResult{
				Role: mcp.RoleAssistant, Model: "oracle",
				Content: mcp.SamplingMessageContentBlocks{mcp.TextContent{Text: "Paris"}},
			}, nil
		},
		ListRoots: func(context.Context) ([]mcp.Root, error) {
			g.asked <- "roots"
			return []mcp.Root{{URI: "file:///home/ada"}}, nil
		},
		Log:      func(p mcp.LoggingMessageNotificationParams) { g.logs <- p },
		LogLevel: g.level,
	}
}

// calls calls a tool without arguments and wants a text.
func (g *guest) calls(ctx context.Context, t *testing.T, tool, want string, opts ...client.CallOption) {
	t.Helper()
	got, err := client.Call[string](ctx, g.Client, tool, struct{}{}, opts...)
	if err != nil || got != want {
		t.Errorf("call %s = %q, %v, want %q", tool, got, err, want)
	}
}

// isAsked wants the server to have asked for something by now. It may ask for
// roots at any time.
func (g *guest) isAsked(t *testing.T, want string) {
	t.Helper()
	for {
		select {
		case got := <-g.asked:
			if got == "roots" && want != "roots" {
				continue
			}
			if got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
			return
		default:
			t.Errorf("nothing asked, want %q", want)
			return
		}
	}
}

// commandHost runs this test binary, or another program, as a server.
func commandHost(process client.Process) func(context.Context, *testing.T, ...client.Option) (*client.Client, error) {
	return func(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
		t.Helper()
		process.Stderr = os.Stderr
		return client.Command(ctx, process, opts...)
	}
}

// fixtureHost runs this test binary as the fixture of that name.
func fixtureHost(name string) func(context.Context, *testing.T, ...client.Option) (*client.Client, error) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return commandHost(client.Process{Path: self, Env: append(os.Environ(), fixtureVariable+"="+name)})
}

// allTools are the tools of every fixture, in no order.
var allTools = []string{
	"add", "ask_model", "climb", "complain", "greet", "learn", "list_roots", "sign_in", "sign_up", "touch",
	"wait", "wait_cancelled",
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// newHostServer serves the handler until the test ends and returns its URL.
func newHostServer(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // some servers do not end their streams
		server.Close()
	})
	return server.URL
}
