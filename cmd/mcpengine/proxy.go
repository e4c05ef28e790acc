package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/private"
)

// proxyFlags are the flags of proxy as they were given.
type proxyFlags struct {
	hostFlags
	profile       profile.Profile
	secret        string
	headers       []string
	timeout       time.Duration
	sign          signFlags
	via           string
	pin, pinMode  string
	dryRun, force bool
}

func (c *cli) proxy() *cobra.Command {
	f := &proxyFlags{}
	cmd := &cobra.Command{
		Use:   "proxy NAME URL [flags]",
		Short: "Connect a host on this machine to a remote server",
		Long: `
Without a host the entry is printed. What a flag does not say stays as it was
for the same URL. More flags are in docs/hosts.md.`,
		Example: `  mcpengine proxy weather https://example.com/mcp --claude`,
		Args:    nameAndURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runProxy(cmd, args[0], args[1], f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.add(cmd)
	flags.BoolVar(&f.all, "all", false, "every host that is found")
	flags.StringVar(&f.via, "via", "", "`kind` of entry: bridge (default) or native")
	p := &f.profile
	flags.StringVar(&p.Mode, "mode", "auto", "`transport`: auto, http or sse")
	flags.StringVar(&p.ClientID, "client-id", "", "OAuth client `id`")
	flags.StringVar(&f.secret, "client-secret", "", "`where` its secret is: env:NAME, @FILE or - (stdin)")
	flags.StringArrayVar(&p.Scopes, "scope", nil, "OAuth `scope` to ask for; repeat it")
	flags.StringArrayVar(&f.headers, "header", nil, "send `K=V`; V may be env:X, file:X or command:X")
	addClientMetadata(cmd, p)
	addInsecureHTTP(cmd, p)
	addInsecureSignIn(cmd, p)
	f.sign.add(cmd)
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would change, and change nothing")
	flags.BoolVar(&f.force, "force", false, "replace an entry that mcpengine has not made")
	suggestValues(cmd, "via", "bridge", "native")
	suggestValues(cmd, "mode", "auto", "http", "sse")
	// Rare flags are in docs/hosts.md alone, so that help fits a screen.
	flags.StringArrayVar(&p.Tools.Allow, "allow", nil, "show only this `tool`; repeat it")
	flags.BoolVar(&p.Tools.ReadOnly, "read-only", false, "show only tools that change nothing")
	flags.StringArrayVar(&p.Tools.Deny, "deny", nil, "hide this `tool`; repeat it")
	flags.StringVar(&f.pin, "pin", "", "lock `file` that the server must not differ from")
	flags.StringVar(&f.pinMode, "pin-mode", "refuse", "what becomes of a difference: `refuse or warn`")
	flags.StringVar(&p.Protocol, "protocol", "", "speak only this protocol `version`")
	flags.DurationVar(&f.timeout, "timeout", 0, "`time` a request may take without progress")
	flags.StringVar(&p.CAFile, "ca-file", "", "`file` of certificates to trust, in PEM")
	flags.StringVar(&p.CertFile, "cert-file", "", "`file` of the client's certificate, in PEM")
	flags.StringVar(&p.KeyFile, "key-file", "", "`file` of its key, in PEM")
	for _, name := range []string{clientMetadata, "allow", "deny", "read-only", "pin", "pin-mode", "protocol", "timeout", "ca-file", "cert-file", "key-file"} {
		flags.Lookup(name).Hidden = true
	}
	return cmd
}

func nameAndURL(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return errors.New("name the server and its URL: NAME URL")
	}
	return profile.CheckName(args[0])
}

func (c *cli) runProxy(cmd *cobra.Command, name, url string, f *proxyFlags) error {
	store, err := c.store()
	if err != nil {
		return err
	}
	old, err := loadOld(store, name)
	if err != nil {
		return err
	}
	if old != nil && old.Command != nil {
		return hintError{fmt.Errorf("%q is a local server", name), "choose another name, or remove it with mcpengine uninstall " + name}
	}
	p, secret, err := c.profile(cmd.Flags().Changed, old, url, f)
	if err != nil {
		return usageError{err}
	}
	var e hostconfig.Environment
	var hosts []*hostconfig.Host
	if f.any() { // without a host no file of one is looked for
		if e, err = c.hostEnvironment(store.Home(), f.project); err != nil {
			return err
		}
		if hosts, err = f.hostFlags.hosts(e); err != nil {
			return err
		}
	}
	s, err := c.server(store, name, p, secret != "", f.via)
	if err != nil {
		return err
	}
	job := installation{cli: c, store: store, e: e, server: s, hosts: hosts, force: f.force, before: old}
	return job.apply(cmd.Context(), p, secret, f.dryRun)
}

// loadOld returns the profile of a name, or nil without one.
func loadOld(store *profile.Store, name string) (*profile.Profile, error) {
	old, err := store.Load(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // there is none yet
	case errors.As(err, new(*private.Error)):
		return nil, err
	case err != nil:
		return nil, hintError{err, "remove it with mcpengine uninstall " + name}
	}
	return old, nil
}

// server returns the server as the hosts' entries describe it.
func (c *cli) server(store *profile.Store, name string, p *profile.Profile, secret bool, via string) (hostconfig.Server, error) {
	s := hostconfig.Server{Name: name, URL: p.URL, Mode: p.Mode, ClientID: p.ClientID, Scopes: p.Scopes}
	switch via {
	case "", "bridge":
	case "native":
		s.Native = true
		return s, nativeCan(p, secret)
	default:
		return s, usageError{fmt.Errorf(`--via %q is not "bridge" or "native"`, via)}
	}
	return s, bridgeEntry(store, &s)
}

// bridgeEntry completes an entry that runs the bridge.
func bridgeEntry(store *profile.Store, s *hostconfig.Server) (err error) {
	if s.Command, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if strings.Contains(s.Command, "go-build") {
		return hintError{errors.New("this program is a temporary one of go run, which a host could not start"), "go install github.com/mcpengine/mcpengine/cmd/mcpengine@latest"}
	}
	if usual, err := profile.UsualHome(); err != nil || usual != store.Home() {
		// The host may not have the variable, and the bridge has to find the profile.
		s.Env = map[string]string{"MCPENGINE_HOME": store.Home()}
	}
	return nil
}

// nativeCan refuses settings that only the bridge supports. In particular, a secret
// never goes into the file of a host.
func nativeCan(p *profile.Profile, secret bool) error {
	var what string
	switch {
	case secret || p.ClientSecret != nil:
		what = "a client secret"
	case p.ClientMetadata != "":
		what = "a client metadata document"
	case len(p.Headers) > 0:
		what = "headers"
	case len(p.Tools.Allow)+len(p.Tools.Deny) > 0 || p.Tools.ReadOnly:
		what = "a choice of tools"
	case p.Pin != nil:
		what = "a pinned lock file"
	case p.CAFile != "" || p.CertFile != "":
		what = "certificates"
	case strings.HasPrefix(p.URL, "lambda:"):
		what = "a lambda URL"
	case p.AWS != nil:
		what = "a signature for AWS"
	default:
		return nil
	}
	return hintError{fmt.Errorf("%s is not possible with --via native", what), "leave out --via native: the bridge does it, and keeps it out of the host's file"}
}

// native returns the marks of the entries that do not run the bridge, when these
// hosts get one, or lose it when there is no mark.
func native(before map[string]string, hosts []*hostconfig.Host, mark string) map[string]string {
	after := map[string]string{}
	maps.Copy(after, before)
	for _, host := range hosts {
		if delete(after, host.ID); mark != "" {
			after[host.ID] = mark
		}
	}
	return after
}

// printEntry prints an entry in the form of most hosts.
func (c *cli) printEntry(s hostconfig.Server) error {
	var raw json.RawMessage
	for _, host := range hostconfig.Hosts() {
		if host.ID != "cursor" { // its entries have no more than they need
			continue
		}
		entry, err := host.Entry(s)
		if err != nil {
			return err
		}
		raw = entry
	}
	err := c.stdout.JSON(map[string]any{"mcpServers": map[string]any{s.Name: raw}})
	c.stderr.Printf("Put this into the host's file, or name the host with a flag; see mcpengine hosts\n")
	return err
}
