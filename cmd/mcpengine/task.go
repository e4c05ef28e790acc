package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// taskFlags say what is done with a task. Without one it is shown.
type taskFlags struct{ wait, answer, cancel bool }

func (c *cli) tasks() *cobra.Command {
	var f remoteFlags
	var do taskFlags
	cmd := &cobra.Command{
		Use:   "tasks SERVER ID [flags]",
		Short: "Show a task of a server, answer it, wait for it or cancel it",
		Long: remoteShape + `
The ID is what mcpengine call --detach prints.`,
		Example: `  mcpengine tasks https://example.com/mcp 2QJ7EXAMPLE --wait`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, rest, err := c.split(cmd, args, &f)
			switch {
			case err != nil:
				return err
			case len(rest) != 1:
				return usageError{errors.New("name one task: servers have no list of them")}
			}
			asJSON, err := c.asJSON(f.output)
			if err != nil {
				return err
			}
			return c.runTask(cmd.Context(), t, rest[0], do, asJSON)
		},
		ValidArgsFunction: c.suggestOneServer,
	}
	cmd.Flags().BoolVar(&do.wait, "wait", false, "wait for the result; questions are asked")
	cmd.Flags().BoolVar(&do.answer, "answer", false, "answer the questions and do not wait")
	cmd.Flags().BoolVar(&do.cancel, "cancel", false, "ask the server to stop")
	cmd.MarkFlagsMutuallyExclusive("wait", "answer", "cancel")
	f.add(cmd)
	return cmd
}

func (c *cli) runTask(ctx context.Context, t *target, id string, do taskFlags, asJSON bool) error {
	bar := &progressBar{w: c.stderr, on: terminal.IsTerminal(c.stderr)}
	conn, err := c.dial(ctx, t, c.handlers(bar))
	if err != nil {
		return err
	}
	defer conn.Close()
	switch {
	case do.cancel:
		err = tasksclient.Cancel(ctx, conn, id)
	case do.answer:
		err = tasksclient.Answer(ctx, conn, id)
	case do.wait:
		result, err := tasksclient.Wait(ctx, conn, id)
		if err != nil {
			return fmt.Errorf("wait for task %s: %w", id, err)
		}
		return c.printResult("the task", result, asJSON)
	default:
		return c.showTask(ctx, conn, id, asJSON)
	}
	if err != nil {
		return fmt.Errorf("task %s: %w", id, err)
	}
	return nil
}

// showTask prints a task.
func (c *cli) showTask(ctx context.Context, conn *client.Client, id string, asJSON bool) error {
	task, err := tasksclient.Get(ctx, conn, id)
	if err != nil {
		return fmt.Errorf("get task %s: %w", id, err)
	}
	if asJSON {
		return c.stdout.JSON(task)
	}
	c.stdout.Printf("%s since %s\n", terminal.Fold(string(task.Status)), terminal.Fold(task.CreatedAt))
	if task.StatusMessage != "" {
		c.stdout.Printf("  %s\n", terminal.Fold(task.StatusMessage))
	}
	if n := len(task.InputRequests); n > 0 {
		c.stdout.Printf("  It waits for %d answers: mcpengine tasks SERVER ID --answer\n", n)
	}
	return nil
}
