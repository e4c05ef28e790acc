package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// hostFlags choose hosts: one flag for each.
type hostFlags struct {
	all     bool
	project bool
	chosen  map[string]*bool
}

// add adds the flags. The text of the command names the hosts' flags on a few
// lines.
func (f *hostFlags) add(cmd *cobra.Command) {
	f.chosen = map[string]*bool{}
	var names []string
	for _, host := range hostconfig.Hosts() {
		f.chosen[host.ID] = cmd.Flags().Bool(host.ID, false, host.Name)
		cmd.Flags().Lookup(host.ID).Hidden = true
		names = append(names, "--"+host.ID)
	}
	const title = "hosts: "
	flags := terminal.Wrap(strings.Join(names, " "), 79-len(title))
	cmd.Long = title + strings.Join(flags, "\n"+strings.Repeat(" ", len(title))) + cmd.Long
	cmd.Flags().BoolVar(&f.project, "project", false, "the file in this folder, not the user's")
}

// any reports whether a flag chooses a host or a place.
func (f *hostFlags) any() bool {
	for _, chosen := range f.chosen {
		if *chosen {
			return true
		}
	}
	return f.all || f.project
}

// hosts returns the chosen hosts.
func (f *hostFlags) hosts(e hostconfig.Environment) ([]*hostconfig.Host, error) {
	var hosts []*hostconfig.Host
	for _, host := range hostconfig.Hosts() {
		if *f.chosen[host.ID] || f.all && host.Found(e) && (!f.project || host.HasProject()) {
			hosts = append(hosts, host)
		}
	}
	if f.all && len(hosts) == 0 {
		return nil, hintError{errors.New("no host was found"), "name one with its flag; see mcpengine hosts"}
	}
	if f.project && len(hosts) == 0 {
		return nil, usageError{errors.New("--project needs the flag of a host")}
	}
	return hosts, nil
}

// environment describes this machine to package hostconfig.
func (c *cli) hostEnvironment(home string, project bool) (hostconfig.Environment, error) {
	e := hostconfig.Environment{
		OS: runtime.GOOS, Getenv: c.getenv, Glob: filepath.Glob, State: home, Run: runHostCommand,
		Exists: func(name string) bool { _, err := os.Stat(name); return err == nil },
	}
	var err error
	if project {
		if e.Project, err = os.Getwd(); err != nil {
			return e, fmt.Errorf("find the project: %w", err)
		}
		return e, nil
	}
	if e.Home, err = os.UserHomeDir(); err != nil {
		return e, hintError{fmt.Errorf("find the files of the hosts: %w", err), "set HOME to your home directory"}
	}
	return e, nil
}

// homeless adds a hint to the error of a missing folder for the program's files.
func homeless(err error) error {
	return hintError{err, "set MCPENGINE_HOME to a folder for them"}
}

// runHostCommand runs a host's own command, or looks for it when it gets no
// arguments.
func runHostCommand(ctx context.Context, command string, args ...string) error {
	path, err := exec.LookPath(command)
	if err != nil || len(args) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); err != nil && line != "" {
		return fmt.Errorf("%w: %.200s", err, line)
	}
	return err
}

// store returns where profiles are kept.
func (c *cli) store() (*profile.Store, error) {
	home, err := profile.Home(c.getenv)
	if err != nil {
		return nil, homeless(err)
	}
	return profile.NewStore(home, nil), nil
}

// hostRow is a host in the answer of hosts.
type hostRow struct {
	Host  string    `json:"host"`
	Name  string    `json:"name"`
	Found bool      `json:"found"`
	Files []fileRow `json:"files"`
}

type fileRow struct {
	File    string   `json:"file"`
	Exists  bool     `json:"exists"`
	Servers []string `json:"servers"`
	Error   string   `json:"error,omitempty"`
}

func (c *cli) hosts() *cobra.Command {
	var asJSON, project bool
	cmd := &cobra.Command{
		Use:   "hosts [flags]",
		Short: "List the hosts, their files and what is installed there",
		Long:  "Only servers that mcpengine has installed are listed. Nothing is changed.",
		Example: `  mcpengine hosts
  mcpengine hosts --json | jq '.[] | select(.found)'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := c.hostRows(project)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("json") {
				asJSON = !terminal.IsTerminal(c.stdout)
			}
			if asJSON {
				return c.stdout.JSON(rows)
			}
			return c.printHosts(rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (default when piped; --json=false: a table)")
	cmd.Flags().BoolVar(&project, "project", false, "the files in this folder, not the user's")
	return cmd
}

func (c *cli) hostRows(project bool) ([]hostRow, error) {
	store, err := c.store()
	if err != nil {
		return nil, err
	}
	e, err := c.hostEnvironment(store.Home(), project)
	if err != nil {
		return nil, err
	}
	var rows []hostRow
	for _, host := range hostconfig.Hosts() {
		if project && !host.HasProject() {
			continue
		}
		row := hostRow{Host: host.ID, Name: host.Name, Found: host.Found(e)}
		for _, status := range host.Status(e, ours(store, host)) {
			file := fileRow{File: status.File, Exists: status.Exists, Servers: status.Servers}
			if file.Servers == nil {
				file.Servers = []string{}
			}
			if status.Err != nil {
				file.Error = status.Err.Error()
			}
			row.Files = append(row.Files, file)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// ours returns the server of that name, if a host may have it from this program.
func ours(store *profile.Store, host *hostconfig.Host) func(name string) (hostconfig.Server, bool) {
	return func(name string) (hostconfig.Server, bool) {
		s := hostconfig.Server{Name: name}
		s.Command, _ = os.Executable() // where it cannot be found, it is not compared
		p, err := store.Load(name)
		switch {
		case err == nil:
			s.Own = p.Native[host.ID]
		case errors.Is(err, fs.ErrNotExist) || profile.CheckName(name) != nil:
			return s, false
		}
		return s, true // a profile that cannot be read is one
	}
}

func (c *cli) printHosts(rows []hostRow) error {
	table := [][]string{{"HOST", "FOUND", "SERVERS", "FILE"}}
	for _, row := range rows {
		for _, file := range row.Files {
			servers := strings.Join(file.Servers, " ")
			switch {
			case file.Error != "":
				servers = "? " + file.Error
			case servers == "":
				servers = "-"
			}
			found := "no"
			if row.Found {
				found = "yes"
			}
			table = append(table, []string{row.Host, found, servers, file.File})
		}
	}
	c.stdout.Table(table)
	return c.stdout.Err()
}
