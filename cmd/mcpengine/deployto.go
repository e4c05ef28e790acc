package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/platforms"
)

// lambdaTarget is the target of deploy without --to.
const lambdaTarget = "lambda"

// writtenFile lists the files that deploy has written into its folder, with the
// digests of their contents.
const writtenFile = ".mcpengine-written.json"

// toFlags are the flags of deploy for platforms other than AWS Lambda.
type toFlags struct {
	to, out, role string
	secrets       []string
	apply         bool
}

func (f *toFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", lambdaTarget, "cloudrun, kubernetes, agentcore, azure, cloudflare")
	flags.Lookup("to").DefValue = "" // help fits one screen
	flags.StringVarP(&f.out, "output", "o", "", "`folder` of those files")
	flags.BoolVar(&f.apply, "apply", false, "run the commands that apply the files")
	flags.StringArrayVar(&f.secrets, "secret", nil, "set `K=REF`, a secret of the platform")
	flags.StringVar(&f.role, "role", "", "`ARN` of the role, for agentcore")
	for _, name := range []string{"output", "apply", "secret", "role"} {
		flags.Lookup(name).Hidden = true // docs/deploy has them
	}
}

// check refuses flags that the target does not have.
func (f *toFlags) check(cmd *cobra.Command) error {
	refused := []string{"output", "apply", "secret", "role"}
	what := "needs --to, the platform it is for"
	if f.to != lambdaTarget {
		refused = []string{
			"profile", "arch", "memory", "timeout", "stream", "concurrency", "iam", "tasks", "log-retention", "path",
			"tags", "ldflags", "include", "replace", "plan",
		}
		what = "is for lambda, and not for " + f.to
	}
	for _, name := range refused {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s %s", name, what)}
		}
	}
	if f.to != lambdaTarget && f.out == "" && !f.apply {
		return usageError{errors.New("--output is missing: name the folder for the files, or --apply")}
	}
	return nil
}

// runTarget writes the files of a target, and applies them if that is wanted.
func (c *cli) runTarget(ctx context.Context, folderOrPackage string, f *deployFlags) error {
	to, err := platforms.Find(f.to.to)
	if err != nil {
		return usageError{err}
	}
	source, err := deploy.FindSource(ctx, folderOrPackage, deploy.BuildFlags{})
	if err != nil {
		return err
	}
	server := platforms.Server{Package: folderOrPackage, Name: f.spec.Name, Image: f.spec.Image, Region: f.region, Role: f.to.role}
	if server.Name == "" {
		server.Name = strings.ToLower(source.FunctionName())
	}
	if server.Env, server.Secrets, err = c.targetVariables(f); err != nil {
		return usageError{err}
	}
	files, err := to.Files(server)
	if err != nil {
		return usageError{err}
	}
	dir := f.to.out
	if dir == "" {
		if dir, err = os.MkdirTemp("", "mcpengine-deploy-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := writeTarget(dir, files); err != nil {
		return err
	}
	commands := to.Commands(server, dir)
	if f.to.apply {
		return c.applyTarget(ctx, commands, f.yes)
	}
	for _, file := range files {
		c.stdout.Printf("%s\n", filepath.Join(dir, filepath.FromSlash(file.Name)))
	}
	c.stderr.Printf("To apply them, run these commands, or add --apply:\n")
	for _, command := range commands {
		c.stderr.Printf("  %s\n", command)
	}
	return nil
}

// targetVariables returns the variables and the references to secrets.
func (c *cli) targetVariables(f *deployFlags) (env, secrets map[string]string, err error) {
	if env, err = c.environment(f.envFile, f.env); err != nil {
		return nil, nil, err
	}
	secrets = map[string]string{}
	for _, pair := range f.to.secrets {
		name, reference, _ := strings.Cut(pair, "=")
		if reference == "" {
			return nil, nil, fmt.Errorf("--secret %s: name the secret of the platform, as K=REF", name)
		}
		secrets[name] = reference
	}
	for _, set := range []map[string]string{env, secrets} {
		for name := range set {
			if !deploy.IsVariable(name) {
				return nil, nil, fmt.Errorf("%.64q is not the name of a variable: a letter, then one or more letters, digits and _", name)
			}
		}
	}
	return env, secrets, nil
}

// writeTarget writes the files, unless one of them would replace a file that deploy
// has not written, or that was edited since.
func writeTarget(dir string, files []platforms.File) error {
	list := filepath.Join(dir, writtenFile)
	written := map[string]string{}
	if text, err := os.ReadFile(list); err == nil {
		if err := json.Unmarshal(text, &written); err != nil {
			return fmt.Errorf("read %s: %w", list, err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, file := range files {
		name := filepath.Join(dir, filepath.FromSlash(file.Name))
		have, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && (string(have) == file.Text || digest(have) == written[file.Name]) {
			continue
		}
		if err != nil {
			return err
		}
		return hintError{fmt.Errorf("%s is there already, and is not as deploy has written it", name), "name another folder with --output, or move the file away"}
	}
	for _, file := range files {
		name := filepath.Join(dir, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // others may read it
			return err
		}
		if err := writeFile(name, []byte(file.Text)); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		written[file.Name] = digest([]byte(file.Text))
	}
	text, err := json.MarshalIndent(written, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(list, append(text, '\n'))
}

func digest(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

// applyTarget shows the commands and runs them, when all their tools are there.
func (c *cli) applyTarget(ctx context.Context, commands []platforms.Command, yes bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.stderr.Printf("These commands will run:\n")
	programs := make([]string, len(commands))
	for i, command := range commands {
		c.stderr.Printf("  %s\n", command)
		if programs[i] = self; command.Args[0] == "mcpengine" {
			continue
		}
		if programs[i], err = exec.LookPath(command.Args[0]); err != nil {
			return hintError{fmt.Errorf("%s is not on the PATH, so nothing was run", command.Args[0]), platforms.Advice(command.Args[0])}
		}
	}
	if !yes {
		if err := c.proceed(ctx); err != nil {
			return err
		}
	}
	for i, command := range commands {
		if err := c.runTool(ctx, programs[i], command); err != nil {
			return err
		}
	}
	return nil
}
