package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

// deployFlags are the flags of deploy as they were given.
type deployFlags struct {
	awsFlags
	spec        deploy.Spec
	env         []string
	envFile     string
	stream, iam bool
	tasks       bool
	concurrency int32
	path        string
	plan, yes   bool
	build       deploy.BuildFlags
	to          toFlags
}

func (c *cli) deploy() *cobra.Command {
	f := &deployFlags{}
	cmd := &cobra.Command{
		Use:     "deploy DIR|PACKAGE [flags]",
		Short:   "Build a server and put it on AWS Lambda",
		Long:    `Without --iam anybody with the URL may call. Other settings stay as they are.`,
		Example: `  mcpengine deploy ./examples/weather --region us-east-1`,
		Args:    oneArgument("the folder or package of the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.to.check(cmd); err != nil {
				return err
			}
			if f.to.to != lambdaTarget {
				return c.runTarget(cmd.Context(), args[0], f)
			}
			return c.runDeploy(cmd, args[0], f)
		},
		Annotations: map[string]string{resumable: "yes"},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.spec.Name, "name", "", "`name` of the function (default: module and folder)")
	f.add(cmd)
	flags.StringVar(&f.spec.Image, "image", "", "run `URI` in Amazon ECR: built and pushed, or with a digest")
	flags.Lookup("image").Hidden = true // as those of addBuildFlags
	flags.StringVar(&f.spec.Arch, "arch", "", "arm64 or amd64 (default arm64)")
	flags.Int32Var(&f.spec.Memory, "memory", 0, "memory in `MB` (default 256)")
	flags.Int32Var(&f.spec.Timeout, "timeout", 0, "`seconds` a request may take (default 30)")
	flags.StringArrayVar(&f.env, "env", nil, "set `K=V`; K alone takes V from here, K= removes K")
	flags.StringVar(&f.envFile, "env-file", "", "set what a `file` says, a K=V in each line")
	flags.Lookup("env-file").Hidden = true // as --log-retention
	flags.BoolVar(&f.stream, "stream", false, "stream answers; --stream=false sends them whole")
	flags.Int32Var(&f.concurrency, "concurrency", 0, "serve `N` requests at once; 0: no limit (default 10)")
	flags.BoolVar(&f.iam, "iam", false, "no public URL: callers sign with AWS credentials")
	flags.BoolVar(&f.tasks, "tasks", false, "keep durable tasks in a table, run by the function")
	flags.Int32Var(&f.spec.Retention, "log-retention", 0, "`days` to keep logs (default 14)")
	flags.Lookup("log-retention").Hidden = true // rarely used, and help fits one screen
	addPath(cmd, &f.path)
	addBuildFlags(cmd, &f.build)
	flags.BoolVar(&f.spec.Replace, "replace", false, "put the program in the place of another one of that name")
	flags.Lookup("replace").Hidden = true // the error names it
	flags.BoolVar(&f.plan, "plan", false, "print what would be done, and change nothing")
	f.to.add(cmd)
	addYes(cmd, &f.yes)
	return cmd
}

// addBuildFlags adds flags for what the package holds. Help does not show them.
func addBuildFlags(cmd *cobra.Command, f *deploy.BuildFlags) {
	cmd.Flags().StringVar(&f.Tags, "tags", "", "build `tags`, as for go build")
	cmd.Flags().StringVar(&f.LDFlags, "ldflags", "", "linker `flags`, as for go build")
	cmd.Flags().StringArrayVar(&f.Include, "include", nil, "`file` to put beside the program, in /var/task (may be repeated)")
	for _, name := range []string{"tags", "ldflags", "include"} {
		cmd.Flags().Lookup(name).Hidden = true
	}
}

