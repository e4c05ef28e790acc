package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/inspector"
	"github.com/mcpengine/mcpengine/internal/oauth"
)

// openFlags are the flags of inspect --open.
type openFlags struct {
	open      bool
	port      int
	noBrowser bool
}

func (f *openFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.open, "open", false, "show the server in a page, until it is interrupted")
	flags.IntVar(&f.port, "port", 0, "`port` of the page (default: a free one)")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "print the address of the page, and do not open it")
	for _, name := range []string{"port", "no-browser"} {
		flags.Lookup(name).Hidden = true // they are in docs/cli.md, so that help fits a screen
	}
}

func (f *openFlags) check(all *inspectFlags) error {
	switch {
	case !f.open && (f.port != 0 || f.noBrowser):
		return errors.New("--port and --no-browser are for --open")
	case f.port < 0 || f.port > 65535:
		return fmt.Errorf("--port %d is not the number of a port", f.port)
	case f.open && (all.file != "" || all.diff != ""):
		return errors.New("--open shows a server, without --out and --diff")
	}
	return nil
}

// openInspector serves the page of the inspector until it is interrupted.
func (c *cli) openInspector(cmd *cobra.Command, args []string, f *inspectFlags) error {
	ctx := cmd.Context()
	t, rest, err := c.split(cmd, args, &f.remoteFlags)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usageError{fmt.Errorf("there is one argument too many: %q", rest[0])}
	}
	dir, err := os.MkdirTemp("", "mcpengine")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	options := inspector.Options{Target: &inspected{c, t, dir}, Version: t.Protocol}
	if options.Name = t.name; t.command != nil {
		options.Name = filepath.Base(t.command[0])
	} else {
		options.Identities = []inspector.Identity{{Name: nobody, Subject: "a caller without credentials"}}
	}
	i := inspector.New(options)
	if err := i.Listen(ctx, f.open.port); err != nil {
		return err
	}
	c.stdout.Printf("%s\n", i.URL())
	c.stderr.Printf("mcpengine: the page is for this machine alone; press Ctrl+C to stop\n")
	if !f.open.noBrowser {
		if err := oauth.OpenBrowser(ctx, i.URL()); err != nil {
			c.stderr.Printf("mcpengine: the browser does not open; open the address yourself\n")
		}
	}
	return i.Serve(ctx)
}

// nobody is the identity that sends no credentials.
const nobody = "nobody"

// inspected is the server of a command line as the target of the inspector.
type inspected struct {
	*cli
	target *target
	dir    string // for the policy
}

func (s *inspected) Kind() string {
	if s.target.command != nil {
		return "command"
	}
	return "url"
}

func (s *inspected) Text() string {
	if s.target.command != nil {
		return strings.Join(s.target.command, " ")
	}
	u, err := url.Parse(s.target.URL)
	if err != nil {
		return s.target.name
	}
	return inspector.CleanURL(u)
}

func (s *inspected) Connect(ctx context.Context, wanted inspector.Connection) (*inspector.Connected, error) {
	t, settings := *s.target, *s.target.Profile
	t.Profile, t.options, t.http, t.streams = &settings, wanted.Options, wanted.HTTP, wanted.Streams
	t.Protocol = wanted.Version
	t.anonymous = wanted.Identity == nobody
	policy := func() (mcpengine.Policy, string) {
		return nil, "A server at a URL tells nobody who may use what: inspect its program instead, with mcpengine inspect --open -- COMMAND."
	}
	if t.command != nil {
		t.explain = filepath.Join(s.dir, "policy.json")
		_ = os.Remove(t.explain) // of the last process
		policy = func() (mcpengine.Policy, string) { return s.policy(t.explain) }
	}
	conn, err := s.dial(ctx, &t, client.Handlers{})
	if err != nil {
		if hint := s.hintOf(err); hint != "" {
			err = fmt.Errorf("%w; %s", err, hint)
		}
		return nil, err
	}
	return &inspector.Connected{Client: conn, Policy: policy}, nil
}

// policy reads the policy that the program has written.
func (s *inspected) policy(file string) (mcpengine.Policy, string) {
	text, err := s.readFile(file, maxArgumentBytes)
	var policy mcpengine.Policy
	if err == nil {
		err = json.Unmarshal([]byte(text), &policy)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, "The program has not written its policy, as programs of MCPEngine do when they start."
	}
	if err != nil {
		return nil, fmt.Sprintf("The policy of the program cannot be read: %v", err)
	}
	return policy, "The program says so itself (Explain)."
}
