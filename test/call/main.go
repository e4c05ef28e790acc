// Call calls a tool of an MCP server with the client of the official Go SDK,
// so that an engine is seen to work with a client that is not its own:
//
//	go run ./call get_weather '{"city":"Tokyo"}' ../bin/weather
//	go run ./call get_weather '{"city":"Tokyo"}' http://localhost:8000/mcp
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "call: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) < 3 {
		return errors.New("usage: call TOOL ARGUMENTS URL|COMMAND [ARG…]")
	}
	tool, arguments, server := args[0], args[1], args[2:]
	if !json.Valid([]byte(arguments)) {
		return fmt.Errorf("the arguments %s are not JSON", arguments)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "call", Version: "1"}, nil)
	session, err := client.Connect(ctx, transport(ctx, server, stderr), nil)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer session.Close()
	hello := session.InitializeResult()
	fmt.Fprintf(stderr, "connected to %s on protocol version %s\n", hello.ServerInfo.Name, hello.ProtocolVersion)
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: json.RawMessage(arguments)})
	if err != nil {
		return fmt.Errorf("call %s: %w", tool, err)
	}
	for _, block := range result.Content {
		if text, ok := block.(*mcp.TextContent); ok {
			fmt.Fprintln(stdout, text.Text)
		}
	}
	if result.IsError {
		return fmt.Errorf("%s reports an error", tool)
	}
	return nil
}

// transport reaches a server by its URL, or starts it as a command.
func transport(ctx context.Context, server []string, stderr io.Writer) mcp.Transport {
	if strings.Contains(server[0], "://") {
		return &mcp.StreamableClientTransport{Endpoint: server[0]}
	}
	command := exec.CommandContext(ctx, server[0], server[1:]...)
	command.Stderr = stderr
	return &mcp.CommandTransport{Command: command}
}
