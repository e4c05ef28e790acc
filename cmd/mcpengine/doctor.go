package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/awsauth"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

func (c *cli) doctor() *cobra.Command {
	var f remoteFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor [SERVER] [flags]",
		Short: "Say why a server, a command or this machine does not work",
		Long: `The SERVER is a URL, a NAME (of proxy, of install, or in the file of a host), or
a command after --. Without one this machine is examined: hosts, profiles, the
keychain, proxies. Nothing is changed. It exits with 0, with 1 when a check
fails, and with 2 when it is used wrongly.`,
		Example: `  mcpengine doctor
  mcpengine doctor https://example.com/mcp
  mcpengine doctor -- npx some-server`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("json") {
				f.output = map[bool]string{true: "json", false: "text"}[asJSON]
			}
			json, err := c.asJSON(f.output)
			if err != nil {
				return err
			}
			switch {
			case f.timeout < 0:
				return usageError{errors.New("--timeout is not positive")}
			case f.protocol != "":
				return usageError{errors.New("--protocol is not for the doctor: the doctor asks in every version")}
			}
			return c.runDoctor(cmd, args, &f, json)
		},
		ValidArgsFunction: c.suggestOneServer,
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.Lookup("timeout").Usage = "`time` that each request may take (default 10s)"
	flags.BoolVar(&asJSON, "json", false, "print JSON, as --output json does")
	for _, name := range []string{"trace", "protocol"} { // the doctor asks in its own way
		flags.Lookup(name).Hidden = true
	}
	return cmd
}

func (c *cli) runDoctor(cmd *cobra.Command, args []string, f *remoteFlags, asJSON bool) error {
	config := doctor.Config{Timeout: f.timeout}
	var report *doctor.Report
	name := "this machine"
	if len(args) == 0 && cmd.ArgsLenAtDash() < 0 {
		var err error
		if report, err = c.examineMachine(cmd.Context(), config); err != nil {
			return err
		}
	} else {
		t, rest, err := c.split(cmd, args, f)
		switch {
		case err != nil:
			return err
		case len(rest) > 0:
			return usageError{fmt.Errorf("there is one argument too many: %q", rest[0])}
		case t.command != nil:
			name = terminal.Fold(strings.Join(t.command, " "))
			report = doctor.Command(cmd.Context(), doctor.Program{Line: t.command, Env: t.env, Dir: t.dir}, config)
		default:
			server, err := c.examined(cmd.Context(), t)
			if err != nil {
				return err
			}
			name = t.reference()
			report = doctor.Server(cmd.Context(), server, config)
		}
	}
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	return c.printReport(report.Summary(name), asJSON)
}

// errUnwell says that a check fails. The report says more.
type errUnwell struct{ failures int }

func (e errUnwell) Error() string {
	if e.failures == 1 {
		return "1 check fails"
	}
	return fmt.Sprintf("%d checks fail", e.failures)
}

func (c *cli) printReport(s doctor.Summary, asJSON bool) error {
	if asJSON {
		if err := c.stdout.JSON(s); err != nil {
			return err
		}
	} else {
		s.Print(c.stdout, terminal.IsTerminal(c.stdout) && c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb")
	}
	if s.Failures > 0 {
		return errUnwell{s.Failures}
	}
	return c.stdout.Err()
}

func (c *cli) examineMachine(ctx context.Context, config doctor.Config) (*doctor.Report, error) {
	store, err := c.store()
	if err != nil {
		return nil, err
	}
	e, err := c.hostEnvironment(store.Home(), false)
	if err != nil {
		return nil, err
	}
	place := doctor.Place{Environment: e, Store: store, Keychain: oauth.SystemKeychain{}}
	place.Ours = func(host *hostconfig.Host) func(string) (hostconfig.Server, bool) { return ours(store, host) }
	return doctor.Machine(ctx, place, config), nil
}

// examined returns the server of a target for the doctor, with the token that is kept.
func (c *cli) examined(ctx context.Context, t *target) (doctor.Target, error) {
	p := doctor.Target{Name: t.reference(), Profile: t.Profile, URL: t.URL, Header: http.Header{}}
	for _, h := range t.Headers {
		value, err := h.Resolve(ctx, c.getenv)
		if err != nil {
			return p, fmt.Errorf("header %s: %w", h.Name, err)
		}
		p.Header.Add(h.Name, value)
	}
	var err error
	if p.Trust, err = peer.LoadTLS(t.CAFile, t.CertFile, t.KeyFile); err != nil {
		return p, err
	}
	if t.ForAWS() {
		if p.URL, p.Signed, err = awsauth.Carry(t.Profile, peer.NewHTTPClient(p.Trust).Transport); err != nil {
			return p, err
		}
	} else if !t.hasCredential() {
		if p.Authorizer, err = c.explainer(ctx, t); err != nil && t.name == t.URL {
			p.Authorizer = nil // nobody signs in to such a URL
		} else if err != nil {
			return p, err
		}
	}
	if store, err := c.store(); err == nil && t.name != t.URL {
		p.Log = filepath.Join(store.Home(), "logs", t.name+".log")
	}
	return p, nil
}

// lookTime is how long proxy waits for each answer of the server.
const lookTime = 5 * time.Second

// look says what is found at the URL of a profile that has just been set up.
func (c *cli) look(ctx context.Context, name string) {
	t := &target{name: name}
	err := t.load(c, name)
	var p doctor.Target
	if err == nil {
		p, err = c.examined(ctx, t)
	}
	if err != nil {
		c.stderr.Printf("the server is not asked: %s\n", err)
		return
	}
	for _, line := range doctor.Look(ctx, p, doctor.Config{Timeout: lookTime}) {
		c.stderr.Printf("%s\n", line)
	}
}
