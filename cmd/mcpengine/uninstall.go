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
Without a host: all of them, and the profile with its secret is removed too.
Only entries that mcpengine has made are removed.`,
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
	if everywhere {
		hosts = c.hostsWith(store, e, name)
	}
	var all []hostconfig.Change
	for _, host := range hosts {
		s := hostconfig.Server{Name: name, OwnURL: ownURL(store, host, name)}
		changes, failed := host.Uninstall(ctx, e, s, o)
		all = append(all, changes...)
		if failed != nil {
			c.report(all, "uninstalled "+name)
			return failed
		}
	}
	if o.DryRun {
		c.printChanges(all, store, name)
		return nil
	}
	c.report(all, "uninstalled "+name)
	if everywhere {
		err = c.removeProfile(ctx, store, name, len(all) > 0)
	} else {
		err = forgetNative(ctx, store, name, hosts)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, hostconfig.Change.Changed) {
		c.stderr.Printf("A host that is running may keep the server until it is restarted\n")
	}
	return nil
}

// hostsWith are the hosts that have the entry. A file that cannot be read is
// mentioned: it may have it.
func (c *cli) hostsWith(store *profile.Store, e hostconfig.Environment, name string) []*hostconfig.Host {
	var hosts []*hostconfig.Host
	for _, host := range hostconfig.Hosts() {
		has := false
		for _, status := range host.Status(e, nativeOf(store, host)) {
			if status.Err != nil {
				c.stderr.Printf("%s: left out: %s: %v\n", host.Name, status.File, status.Err)
			}
			has = has || slices.Contains(status.Servers, name)
		}
		if has {
			hosts = append(hosts, host)
		}
	}
	return hosts
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
	return nil
}

// forgetNative takes hosts off the list of those that have an entry of their own
// kind.
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
