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

// A peer is a server of another project that our client visits, in one version
// and over one transport.
type peer struct {
	server, version, transport string

	// dial connects to a server of the test's own.
	dial func(context.Context, *testing.T, ...client.Option) (*client.Client, error)

	// lacks says why stops are left out, by their names.
	lacks map[string]string
}

// A guest is our client on a tour of a server.
type guest struct {
	*client.Client
	peer peer

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
	var peers []peer
	peers = append(peers, goSDKPeers()...)
	peers = append(peers, mcpGoPeers()...)
	for _, p := range peers {
		t.Run(p.server+"/"+p.version+"/"+p.transport, func(t *testing.T) {
			t.Parallel()
			p.tour(t)
		})
	}
}

func (p peer) tour(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	g := p.visit(ctx, t, mcp.LoggingLevelWarning)
	for _, stop := range guestStops() {
		t.Run(stop.name, func(t *testing.T) {
			if reason := p.lacks[stop.name]; reason != "" {
				t.Logf("left out: %s", reason)
				return
			}
			ctx, cancel := context.WithTimeout(ctx, patience/3)
			defer cancel()
			g := g
			if p.losesSubscriptions() {
				g = p.visit(ctx, t, mcp.LoggingLevelWarning)
			}
			stop.visit(ctx, t, g)
		})
	}
}

// visit connects a client that answers all questions.
func (p peer) visit(ctx context.Context, t *testing.T, level mcp.LoggingLevel) *guest {
	t.Helper()
	g := &guest{peer: p, level: level, logs: make(chan mcp.LoggingMessageNotificationParams, 64), asked: make(chan string, 64)}
	c, err := p.dial(ctx, t, client.WithProtocolVersion(p.version), client.WithHandlers(g.handlers()))
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

// calls calls a tool without arguments and checks the text of its result.
func (g *guest) calls(ctx context.Context, t *testing.T, tool, want string, opts ...client.CallOption) {
	t.Helper()
	got, err := client.Call[string](ctx, g.Client, tool, struct{}{}, opts...)
	if err != nil || got != want {
		t.Errorf("call %s = %q, %v, want %q", tool, got, err, want)
	}
}

// isAsked checks that the server has asked for something by now. It may ask for
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

// commandPeer runs this test binary, or another program, as a server.
func commandPeer(process client.Process) func(context.Context, *testing.T, ...client.Option) (*client.Client, error) {
	return func(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
		t.Helper()
		process.Stderr = os.Stderr
		return client.Command(ctx, process, opts...)
	}
}

// fixturePeer runs this test binary as the fixture of that name.
func fixturePeer(name string) func(context.Context, *testing.T, ...client.Option) (*client.Client, error) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return commandPeer(client.Process{Path: self, Env: append(os.Environ(), fixtureVariable+"="+name)})
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

// newHTTPServer serves the handler until the test ends and returns its URL.
func newHTTPServer(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // some servers do not end their streams
		server.Close()
	})
	return server.URL
}
