package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

func (c *cli) rpc() *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use:   "rpc SERVER METHOD [JSON] [flags]",
		Short: "Send a request of any method, and print the result",
		Long: remoteShape + `
JSON is the object of parameters, @FILE or -. What every request of the protocol
version has, "_meta" among it, is added.`,
		Example: `  mcpengine rpc https://example.com/mcp tools/list
  mcpengine rpc weather resources/read '{"uri":"weather://cities"}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			params := json.RawMessage("{}")
			return c.ask(cmd, args, &f, func(ctx context.Context, conn *client.Client, rest []string, _ bool) error {
				result, err := client.Do[json.RawMessage](ctx, conn, rest[0], params)
				if err != nil {
					return fmt.Errorf("%s: %w", rest[0], err)
				}
				return c.stdout.JSON(result)
			}, func(rest []string) (err error) {
				switch len(rest) {
				case 0:
					return errors.New("name the method")
				case 1:
					return nil
				case 2:
					params, err = c.wholeArguments(rest[1])
					return err
				}
				return fmt.Errorf("there is one argument too many: %q", rest[2])
			})
		},
		ValidArgsFunction: c.suggestOneServer,
	}
	f.add(cmd)
	return cmd
}

// trace returns an observer that prints requests and results to standard error,
// with the time between them.
func (c *cli) trace() client.Observer {
	return func(ctx context.Context, sent *client.Sent) (context.Context, func([]byte, error)) {
		began := time.Now()
		c.stderr.Printf("mcpengine: -> %s %s\n", sent.Method, compact(sent.Params))
		return ctx, func(result []byte, err error) {
			took := time.Since(began).Round(time.Millisecond)
			if err != nil {
				c.stderr.Printf("mcpengine: <- %s failed after %s: %s\n", sent.Method, took.String(), terminal.Fold(err.Error()))
				return
			}
			c.stderr.Printf("mcpengine: <- %s after %s: %s\n", sent.Method, took.String(), compact(result))
		}
	}
}

// compact returns JSON on one line.
func compact(text []byte) string {
	if text == nil {
		return "{}"
	}
	return terminal.Fold(string(text))
}
