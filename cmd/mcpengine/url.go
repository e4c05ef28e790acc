package main

import (
	"github.com/spf13/cobra"
)

func (c *cli) url() *cobra.Command {
	var where awsFlags
	var path string
	cmd := &cobra.Command{
		Use:     "url NAME [flags]",
		Short:   "Print the URL of a server on AWS Lambda",
		Example: `  mcpengine proxy weather "$(mcpengine url weather)" --claude`,
		Args:    oneArgument("the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := c.connect(cmd.Context(), where)
			if err != nil {
				return err
			}
			endpoint, err := d.Find(cmd.Context(), args[0], path)
			if err != nil {
				return err
			}
			c.stdout.Printf("%s\n", endpoint.URL)
			return nil
		},
	}
	where.add(cmd)
	addPath(cmd, &path)
	return cmd
}
