package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/dev"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// devFlags are the flags of dev as they were given.
type devFlags struct {
	dev.Config
	hosts         []string
	project       bool
	identities    []string
	roles         []string
	attach, token string
	noOpen        bool
}

func (c *cli) dev() *cobra.Command {
	f := &devFlags{}
	cmd := &cobra.Command{
		Use:   "dev [PACKAGE] [flags] [-- COMMAND [ARGUMENT...]]",
		Short: "Run a server while you write it: build again on save",
		Long: `It builds the main package of this folder, or runs the command, and serves it at
one address that stays. After a save that does not compile, the last good build
goes on answering. See docs/dev.md.`,
		Example: `  mcpengine dev --host claude-code
  mcpengine dev --watch src -- node src/server.js`,
		Args: func(cmd *cobra.Command, args []string) error { return f.take(cmd, args) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.attach != "":
				return c.attachDev(cmd.Context(), f.attach)
			case f.token != "":
				return c.devToken(cmd.Context(), f.token)
			}
			return c.runDev(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.hosts, "host", nil, "connect this `host` until the end; repeat it")
	flags.BoolVar(&f.project, "project", false, "with --host: the file in this folder, not the user's")
	flags.StringVar(&f.Name, "name", "", "`name` of the server in hosts (default: the folder's)")
	flags.IntVar(&f.Port, "port", 0, "`port` of 127.0.0.1 (default: one that the folder keeps)")
	flags.StringVar(&f.Path, "path", "/mcp", "`path` of the server's endpoint")
	flags.StringArrayVar(&f.Watch, "watch", nil, "`folder` to watch (default: the module, or this folder)")
	flags.BoolVar(&f.HTTP, "http", false, "the command listens on $PORT, instead of speaking stdio")
	flags.StringArrayVar(&f.identities, "auth-as", nil, "call the server as `NAME[:SCOPE,...]`; repeat it")
	flags.StringArrayVar(&f.roles, "role", nil, "give an identity a role: `NAME=ROLE`; repeat it")
	flags.BoolVar(&f.noOpen, "no-open", false, "do not open the page in a browser")
	flags.StringVar(&f.token, "token", "", "print a token of this `identity`; dev runs elsewhere")
	flags.StringVar(&f.attach, "attach", "", "relay to the dev of a `folder` (hosts run this)")
	flags.Lookup("attach").Hidden = true
	return cmd
}

// take reads the arguments: a package, or a command after two dashes.
func (f *devFlags) take(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	packages := args
	if dash >= 0 {
		packages, f.Command = args[:dash], args[dash:]
		if len(f.Command) == 0 {
			return errors.New("name the command after --")
		}
	}
	switch {
	case len(packages) > 1:
		return fmt.Errorf("name one package, not %d", len(packages))
	case len(packages) == 1 && len(f.Command) > 0:
		return errors.New("name a package, or a command after --, but not both")
	case len(packages) == 1:
		f.Package = packages[0]
	case f.HTTP && len(f.Command) == 0:
		return errors.New("--http is about a command: name it after --")
	}
	return f.check()
}

// check reads the flags that have a form of their own.
func (f *devFlags) check() error {
	if f.Port < 0 || f.Port > 65535 {
		return fmt.Errorf("--port %d is not a port", f.Port)
	}
	if !strings.HasPrefix(f.Path, "/") {
		return fmt.Errorf("--path %s does not begin with /", f.Path)
	}
	if f.Name != "" {
		if err := profile.CheckName(f.Name); err != nil {
			return err
		}
	}
	for _, id := range f.hosts {
		if !slices.ContainsFunc(hostconfig.Hosts(), func(h *hostconfig.Host) bool { return h.ID == id }) {
			return fmt.Errorf("--host %s: there is no such host; see mcpengine hosts", id)
		}
	}
	if f.project && len(f.hosts) == 0 {
		return errors.New("--project needs --host")
	}
	for _, text := range f.identities {
		name, scopes, _ := strings.Cut(text, ":")
		who := dev.Identity{Name: name}
		if scopes != "" {
			who.Scopes = strings.Split(scopes, ",")
		}
		if name == "" || slices.ContainsFunc(who.Scopes, func(s string) bool { return !auth.ValidScope(s) }) {
			return fmt.Errorf("--auth-as %q is not NAME or NAME:SCOPE,SCOPE", text)
		}
		f.Identities = append(f.Identities, who)
	}
	for _, text := range f.roles {
		name, role, ok := strings.Cut(text, "=")
		at := slices.IndexFunc(f.Identities, func(who dev.Identity) bool { return who.Name == name })
		if !ok || role == "" || at < 0 {
			return fmt.Errorf("--role %q is not NAME=ROLE with a NAME of --auth-as", text)
		}
		f.Identities[at].Roles = append(f.Identities[at].Roles, role)
	}
	return nil
}

func (c *cli) runDev(ctx context.Context, f *devFlags) error {
	var err error
	config := f.Config
	if config.Dir, err = os.Getwd(); err != nil {
		return err
	}
	for i, folder := range config.Watch {
		if config.Watch[i], err = filepath.Abs(folder); err != nil {
			return err
		}
	}
	config.Env = os.Environ()
	config.Say = func(line, output string) {
		c.stderr.Printf("%s\n", line)
		if output != "" {
			c.stderr.Printf("%s\n", terminal.Trusted("  "+terminal.Block(output, "  ")))
		}
	}
	config.Output = c.stderr.Raw()
	var page *devPage
	config.OnBuild = func(b dev.Build) { page.built(ctx, b) }
	config.Started = func(ctx context.Context, at dev.Place) (end func(), err error) {
		c.stderr.Printf("%s is at %s\n", at.Name, at.URL)
		if page, err = c.openDevPage(ctx, f, at); err != nil {
			return nil, err
		}
		disconnect, err := c.connectHosts(ctx, f, at)
		if err != nil {
			page.end()
			return nil, err
		}
		return func() { disconnect(); page.end() }, nil
	}
	return devError(dev.Run(ctx, config))
}

// devError makes a mistake in what was named an error of the command line.
func devError(err error) error {
	if wrong, ok := errors.AsType[*dev.Error](err); ok && wrong.Usage {
		return usageError{err}
	}
	return err
}

// connectHosts connects the hosts of the flags. The function that it returns
// disconnects them.
func (c *cli) connectHosts(ctx context.Context, f *devFlags, at dev.Place) (end func(), err error) {
	if len(f.hosts) == 0 {
		return func() {}, nil
	}
	store, err := c.store()
	if err != nil {
		return nil, err
	}
	e, err := c.hostEnvironment(store.Home(), f.project)
	if err != nil {
		return nil, err
	}
	s, err := c.server(store, at.Name, &profile.Profile{URL: at.URL}, false, "")
	if err != nil {
		return nil, err
	}
	// An entry that is left of a program that was killed is told by its arguments.
	s.Args, s.Known = []string{"dev", "--attach", at.Dir}, true
	var installed []*hostconfig.Host
	end = func() { c.removeDev(context.WithoutCancel(ctx), installed, e, s) }
	for _, host := range hostconfig.Hosts() {
		if !slices.Contains(f.hosts, host.ID) {
			continue
		}
		changes, err := host.Install(ctx, e, s, hostconfig.Options{})
		if err != nil {
			end()
			return nil, fmt.Errorf("connect %s: %w", host.Name, err)
		}
		installed = append(installed, host)
		c.report(changes, "connected "+at.Name)
		c.next(changes)
	}
	return end, nil
}

func (c *cli) removeDev(ctx context.Context, hosts []*hostconfig.Host, e hostconfig.Environment, s hostconfig.Server) {
	for _, host := range hosts {
		changes, err := host.Uninstall(ctx, e, s, hostconfig.Options{})
		c.report(changes, "disconnected "+s.Name)
		if err != nil {
			c.stderr.Printf("%s: the entry stays: %v\n", host.Name, err)
		}
	}
}

// attachDev is the other end of the entry of a host.
func (c *cli) attachDev(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	file := ""
	if store, err := c.store(); err == nil {
		file = filepath.Join(store.Home(), "logs", "dev-"+filepath.Base(dir)+".log")
	}
	log := bridge.NewLog(c.stderr.Raw(), slog.LevelWarn, file)
	defer log.Close()
	err = dev.Attach(ctx, dir, c.stdin, c.stdout.Raw(), log.Logger())
	if ctx.Err() != nil || err == nil {
		return nil
	}
	return relayError{err}
}

func (c *cli) devToken(ctx context.Context, identity string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	token, err := dev.Token(ctx, dir, identity)
	if err != nil {
		return err
	}
	c.stdout.Printf("%s\n", token)
	return nil
}
