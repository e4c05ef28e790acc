package main

import (
	"bufio"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

// awsFlags say where in AWS a command works.
type awsFlags struct{ region, profile string }

func (f *awsFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.region, "region", "", "AWS `region` (default: AWS_REGION or the profile's)")
	cmd.Flags().StringVar(&f.profile, "profile", "", "`profile` of the AWS configuration")
}

func (c *cli) connect(ctx context.Context, f awsFlags) (*deploy.Deployer, error) {
	clients, err := deploy.Connect(ctx, f.region, f.profile)
	if err != nil {
		return nil, err
	}
	return deploy.New(clients, deploy.Config{Progress: c.stderr}), nil
}

// addPath adds the flag for where the server answers below its function's URL.
func addPath(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "path", "/mcp", "`path` of the MCP endpoint")
}

// addYes adds the flag that answers [cli.confirm] beforehand.
func addYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do not ask for confirmation")
}

var errUnconfirmed = errors.New("not confirmed, so nothing was changed; --yes confirms")

// confirm shows the plan and asks whether to go on.
func (c *cli) confirm(ctx context.Context, plan *deploy.Plan, yes bool) error {
	c.stderr.Text(plan.String())
	if yes || !plan.Changes() {
		return nil
	}
	return c.proceed(ctx)
}

// proceed returns an error unless the user says yes.
func (c *cli) proceed(ctx context.Context) error {
	c.stderr.Printf("Go on? [y/N] ")
	// Reading a terminal cannot be cancelled. When ctx ends the process does
	// too, and this goroutine with it.
	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(c.stdin).ReadString('\n')
		answered <- line
	}()
	select {
	case <-ctx.Done():
		c.stderr.Printf("\n")
		return ctx.Err()
	case line := <-answered:
		if line == "" {
			c.stderr.Printf("\n") // there was nobody to press Enter
		}
		if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
			return errUnconfirmed
		}
		return nil
	}
}
