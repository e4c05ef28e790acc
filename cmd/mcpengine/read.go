package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
)

func (c *cli) read() *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use:   "read SERVER URI [flags]",
		Short: "Read a resource of a server",
		Long:  remoteShape,
		Example: `  mcpengine read https://example.com/mcp weather://cities/Tokyo
  mcpengine read messages://recent -- go run ./examples/board`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd, args, &f, func(ctx context.Context, conn *client.Client, rest []string, asJSON bool) error {
				return c.readResource(ctx, conn, rest[0], asJSON)
			}, func(rest []string) error {
				if len(rest) != 1 {
					return errors.New("name the URI of one resource")
				}
				return nil
			})
		},
		ValidArgsFunction: c.suggestRead(&f),
	}
	f.add(cmd)
	return cmd
}

func (c *cli) readResource(ctx context.Context, conn *client.Client, uri string, asJSON bool) error {
	result, err := conn.ReadResource(ctx, uri, client.WithProgress((&progressBar{}).show))
	if err != nil {
		return fmt.Errorf("read %s: %w", uri, err)
	}
	if asJSON {
		return c.stdout.JSON(result)
	}
	for _, contents := range result.Contents {
		if err := c.printContents(contents); err != nil {
			return err
		}
	}
	return nil
}

func (c *cli) prompt() *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use:   "prompt SERVER NAME [KEY=VALUE...] [flags]",
		Short: "Get a prompt of a server",
		Long:  remoteShape + "\nA VALUE is text; @FILE and @- are what is in a file or standard input.",
		Example: `  mcpengine prompt https://example.com/mcp pack city=Tokyo
  mcpengine prompt summarize -- go run ./examples/board`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var arguments map[string]string
			return c.ask(cmd, args, &f, func(ctx context.Context, conn *client.Client, rest []string, asJSON bool) error {
				return c.getPrompt(ctx, conn, rest[0], arguments, asJSON)
			}, func(rest []string) (err error) {
				if len(rest) == 0 {
					return errors.New("name the prompt")
				}
				arguments, err = c.promptArguments(rest[1:])
				return err
			})
		},
		ValidArgsFunction: c.suggestPrompt(&f),
	}
	f.add(cmd)
	return cmd
}

func (c *cli) getPrompt(ctx context.Context, conn *client.Client, name string, arguments map[string]string, asJSON bool) error {
	result, err := conn.GetPrompt(ctx, name, arguments, client.WithProgress((&progressBar{}).show))
	if err != nil {
		return fmt.Errorf("get prompt %s: %w", name, err)
	}
	if asJSON {
		return c.stdout.JSON(result)
	}
	for _, message := range result.Messages {
		c.stdout.Printf("%s:\n", message.Role)
		if err := c.printContent(message.Content); err != nil {
			return err
		}
	}
	return nil
}

// ask checks the arguments, connects to the server that they name, and passes the
// others on.
func (c *cli) ask(cmd *cobra.Command, args []string, f *remoteFlags, do func(ctx context.Context, conn *client.Client, rest []string, asJSON bool) error, check func(rest []string) error) error {
	t, rest, err := c.split(cmd, args, f)
	if err != nil {
		return err
	}
	asJSON, err := c.asJSON(f.output)
	if err != nil {
		return err
	}
	if err := check(rest); err != nil {
		return usageError{err}
	}
	conn, err := c.dial(cmd.Context(), t, c.handlers(&progressBar{}))
	if err != nil {
		return err
	}
	defer conn.Close()
	return do(cmd.Context(), conn, rest, asJSON)
}
