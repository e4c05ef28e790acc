package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

func (c *cli) profiles() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "List, show and remove the servers of proxy and install",
		Long:  "A profile has the URL or command and the settings of a server. No secret is\nprinted.",
		Example: `  mcpengine profile list
  mcpengine profile show weather`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var output string
	list := &cobra.Command{
		Use: "list", Short: "List the profiles", Example: "  mcpengine profile list", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return c.listProfiles(output) },
	}
	list.Flags().StringVar(&output, "output", "", "`format`: text or json (default: text on a terminal)")
	show := &cobra.Command{
		Use: "show NAME", Short: "Print a profile as JSON", Example: "  mcpengine profile show weather", Args: oneArgument("the profile"),
		RunE: func(_ *cobra.Command, args []string) error {
			_, p, err := c.loadProfile(args[0])
			if err != nil {
				return err
			}
			return c.stdout.JSON(p)
		},
		ValidArgsFunction: c.suggestProfile,
	}
	remove := &cobra.Command{
		Use: "remove NAME", Short: "Remove a profile and its secret; see also uninstall", Example: "  mcpengine profile remove weather", Args: oneArgument("the profile"),
		RunE:              func(cmd *cobra.Command, args []string) error { return c.dropProfile(cmd, args[0]) },
		ValidArgsFunction: c.suggestProfile,
	}
	cmd.AddCommand(list, show, remove)
	return cmd
}

// listProfiles prints the name and the URL or command of each profile. A profile that cannot
// be read is listed with the reason.
func (c *cli) listProfiles(output string) error {
	asJSON, err := c.asJSON(output)
	if err != nil {
		return err
	}
	store, err := c.store()
	if err != nil {
		return err
	}
	names, err := store.Names()
	if err != nil {
		return err
	}
	type row struct {
		Name    string   `json:"name"`
		URL     string   `json:"url,omitempty"`
		Command []string `json:"command,omitempty"`
		Error   string   `json:"error,omitempty"`
	}
	all, table := []row{}, [][]string{{"NAME", "SERVER"}}
	for _, name := range names {
		r := row{Name: name}
		if p, err := store.Load(name); err != nil {
			r.Error = err.Error()
		} else {
			r.URL, r.Command = p.URL, p.Command
		}
		all, table = append(all, r), append(table, []string{r.Name, r.URL + strings.Join(r.Command, " ") + r.Error})
	}
	if asJSON {
		return c.stdout.JSON(all)
	}
	if len(all) > 0 {
		c.stdout.Table(table)
	}
	return nil
}

func (c *cli) loadProfile(name string) (*profile.Store, *profile.Profile, error) {
	if err := profile.CheckName(name); err != nil {
		return nil, nil, usageError{err}
	}
	store, err := c.store()
	if err != nil {
		return nil, nil, err
	}
	p, err := store.Load(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = hintError{fmt.Errorf("there is no profile %q", name), "mcpengine profile list shows the profiles there are"}
	}
	return store, p, err
}

// dropProfile removes a profile that no host uses.
func (c *cli) dropProfile(cmd *cobra.Command, name string) error {
	store, _, err := c.loadProfile(name)
	if err != nil && (store == nil || errors.As(err, new(hintError))) {
		return err
	}
	if e, err := c.hostEnvironment(store.Home(), false); err == nil {
		if hosts, _ := c.hostsWith(store, e, name); len(hosts) > 0 {
			return hintError{fmt.Errorf("%s still starts it", hosts[0].Name), "disconnect the hosts and remove the profile with mcpengine uninstall " + name}
		}
	}
	if err := store.Remove(cmd.Context(), name); err != nil {
		return err
	}
	c.stderr.Printf("removed the profile %s\n", name)
	return c.removeProgram(store, name)
}
