package main

import (
	"github.com/spf13/cobra"
)

func (c *cli) destroy() *cobra.Command {
	var where awsFlags
	var yes, tasks bool
	cmd := &cobra.Command{
		Use:     "destroy NAME [flags]",
		Short:   "Remove a server and its logs from AWS",
		Long:    "Only what mcpengine has made is removed.",
		Example: `  mcpengine destroy weather`,
		Args:    oneArgument("the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := c.connect(cmd.Context(), where)
			if err != nil {
				return err
			}
			plan, err := d.PlanDestroy(cmd.Context(), args[0], tasks)
			if err != nil {
				return err
			}
			if err := c.confirm(cmd.Context(), plan, yes); err != nil {
				return err
			}
			if err := d.Apply(cmd.Context(), plan); err != nil {
				return err
			}
			if plan.Changes() {
				c.stderr.Printf("%s is gone\n", args[0])
			}
			return nil
		},
		Annotations: map[string]string{resumable: "yes"},
	}
	where.add(cmd)
	cmd.Flags().BoolVar(&tasks, "tasks", false, "delete the table of tasks too, with all that is in it")
	addYes(cmd, &yes)
	return cmd
}