func (c *cli) runDeploy(cmd *cobra.Command, folderOrPackage string, f *deployFlags) error {
	ctx := cmd.Context()
	spec, err := c.spec(cmd, f)
	if err != nil {
		return usageError{err}
	}
	source, err := deploy.FindSource(ctx, folderOrPackage, f.build)
	if err != nil {
		return err
	}
	if spec.Name == "" {
		spec.Name = source.FunctionName()
	}
	spec.Program, spec.Path = source.ImportPath, f.path
	if err := spec.Check(); err != nil {
		return usageError{err}
	}
	d, err := c.connect(ctx, f.awsFlags)
	if err != nil {
		return err
	}
	plan, err := d.Plan(ctx, spec, func(ctx context.Context, arch string) (deploy.Code, error) {
		c.stderr.Printf("build %s for linux/%s\n", source.ImportPath, arch)
		if spec.Image != "" {
			return source.Image(ctx, arch, spec.Image)
		}
		return source.Build(ctx, arch)
	})
	if err != nil {
		return err
	}
	if f.plan {
		c.stdout.Text(plan.String())
		return nil
	}
	if err := c.confirm(ctx, plan, f.yes); err != nil {
		return err
	}
	began := time.Now()
	if err = d.Apply(ctx, plan); err == nil {
		err = c.greet(ctx, d, spec.Name, f.path)
	}
	return c.withLog(ctx, d, spec.Name, began, err)
}

// withLog adds the end of the log to the error of a server that does not answer.
func (c *cli) withLog(ctx context.Context, d *deploy.Deployer, name string, began time.Time, err error) error {
	if errors.Is(err, deploy.ErrNoAnswer) && ctx.Err() == nil {
		if tail := d.Tail(ctx, name, began, 20); tail != "" {
			return hintError{fmt.Errorf("%w\nIts log ends with:\n%s", err, tail), "see more with mcpengine logs " + name}
		}
	}
	return err
}

// spec returns the settings of the flags. The others stay open.
func (c *cli) spec(cmd *cobra.Command, f *deployFlags) (deploy.Spec, error) {
	spec := f.spec
	said := cmd.Flags().Changed
	if said("stream") {
		spec.Stream = &f.stream
	}
	if said("iam") {
		spec.IAM = &f.iam
	}
	if said("tasks") {
		spec.Tasks = &f.tasks
	}
	if said("concurrency") {
		spec.Concurrency = &f.concurrency
	}
	for flag, zero := range map[string]bool{"memory": spec.Memory == 0, "timeout": spec.Timeout == 0, "log-retention": spec.Retention == 0} {
		if said(flag) && zero {
			return spec, fmt.Errorf("--%s must be more than 0", flag)
		}
	}
	if said("name") {
		if err := deploy.CheckName(spec.Name); err != nil {
			return spec, err
		}
	}
	var err error
	spec.Env, err = c.environment(f.envFile, f.env)
	return spec, err
}

// greet waits until the server answers and says how to use it.
func (c *cli) greet(ctx context.Context, d *deploy.Deployer, name, path string) error {
	endpoint, err := d.Find(ctx, name, path)
	if err != nil {
		return err
	}
	found, err := d.Probe(ctx, endpoint)
	if err != nil {
		return err
	}
	switch {
	case found.Protected:
		c.stderr.Printf("%s answers, and asks callers to sign in\n", name)
	default:
		c.stderr.Printf("%s answers, and speaks %s\n", found.Server, strings.Join(found.Versions, ", "))
	}
	c.stderr.Printf("Connect a client:\n")
	if endpoint.IAM {
		c.stderr.Printf("  (requests must be signed with AWS Signature Version 4, service lambda)\n")
		c.stderr.Printf("  mcpengine proxy %s %s --aws-sigv4 --claude\n", name, endpoint.URL)
	} else {
		c.stderr.Printf("  mcpengine proxy %s %s --claude\n", name, endpoint.URL)
		c.stderr.Printf("  claude mcp add --transport http %s %s\n", name, endpoint.URL)
	}
	c.stdout.Printf("%s\n", endpoint.URL)
	return nil
}
