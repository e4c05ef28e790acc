package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

func (c *cli) complete() *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use:   "complete SERVER PROMPT|TEMPLATE KEY=BEGINNING... [flags]",
		Short: "Ask a server for values of an argument",
		Long: remoteShape + `
The argument is one of a prompt or of a URI template, which has braces. More
pairs are arguments that have their value already.`,
		Example: `  mcpengine complete https://example.com/mcp pack city=To
  mcpengine complete https://example.com/mcp 'weather://cities/{city}' city=`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var pairs [][2]string
			return c.ask(cmd, args, &f, func(ctx context.Context, conn *client.Client, rest []string, asJSON bool) error {
				return c.printCompletion(ctx, conn, rest[0], pairs, asJSON)
			}, func(rest []string) error {
				if len(rest) < 2 {
					return errors.New("name a prompt or URI template, and KEY=BEGINNING")
				}
				for _, pair := range rest[1:] {
					key, value, ok := strings.Cut(pair, "=")
					if !ok || key == "" {
						return fmt.Errorf("%q is not KEY=VALUE", pair)
					}
					pairs = append(pairs, [2]string{key, value})
				}
				return nil
			})
		},
		ValidArgsFunction: c.suggestPrompt(&f),
	}
	f.add(cmd)
	return cmd
}

// printCompletion prints the values of the first argument, one a line.
func (c *cli) printCompletion(ctx context.Context, conn *client.Client, name string, pairs [][2]string, asJSON bool) error {
	var ref mcp.CompletionReference = mcp.PromptReference{Name: name}
	if strings.Contains(name, "{") {
		ref = mcp.ResourceTemplateReference{URI: name}
	}
	resolved := make(map[string]string)
	for _, pair := range pairs[1:] {
		resolved[pair[0]] = pair[1]
	}
	found, err := conn.Complete(ctx, ref, pairs[0][0], pairs[0][1], resolved)
	if err != nil {
		return fmt.Errorf("complete %s of %s: %w", pairs[0][0], name, err)
	}
	if asJSON {
		return c.stdout.JSON(found)
	}
	for _, value := range found.Values {
		c.stdout.Printf("%s\n", value)
	}
	if found.HasMore {
		c.stderr.Printf("mcpengine: there are more\n")
	}
	return nil
}
