package main

import (
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"
)

var versionNumber = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)

func (c *cli) rollback() *cobra.Command {
	var where awsFlags
	var yes, plan bool
	var to, path string
	cmd := &cobra.Command{
		Use:   "rollback NAME [flags]",
		Short: "Give callers an older version of a server again",
		Long: `Each mcpengine deploy that changes the program, its memory, time or variables
makes a version. Rolling back takes effect only if the older version answers.`,
		Example: `  mcpengine rollback weather`,
		Args:    oneArgument("the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to != "" && !versionNumber.MatchString(to) {
				return usageError{fmt.Errorf("--to %s is not the number of a version", to)}
			}
			d, err := c.connect(cmd.Context(), where)
			if err != nil {
				return err
			}
			steps, err := d.PlanRollback(cmd.Context(), args[0], path, to)
			if err != nil {
				return err
			}
			if plan {
				c.stdout.Text(steps.String())
				return nil
			}
			if err := c.confirm(cmd.Context(), steps, yes); err != nil {
				return err
			}
			began := time.Now()
			if err = d.Apply(cmd.Context(), steps); err == nil {
				err = c.greet(cmd.Context(), d, args[0], path)
			}
			return c.withLog(cmd.Context(), d, args[0], began, err)
		},
	}
	where.add(cmd)
	cmd.Flags().StringVar(&to, "to", "", "`version` to go back to (default: the one before)")
	addPath(cmd, &path)
	cmd.Flags().BoolVar(&plan, "plan", false, "print what would be done, and change nothing")
	addYes(cmd, &yes)
	return cmd
}
