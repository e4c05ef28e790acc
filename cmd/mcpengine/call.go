package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/internal/terminal"
	"github.com/mcpengine/mcpengine/mcp"
)

func (c *cli) call() *cobra.Command {
	var f remoteFlags
	var whole string
	var detach bool
	cmd := &cobra.Command{
		Use:   "call SERVER TOOL [KEY=VALUE...] [flags]",
		Short: "Call a tool of a server",
		Long: remoteShape + `
A VALUE is text where the tool takes a string, and otherwise JSON; KEY:=JSON is
JSON always. @FILE and @- are what is in a file or standard input.`,
		Example: `  mcpengine call https://example.com/mcp get_weather city=Tokyo days=3
  mcpengine call get_weather city=Tokyo -- go run ./examples/weather`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, rest, err := c.split(cmd, args, &f)
			if err != nil {
				return err
			}
			switch {
			case len(rest) == 0:
				return usageError{errors.New("name the tool")}
			case len(rest) > 1 && cmd.Flags().Changed("json"):
				return usageError{errors.New("--json has all arguments, so there can be no others")}
			}
			asJSON, err := c.asJSON(f.output)
			if err != nil {
				return err
			}
			arguments := json.RawMessage("{}")
			if cmd.Flags().Changed("json") {
				if arguments, err = c.wholeArguments(whole); err != nil {
					return err
				}
			}
			t.detach = detach
			return c.runCall(cmd.Context(), t, rest[0], rest[1:], arguments, asJSON)
		},
		ValidArgsFunction: c.suggestCall(&f),
	}
	f.add(cmd)
	cmd.Flags().StringVar(&whole, "json", "", "all arguments as a JSON `object`, @file or -")
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait for a task, but print its id")
	return cmd
}

// runCall calls a tool with the arguments, or with the arguments in pairs if
// there are any.
func (c *cli) runCall(ctx context.Context, t *target, name string, pairs []string, arguments json.RawMessage, asJSON bool) error {
	for _, pair := range pairs {
		if _, _, err := splitPair(pair); err != nil {
			return err
		}
	}
	bar := &progressBar{w: c.stderr, on: terminal.IsTerminal(c.stderr)}
	conn, err := c.dial(ctx, t, c.handlers(bar))
	if err != nil {
		return err
	}
	defer conn.Close()
	if len(pairs) > 0 {
		tool, err := findTool(ctx, conn, name)
		if err != nil {
			return err
		}
		if arguments, err = c.toolArguments(tool.InputSchema, pairs); err != nil {
			return err
		}
	}
	result, err := conn.CallTool(ctx, name, arguments, client.WithProgress(bar.show))
	bar.clear()
	if started, ok := errors.AsType[*tasksclient.StartedError](err); ok {
		return c.printStarted(started.TaskID, asJSON)
	}
	if err != nil {
		return fmt.Errorf("call %s: %w", name, err)
	}
	return c.printResult(name, result, asJSON)
}

// printStarted prints the id of a task that nobody waits for.
func (c *cli) printStarted(id string, asJSON bool) error {
	if asJSON {
		return c.stdout.JSON(map[string]string{"taskId": id})
	}
	c.stdout.Printf("%s\n", terminal.Fold(id))
	return nil
}

// findTool returns the tool of that name.
func findTool(ctx context.Context, conn *client.Client, name string) (*mcp.Tool, error) {
	for tool, err := range conn.Tools(ctx) {
		if err != nil {
			return nil, fmt.Errorf("list the tools: %w", err)
		}
		if tool.Name == name {
			return &tool, nil
		}
	}
	return nil, hintError{fmt.Errorf("the server has no tool %q", name), "mcpengine list shows the tools there are"}
}

// printResult prints what a tool returns. The text of a failed tool becomes an
// error of the program, and with JSON the answer is printed as well.
func (c *cli) printResult(name string, result *mcp.CallToolResult, asJSON bool) error {
	if asJSON {
		if err := c.stdout.JSON(result); err != nil {
			return err
		}
	}
	if result.IsError {
		return fmt.Errorf("%s failed: %s", name, strings.TrimSpace(textOf(result.Content)))
	}
	switch {
	case asJSON:
		return nil
	case len(result.Content) == 0 && result.StructuredContent != nil:
		return c.stdout.JSON(result.StructuredContent)
	}
	return c.printContent(result.Content...)
}

func textOf(blocks mcp.ContentBlocks) string {
	var parts []string
	for _, block := range blocks {
		if text, ok := block.(mcp.TextContent); ok {
			parts = append(parts, text.Text)
		}
	}
	if len(parts) == 0 {
		return "it does not say why"
	}
	return strings.Join(parts, "\n")
}
