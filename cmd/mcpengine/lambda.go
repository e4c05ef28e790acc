package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/internal/locallambda"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// lambdaFlags are the flags of lambda as they were given.
type lambdaFlags struct {
	memory, timeout    int32
	port, environments int
	env                []string
	envFile, path      string
	stream             bool
	cold, freeze       bool
	build              deploy.BuildFlags
}

func (c *cli) lambda() *cobra.Command {
	f := &lambdaFlags{}
	cmd := &cobra.Command{
		Use:   "lambda DIR|PACKAGE [flags]",
		Short: "Run a server on this machine as AWS Lambda does",
		Long: `A Function URL stands in front, processes are frozen between requests, and a
line for each request says how long it took. Memory is not limited.`,
		Example: `  mcpengine lambda ./examples/weather --timeout 3 --cold`,
		Args:    oneArgument("the folder or package of the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			env, err := c.checkLambda(f)
			if err != nil {
				return usageError{err}
			}
			return c.runLambda(cmd.Context(), args[0], f, env)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.port, "port", 9000, "`port` of 127.0.0.1; 0 takes a free one")
	flags.Int32Var(&f.memory, "memory", 256, "memory in `MB`, which the function is told")
	flags.Int32Var(&f.timeout, "timeout", 30, "`seconds` a request may take")
	flags.StringArrayVar(&f.env, "env", nil, "set `K=V`; K alone takes V from here")
	flags.StringVar(&f.envFile, "env-file", "", "set what a `file` says, a K=V in each line")
	flags.BoolVar(&f.stream, "stream", false, "stream answers")
	flags.IntVar(&f.environments, "concurrency", 10, "`N` processes at most, one for a request")
	flags.BoolVar(&f.cold, "cold", false, "start a process for each request")
	flags.BoolVar(&f.freeze, "freeze", true, "freeze processes between requests")
	flags.StringVar(&f.path, "path", "/mcp", "`path` of the MCP endpoint")
	addBuildFlags(cmd, &f.build)
	return cmd
}

// maxEnvironments bounds the processes on one machine.
const maxEnvironments = 1000

// checkLambda checks the flags and returns the variables of the function.
func (c *cli) checkLambda(f *lambdaFlags) ([]string, error) {
	switch {
	case f.port < 0 || f.port > 65535:
		return nil, fmt.Errorf("--port %d is not between 0 and 65535", f.port)
	case f.environments < 1 || f.environments > maxEnvironments:
		return nil, fmt.Errorf("--concurrency %d is not between 1 and %d", f.environments, maxEnvironments)
	case f.timeout == 0:
		return nil, errors.New("--timeout must be more than 0")
	case f.memory == 0:
		return nil, errors.New("--memory must be more than 0")
	}
	if err := (deploy.Spec{Name: locallambda.Function, Memory: f.memory, Timeout: f.timeout}).Check(); err != nil {
		return nil, err
	}
	variables, err := c.environment(f.envFile, f.env)
	if err != nil {
		return nil, err
	}
	if _, ok := variables[deploy.ModeVariable]; ok {
		return nil, fmt.Errorf("environment variable %s follows from --stream", deploy.ModeVariable)
	}
	env := []string{deploy.ModeVariable + "=" + deploy.Mode(f.stream)}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		env = append(env, name+"="+variables[name])
	}
	return env, nil
}

func (c *cli) runLambda(ctx context.Context, folderOrPackage string, f *lambdaFlags, env []string) error {
	source, err := deploy.FindSource(ctx, folderOrPackage, f.build)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mcpengine-lambda-")
	if err != nil {
		return fmt.Errorf("build %s: %w", source.ImportPath, err)
	}
	defer os.RemoveAll(dir)
	program, err := source.WriteProgram(ctx, dir)
	if err != nil {
		return err
	}
	log := &logLines{to: c.stderr}
	platform, err := locallambda.New(ctx, locallambda.Options{
		Bootstrap: program, Name: source.FunctionName(), Env: env, Log: log,
		Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port)),
		Memory:  int(f.memory), Timeout: time.Duration(f.timeout) * time.Second,
		Instances: f.environments, Warm: true, Cold: f.cold, Freeze: f.freeze, Stream: f.stream,
		Report: func(r locallambda.Report) {
			c.stderr.Printf("%s\n", terminal.Trusted(r.String()))
			if r.Used > r.Memory {
				c.stderr.Printf("mcpengine: warning: Lambda would have ended the process: it has used %d MB of %d\n", r.Used, r.Memory)
			}
		},
	})
	if err != nil {
		return err
	}
	c.stdout.Printf("%s/%s\n", platform.URL(), trimSlash(f.path))
	<-ctx.Done()
	stop(platform, f.environments)
	return nil
}

func trimSlash(path string) string {
	if path != "" && path[0] == '/' {
		return path[1:]
	}
	return path
}

// lastRequests is how long requests may go on when the program is to end.
const lastRequests = 2 * time.Second

// stop ends the processes.
func stop(platform *locallambda.Platform, environments int) {
	killer := time.AfterFunc(lastRequests, func() {
		for i := range environments {
			platform.Kill(i)
		}
	})
	defer killer.Stop()
	platform.Stop()
}

// logLines writes what processes log, line by line and with controls escaped.
type logLines struct {
	to *terminal.Writer

	mu   sync.Mutex
	rest []byte
}

// maxLine bounds a line that does not end.
const maxLine = 256 << 10

// Write implements [io.Writer].
func (l *logLines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, text...)
	end := bytes.LastIndexByte(l.rest, '\n') + 1
	if len(l.rest) > maxLine {
		end = len(l.rest)
	}
	if end > 0 {
		l.to.Text(string(l.rest[:end]))
		l.rest = append(l.rest[:0], l.rest[end:]...)
	}
	return len(text), nil
}
