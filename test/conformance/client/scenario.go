package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// scenarios are the steps by the scenario's name. The others only list tools.
var scenarios = map[string]func(context.Context, *client.Client, scenario) error{
	"tools_call":                          addNumbers,
	"elicitation-sep1034-client-defaults": callEach("test_client_elicitation_defaults"),
	"sse-retry":                           callEach("test_reconnection"),
	"sep-2322-client-request-state": callEach(
		"test_mrtr_echo_state", "test_mrtr_unrelated", "test_mrtr_no_state", "test_mrtr_no_result_type"),
	"http-standard-headers":            visitAll,
	"http-custom-headers":              callFromContext,
	"http-invalid-tool-headers":        callAll,
	"json-schema-2020-12-preservation": echoSchema,

	"sep-2640-client-no-prefetch":        listSkills,
	"sep-2640-client-verify-digest":      loadSkills,
	"sep-2640-client-verify-size":        loadSkills,
	"sep-2640-client-verify-frontmatter": loadSkills,
}

func listTools(ctx context.Context, c *client.Client, _ scenario) error {
	_, err := client.Collect(c.Tools(ctx))
	return err
}

func addNumbers(ctx context.Context, c *client.Client, s scenario) error {
	if err := listTools(ctx, c, s); err != nil {
		return err
	}
	_, err := client.Call[string](ctx, c, "add_numbers", map[string]any{"a": 5, "b": 3})
	return err
}

// callEach lists the tools and calls some of them, without arguments.
func callEach(names ...string) func(context.Context, *client.Client, scenario) error {
	return func(ctx context.Context, c *client.Client, s scenario) error {
		if err := listTools(ctx, c, s); err != nil {
			return err
		}
		for _, name := range names {
			if _, err := client.Call[string](ctx, c, name, map[string]any{}); err != nil {
				return fmt.Errorf("call %s: %w", name, err)
			}
		}
		return nil
	}
}

// callAll calls every tool there is.
func callAll(ctx context.Context, c *client.Client, _ scenario) error {
	tools, err := client.Collect(c.Tools(ctx))
	if err != nil {
		return err
	}
	for _, tool := range tools {
		if _, err := c.CallTool(ctx, tool.Name, example(tool.InputSchema)); err != nil {
			return fmt.Errorf("call %s: %w", tool.Name, err)
		}
	}
	return nil
}

// example returns arguments with a value for each property.
func example(inputSchema json.RawMessage) map[string]any {
	var schema struct {
		Properties map[string]struct {
			Type string `json:"type"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(inputSchema, &schema) // no properties, no arguments
	values := map[string]any{"string": "value", "integer": 1, "number": 1.5, "boolean": true, "array": []any{}, "object": map[string]any{}}
	arguments := map[string]any{}
	for name, p := range schema.Properties {
		arguments[name] = values[p.Type]
	}
	return arguments
}

// callFromContext makes the calls that the suite lists.
func callFromContext(ctx context.Context, c *client.Client, s scenario) error {
	if err := listTools(ctx, c, s); err != nil {
		return err
	}
	for _, call := range s.context.ToolCalls {
		if _, err := c.CallTool(ctx, call.Name, call.Arguments); err != nil {
			return fmt.Errorf("call %s: %w", call.Name, err)
		}
	}
	return nil
}

// visitAll uses one tool, one resource and one prompt.
func visitAll(ctx context.Context, c *client.Client, _ scenario) error {
	return errors.Join(
		first(c.Tools(ctx), func(t mcp.Tool) error {
			_, err := c.CallTool(ctx, t.Name, example(t.InputSchema))
			return err
		}),
		first(c.Resources(ctx), func(r mcp.Resource) error {
			_, err := c.ReadResource(ctx, r.URI)
			return err
		}),
		first(c.Prompts(ctx), func(p mcp.Prompt) error {
			_, err := c.GetPrompt(ctx, p.Name, nil)
			return err
		}),
	)
}

// first visits the first item, if there is one.
func first[Item any](items func(func(Item, error) bool), visit func(Item) error) error {
	for item, err := range items {
		if err != nil {
			return err
		}
		return visit(item)
	}
	return nil
}

// echoSchema sends the schema of a tool back as it was read.
func echoSchema(ctx context.Context, c *client.Client, _ scenario) error {
	for tool, err := range c.Tools(ctx) {
		if err != nil {
			return err
		}
		if tool.Name == "json_schema_2020_12_tool" {
			_, err := c.CallTool(ctx, "json_schema_echo", map[string]any{"schema": tool.InputSchema})
			return err
		}
	}
	return errors.New("the server has no json_schema_2020_12_tool")
}
