package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"
)

func (c *cli) logs() *cobra.Command {
	var where awsFlags
	var since time.Duration
	var follow bool
	cmd := &cobra.Command{
		Use:     "logs NAME [flags]",
		Short:   "Print what a server on AWS Lambda has logged",
		Example: `  mcpengine logs weather --since 1h --follow`,
		Args:    oneArgument("the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if since <= 0 {
				return usageError{errors.New("--since must be more than 0")}
			}
			d, err := c.connect(cmd.Context(), where)
			if err != nil {
				return err
			}
			return d.Logs(cmd.Context(), args[0], time.Now().Add(-since), follow, c.stdout)
		},
	}
	where.add(cmd)
	cmd.Flags().DurationVar(&since, "since", 10*time.Minute, "how far back to begin, such as 24h")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until Ctrl+C")
	return cmd
}
