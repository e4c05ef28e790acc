package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/gobuild"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

// installFlags are the flags of install as they were given.
type installFlags struct {
	hostFlags
	name          string
	env           []string
	dryRun, force bool
}

func (c *cli) install() *cobra.Command {
	f := &installFlags{}
	cmd := &cobra.Command{
		Use:   "install PACKAGE [flags] [-- ARGUMENT...]",
		Short: "Connect a host to a server on this machine",
		Long: `
PACKAGE is a folder or an import path, also with @VERSION. It is built, again
when it is installed again; hosts need no Go. Another program is a command after
--, with --name in place of PACKAGE. Without a host the entry is printed.`,
		Example: `  mcpengine install ./cmd/weather --claude
  mcpengine install --name files --cursor -- npx -y @example/files /tmp`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runInstall(cmd, args, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.add(cmd)
	flags.BoolVar(&f.all, "all", false, "every host that is found")
	flags.StringVar(&f.name, "name", "", "`name` of the server (default: of the package)")
	flags.StringArrayVar(&f.env, "env", nil, "`NAME=VALUE` to set; NAME alone: a secret, as it is here")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would change, and change nothing")
	flags.BoolVar(&f.force, "force", false, "replace an entry that mcpengine has not made")
	return cmd
}

func (c *cli) runInstall(cmd *cobra.Command, args []string, f *installFlags) error {
	pkg, rest, err := splitPackage(cmd, args)
	if err != nil {
		return usageError{err}
	}
	store, err := c.store()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	var source *gobuild.Source
	name := f.name
	if pkg != "" {
		if source, err = gobuild.Find(ctx, pkg); err != nil {
			return err
		}
		if name == "" {
			name = source.Name()
		}
	}
	if err := profile.CheckName(name); err != nil {
		return usageError{fmt.Errorf("--name: %w", err)}
	}
	command := append([]string{programFile(store, name)}, rest...)
	if source == nil {
		if command, err = hostCommand(rest); err != nil {
			return err
		}
	}
	old, err := loadOld(store, name)
	if err != nil {
		return err
	}
	if old != nil && old.Command == nil {
		return hintError{fmt.Errorf("%q is a remote server", name), "choose another name, or remove it with mcpengine uninstall " + name}
	}
	p, secret, err := c.localProfile(store, name, old, command, f.env)
	if err != nil {
		return err
	}
	job := installation{cli: c, store: store, server: hostconfig.Server{Name: name, Program: command, Env: p.Env}, force: f.force, before: old}
	if len(p.SecretEnv) > 0 { // no secret goes into the file of a host
		job.server = hostconfig.Server{Name: name}
		if err := bridgeEntry(store, &job.server); err != nil {
			return err
		}
	}
	if f.any() {
		if job.e, err = c.hostEnvironment(store.Home(), f.project); err != nil {
			return err
		}
		if job.hosts, err = f.hostFlags.hosts(job.e); err != nil {
			return err
		}
	}
	if source != nil && !f.dryRun {
		// An entry that cannot be written is found before the build.
		if _, err := job.run(ctx, true); err != nil {
			return err
		}
		if err := source.Build(ctx, command[0]); err != nil {
			return err
		}
		c.stderr.Printf("built %s\n", command[0])
	}
	return job.apply(ctx, p, secret, f.dryRun)
}

// splitPackage returns the package, or "" for a command, and what is after --.
func splitPackage(cmd *cobra.Command, args []string) (pkg string, rest []string, err error) {
	before := cmd.ArgsLenAtDash()
	if before < 0 {
		before = len(args)
	}
	switch {
	case before > 1:
		return "", nil, fmt.Errorf("name one package, not %d; a command comes after --", before)
	case before == 1:
		return args[0], args[1:], nil
	case len(args) == 0:
		return "", nil, errors.New("name a package, or a command after --")
	case !cmd.Flags().Changed("name"):
		return "", nil, errors.New("name the server with --name")
	}
	return "", args, nil
}

// hostCommand returns the command as a host can run it, from any working directory.
func hostCommand(command []string) ([]string, error) {
	command = slices.Clone(command)
	path, err := exec.LookPath(command[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return nil, hintError{fmt.Errorf("find the command: %w", err), "install it, or name its file"}
	}
	if strings.ContainsRune(command[0], filepath.Separator) || errors.Is(err, exec.ErrDot) {
		if command[0], err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	return command, nil
}

// programFile is where the program of a package is built to.
func programFile(store *profile.Store, name string) string {
	return filepath.Join(store.Home(), "servers", gobuild.FileName(name))
}

// removeProgram removes the program that was built for a server, if there is one.
func (c *cli) removeProgram(store *profile.Store, name string) error {
	file := programFile(store, name)
	err := os.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		c.stderr.Printf("removed %s\n", file)
	}
	return err
}

// localProfile returns the profile of a local server, and the values of its secret
// variables as the store takes them. Variables without a flag stay as they were if
// the command is the same.
func (c *cli) localProfile(store *profile.Store, name string, old *profile.Profile, command, pairs []string) (*profile.Profile, string, error) {
	p := &profile.Profile{Command: command, Env: map[string]string{}}
	secret := map[string]string{}
	if old != nil {
		p.Native = old.Native
		if slices.Equal(old.Command, command) {
			all, err := store.Environment(name, old)
			if err != nil {
				return nil, "", err
			}
			for variable, value := range all {
				if slices.Contains(old.SecretEnv, variable) {
					secret[variable] = value
				} else {
					p.Env[variable] = value
				}
			}
		}
	}
	for _, pair := range pairs {
		variable, value, ok := c.variable(pair)
		switch {
		case !ok:
			return nil, "", usageError{fmt.Errorf("--env %s: there is no such variable here; set it, or give a value that is no secret with --env %[1]s=VALUE", variable)}
		case strings.Contains(pair, "="):
			delete(secret, variable)
			p.Env[variable] = value
		default:
			delete(p.Env, variable)
			secret[variable] = value
		}
	}
	p.SecretEnv = slices.Sorted(maps.Keys(secret))
	if err := p.Check(); err != nil {
		return nil, "", usageError{err}
	}
	if len(secret) == 0 {
		return p, "", nil
	}
	text, err := profile.EncodeEnvironment(secret)
	return p, text, err
}

// runLocal runs a local server in place of this process, for a host whose entry has
// no secret.
func (c *cli) runLocal(ctx context.Context, store *profile.Store, name string, p *profile.Profile) error {
	env, err := store.Environment(name, p)
	if err != nil {
		return err
	}
	env["MCPENGINE_TRANSPORT"] = "stdio" // a PORT of the host is not meant for the server
	// Of two variables of one name a program may see the first.
	all := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		variable, _, _ := strings.Cut(pair, "=")
		_, ours := env[variable]
		return ours
	})
	for _, variable := range slices.Sorted(maps.Keys(env)) {
		all = append(all, variable+"="+env[variable])
	}
	path, err := exec.LookPath(p.Command[0])
	if err != nil {
		return hintError{fmt.Errorf("find the command of %s: %w", name, err), "install it again with mcpengine install"}
	}
	return c.replaceProcess(ctx, path, p.Command, all)
}
