package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/internal/terminal"
)

// A cli is one run of the program.
type cli struct {
	stdin  io.Reader
	stdout *terminal.Writer
	stderr *terminal.Writer
	getenv func(string) string

	sealed  bool    // the tokens that were looked at
	named   *target // that the command line names, for hints
	tracing bool    // requests and results are printed
	started bool    // the command line was right: what goes wrong now is no usage error
}

// A usageError is a mistake in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run runs the command of the arguments and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	c := &cli{stdin: stdin, stdout: terminal.New(stdout), stderr: terminal.New(stderr), getenv: getenv}
	if len(args) == 1 && args[0] == "--version" {
		args = []string{"version"}
	}
	root := c.root(args)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	f := c.failureOf(ctx, command, err)
	if output := command.Flags().Lookup("output"); output != nil && output.Value.String() == "json" {
		_ = c.stderr.JSON(map[string]failure{"error": f}) // nobody can be told of an error of this
		return f.ExitCode
	}
	c.fail(errors.New(f.Message))
	if f.Hint != "" {
		c.hint(f.Hint)
	}
	return f.ExitCode
}

// A failure is how the program ends with an error.
type failure struct {
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	ExitCode int    `json:"exitCode"`
}

func (c *cli) failureOf(ctx context.Context, command *cobra.Command, err error) failure {
	if ctx.Err() != nil {
		f := failure{Message: "interrupted", ExitCode: exitError}
		if command.Annotations[resumable] != "" {
			f.Hint = "run the same command again, it continues where it stopped"
		}
		return f
	}
	f := failure{err.Error(), c.hintOf(err), exitCode(err)}
	var usage usageError
	if !c.started || errors.As(err, &usage) {
		f.ExitCode = exitUsage
		f.Hint = cmp.Or(f.Hint, "see "+command.CommandPath()+" -h")
	}
	return f
}

// fail prints an error. Lines of foreign text in it are indented, so that they are
// not mistaken for the program's own.
func (c *cli) fail(err error) {
	c.stderr.Printf("mcpengine: error: %s\n", terminal.Trusted(terminal.Block(err.Error(), "  ")))
}

func (c *cli) hint(text string) { c.stderr.Printf("mcpengine: hint: %s\n", text) }

// resumable annotates commands that can be interrupted and run again.
const resumable = "resumable"

// commands returns the command that the arguments name, or all of them where they
// name none. A host starts many bridges, each of which has no use for the rest.
func (c *cli) commands(args []string) []*cobra.Command {
	makers := map[string]func() *cobra.Command{
		"auth": c.auth, "bridge": c.bridge, "call": c.call, "complete": c.complete, "completion": c.completion, "deploy": c.deploy,
		"destroy": c.destroy, "dev": c.dev, "hosts": c.hosts, "inspect": c.inspect, "install": c.install, "list": c.list, "logs": c.logs, "manual": c.manual, "new": c.scaffold, "package": c.pack,
		"profile": c.profiles, "prompt": c.prompt, "proxy": c.proxy, "publish": c.publish, "read": c.read, "rpc": c.rpc, "serve": c.serve, "skills": c.skills, "tasks": c.tasks,
		"deployments": c.deployments, "rollback": c.rollback,
		"lambda":    c.lambda,
		"doctor":    c.doctor,
		"uninstall": c.uninstall, "url": c.url, "version": c.version, "watch": c.watch,
	}
	if len(args) > 0 && args[0] != "completion" { // its scripts name all commands
		if maker, ok := makers[args[0]]; ok {
			return []*cobra.Command{maker()}
		}
	}
	var all []*cobra.Command
	for _, name := range slices.Sorted(maps.Keys(makers)) {
		all = append(all, makers[name]())
	}
	return all
}

func (c *cli) root(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:              "mcpengine",
		Short:            "Call MCP servers, connect hosts to them, and deploy them to AWS Lambda",
		Example:          `  mcpengine proxy weather https://example.com/mcp --claude`,
		Args:             noCommand,
		RunE:             func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRun: func(*cobra.Command, []string) { c.started = true },
		SilenceErrors:    true,
		SilenceUsage:     true,
	}
	root.SetIn(c.stdin)
	root.SetOut(c.stdout.Raw())
	root.SetErr(c.stderr.Raw())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { c.stdout.Printf("%s", terminal.Trusted(help(cmd))) })
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(c.commands(args)...)
	for _, cmd := range append(root.Commands(), root) {
		cmd.InitDefaultHelpFlag()
		cmd.Flags().Lookup("help").Hidden = true // it is obvious in help
	}
	return root
}

// noCommand returns the check of the arguments that are left when no command has
// taken them.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q; did you mean %q?", args[0], near[0])
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// oneArgument demands exactly one argument. The text describes it in errors.
func oneArgument(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("name %s", what)
		case 1:
			return nil
		}
		return fmt.Errorf("name one %s, not %d", what[len("the "):], len(args))
	}
}
