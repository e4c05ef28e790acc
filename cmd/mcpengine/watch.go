package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

func (c *cli) watch() *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use:   "watch SERVER [URI...] [flags]",
		Short: "Print what changes on a server, until it is interrupted",
		Long: remoteShape + `
It subscribes to the lists of tools, prompts and resources, and to the resources
that are named. Each change is one line, or one JSON object.`,
		Example: `  mcpengine watch https://example.com/mcp messages://recent`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd, args, &f, c.follow, func(rest []string) error {
				if slices.Contains(rest, "") {
					return errors.New("a URI is empty")
				}
				return nil
			})
		},
		ValidArgsFunction: c.suggestRead(&f),
	}
	f.add(cmd)
	return cmd
}

// follow prints the changes of a subscription.
func (c *cli) follow(ctx context.Context, conn *client.Client, uris []string, asJSON bool) error {
	offers := conn.Capabilities()
	filter := mcp.SubscriptionFilter{
		ToolsListChanged:      offers.Tools != nil && offers.Tools.ListChanged,
		PromptsListChanged:    offers.Prompts != nil && offers.Prompts.ListChanged,
		ResourcesListChanged:  offers.Resources != nil && offers.Resources.ListChanged,
		ResourceSubscriptions: uris,
	}
	for change, err := range conn.Listen(ctx, filter) {
		if err != nil {
			return err
		}
		if change.Method == mcp.MethodNotificationsSubscriptionsAcknowledged {
			if err := c.acknowledged(filter, change.Honoured, asJSON); err != nil {
				return err
			}
			continue
		}
		if err := c.printChange(change, asJSON); err != nil {
			return err
		}
	}
	return errors.New("the server has ended the subscription")
}

// acknowledged says what the server reports. It is an error when that is nothing.
func (c *cli) acknowledged(asked, honoured mcp.SubscriptionFilter, asJSON bool) error {
	for _, uri := range asked.ResourceSubscriptions {
		if !slices.Contains(honoured.ResourceSubscriptions, uri) {
			c.stderr.Printf("mcpengine: the server does not report changes of %s\n", uri)
		}
	}
	if !honoured.ToolsListChanged && !honoured.PromptsListChanged && !honoured.ResourcesListChanged && len(honoured.ResourceSubscriptions) == 0 {
		return errors.New("the server reports no changes")
	}
	if asJSON {
		return nil
	}
	c.stderr.Printf("mcpengine: watching, press Ctrl+C to stop\n")
	return nil
}

func (c *cli) printChange(change client.Change, asJSON bool) error {
	if asJSON {
		return c.stdout.JSON(struct {
			Method string          `json:"method"`
			URI    string          `json:"uri,omitempty"`
			Params json.RawMessage `json:"params,omitempty"`
		}{change.Method, change.URI, change.Params})
	}
	if change.URI != "" {
		c.stdout.Printf("%s %s\n", change.Method, change.URI)
	} else {
		c.stdout.Printf("%s\n", change.Method)
	}
	return c.stdout.Err()
}
