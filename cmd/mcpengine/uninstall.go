package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

func (c *cli) uninstall() *cobra.Command {
	var f hostFlags
	var dryRun, force bool
	cmd := &cobra.Command{
		Use:   "uninstall NAME [flags]",
		Short: "Disconnect hosts from a server",
		Long: `
Without a host: all of them, and the profile with its secrets and a program that
was built are removed too. Only entries that mcpengine has made are removed.`,
		Example: `  mcpengine uninstall weather
  mcpengine uninstall weather --cursor`,
		Args: oneArgument("the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := profile.CheckName(args[0]); err != nil {
				return usageError{err}
			}
			return c.runUninstall(cmd.Context(), args[0], &f, hostconfig.Options{DryRun: dryRun, Force: force})
		},
	}
	f.add(cmd)
	cmd.ValidArgsFunction = c.suggestProfile
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would change, and change nothing")
	cmd.Flags().BoolVar(&force, "force", false, "remove an entry that mcpengine has not made")
	return cmd
}

func (c *cli) runUninstall(ctx context.Context, name string, f *hostFlags, o hostconfig.Options) error {
	store, err := c.store()
	if err != nil {
		return err
	}
	e, err := c.hostEnvironment(store.Home(), f.project)
	if err != nil {
		return err
	}
	hosts, err := f.hosts(e)
	if err != nil {
		return err
	}
	everywhere := len(hosts) == 0
	var doubts []error
	if everywhere {
		hosts, doubts = c.hostsWith(store, e, name)
	}
	all, err := disconnect(ctx, store, e, name, hosts, o)
	if err != nil {
		doubts = append(doubts, err)
	}
	if o.DryRun {
		c.printChanges(all, store, name)
		return errors.Join(doubts...)
	}
	c.report(all, "uninstalled "+name)
	defer func() {
		if slices.ContainsFunc(all, hostconfig.Change.Changed) {
			c.stderr.Printf("A host that is running may keep the server until it is restarted\n")
		}
	}()
	switch {
	case everywhere && len(doubts) > 0:
		// An entry without its profile would not work.
		return hintError{fmt.Errorf("the profile is kept, because an entry could not be removed:\n%w", errors.Join(doubts...)), uninstallHint(doubts, name)}
	case len(doubts) > 0:
		return doubts[0]
	case everywhere:
		return c.removeProfile(ctx, store, name, len(all) > 0)
	}
	return forgetNative(ctx, store, name, hosts)
}

func uninstallHint(doubts []error, name string) string {
	for _, err := range doubts {
		if hint := hostconfig.Hint(err); hint != "" {
			return hint + "; then run mcpengine uninstall " + name + " again"
		}
	}
	return "correct the file, or move it away; then run mcpengine uninstall " + name + " again"
}

// disconnect removes the entry from the hosts' files. When one host fails, it goes
// on with the others.
func disconnect(ctx context.Context, store *profile.Store, e hostconfig.Environment, name string, hosts []*hostconfig.Host, o hostconfig.Options) ([]hostconfig.Change, error) {
	var all []hostconfig.Change
	var errs []error
	for _, host := range hosts {
		s, known := ours(store, host)(name)
		s.Known = known
		changes, err := host.Uninstall(ctx, e, s, o)
		all = append(all, changes...)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", host.Name, err))
		}
	}
	if len(errs) == 1 {
		return all, errs[0]
	}
	return all, errors.Join(errs...)
}

// hostsWith returns the hosts that have the entry, and why others may have it. A
// file that cannot be read and does not hold the name is only mentioned.
func (c *cli) hostsWith(store *profile.Store, e hostconfig.Environment, name string) (hosts []*hostconfig.Host, doubts []error) {
	for _, host := range hostconfig.Hosts() {
		has := false
		for _, status := range host.Status(e, ours(store, host)) {
			switch {
			case status.Err != nil && status.Mentions(name):
				doubts = append(doubts, fmt.Errorf("%s: %s: %w", host.Name, status.File, status.Err))
			case status.Err != nil:
				c.stderr.Printf("%s: left out: %s: %v\n", host.Name, status.File, status.Err)
			case slices.Contains(status.Servers, name), slices.Contains(status.Doubtful, name):
				has = true
			}
		}
		if has {
			hosts = append(hosts, host)
		}
	}
	return hosts, doubts
}

func (c *cli) removeProfile(ctx context.Context, store *profile.Store, name string, installed bool) error {
	_, err := store.Load(name)
	if errors.Is(err, fs.ErrNotExist) {
		if !installed {
			return hintError{fmt.Errorf("there is no server %q", name), "mcpengine hosts lists them"}
		}
		return nil
	}
	if err := store.Remove(ctx, name); err != nil {
		return err
	}
	c.stderr.Printf("removed profile %s\n", store.File(name))
	return c.removeProgram(store, name)
}

// forgetNative removes hosts from the list of hosts with a native entry.
func forgetNative(ctx context.Context, store *profile.Store, name string, hosts []*hostconfig.Host) error {
	p, err := store.Load(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	after := native(p.Native, hosts, "")
	if len(after) == len(p.Native) {
		return nil
	}
	p.Native = after
	return store.Save(ctx, name, p, "")
}
