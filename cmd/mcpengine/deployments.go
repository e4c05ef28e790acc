package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (c *cli) deployments() *cobra.Command {
	var where awsFlags
	var output string
	cmd := &cobra.Command{
		Use:     "deployments [flags]",
		Short:   "List the servers that are on AWS Lambda",
		Long:    "These are the servers that mcpengine deploy has put in one account and region.",
		Example: `  mcpengine deployments --region us-east-1`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := c.asJSON(output)
			if err != nil {
				return err
			}
			d, err := c.connect(cmd.Context(), where)
			if err != nil {
				return err
			}
			all, err := d.List(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return c.stdout.JSON(all)
			}
			table := [][]string{{"NAME", "REGION", "VERSION", "AGE", "PACKAGE", "URL"}}
			for _, one := range all {
				url := one.URL
				switch {
				case url == "":
					url = "(not finished)"
				case one.IAM:
					url += " (IAM)"
				}
				table = append(table, []string{one.Name, one.Region, one.Version, age(time.Since(one.Updated)), one.Package, url})
			}
			if len(all) > 0 {
				c.stdout.Table(table)
			}
			return nil
		},
	}
	where.add(cmd)
	cmd.Flags().StringVar(&output, "output", "", "`format`: text or json (default: text on a terminal)")
	return cmd
}

// age returns a time span in its largest unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
