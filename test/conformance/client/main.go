// Command client is the client that the official MCP conformance suite tests:
//
//	MCP_CONFORMANCE_SCENARIO=tools_call go run ./conformance/client http://localhost:3000/mcp
//
// It exits with 0 when it could do what the scenario asks for.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/mcp"
)

// timeout is less than the suite waits.
const timeout = 25 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "conformance-client: error: %v\n", err)
		os.Exit(1)
	}
}

// run does what the scenario asks for.
func run(ctx context.Context, args []string, getenv func(string) string) error {
	if len(args) != 1 {
		return errors.New("usage: conformance-client URL")
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s := scenario{name: getenv("MCP_CONFORMANCE_SCENARIO"), version: getenv("MCP_CONFORMANCE_PROTOCOL_VERSION")}
	if text := getenv("MCP_CONFORMANCE_CONTEXT"); text != "" {
		if err := json.Unmarshal([]byte(text), &s.context); err != nil {
			return fmt.Errorf("read MCP_CONFORMANCE_CONTEXT: %w", err)
		}
	}
	steps, ok := scenarios[s.name]
	switch {
	case ok:
	case strings.HasPrefix(s.name, authPrefix):
		steps = callEach("test-tool")
	default:
		steps = listTools
	}
	options, err := s.options()
	if err != nil {
		return err
	}
	c, err := client.Connect(ctx, args[0], options...)
	if err != nil {
		return err
	}
	defer c.Close()
	return steps(ctx, c, s)
}

// A scenario is the task that the suite sets the client.
type scenario struct {
	name    string
	version string // the suite's; the client negotiates all the same
	context scenarioContext
}

type scenarioContext struct {
	ToolCalls []struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"toolCalls"`

	credentials
}

// options returns the client's options, which all scenarios share.
func (s scenario) options() ([]client.Option, error) {
	options := []client.Option{
		client.WithImplementation(mcp.Implementation{Name: "conformance-client", Version: "1"}),
		client.WithHandlers(client.Handlers{ElicitForm: s.elicit}),
		tasksclient.Follow(0),
	}
	if !strings.HasPrefix(s.name, authPrefix) {
		return options, nil
	}
	o, err := s.context.authorization(s.name)
	if err != nil {
		return nil, err
	}
	return append(options, client.WithOAuth(o)), nil
}

// elicit confirms everything. It leaves out the fields that have a default.
func (s scenario) elicit(context.Context, mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
	content := `{"confirmed":true}`
	if s.name == "elicitation-sep1034-client-defaults" {
		content = `{}`
	}
	return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: json.RawMessage(content)}, nil
}
