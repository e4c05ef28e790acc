package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/awsauth"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/remote"
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// remoteFlags are the flags of every command that calls a server.
type remoteFlags struct {
	headers  []string
	protocol string
	timeout  time.Duration
	output   string
	clientID string
	changes  profile.Profile // settings of flags that are in the documentation alone
	sign     signFlags
	trace    bool
}

func (f *remoteFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.headers, "header", nil, "send `K=V`; V may be @file, env:X or command:X")
	flags.StringVar(&f.protocol, "protocol", "", "speak only this protocol `version`")
	flags.DurationVar(&f.timeout, "timeout", 0, "`time` to wait for a sign of life (default 5m)")
	flags.StringVar(&f.output, "output", "", "`format`: text or json (default: text on a terminal)")
	flags.StringVar(&f.clientID, "client-id", "", "OAuth client `id` that auth login was given")
	addClientMetadata(cmd, &f.changes)
	flags.Lookup(clientMetadata).Hidden = true // it is in docs/cli.md, so that help fits a screen
	flags.BoolVar(&f.trace, "trace", false, "print requests and results to standard error")
	suggestValues(cmd, "output", "text", "json")
	suggestValues(cmd, "protocol", versions()...)
	addInsecureHTTP(cmd, &f.changes)
	f.sign.add(cmd)
}

// clientMetadata is a flag.
const clientMetadata = "client-metadata"

// The flags that give up a protection, each named for it.
const (
	insecureHTTP     = "insecure-http"
	insecureNoPKCE   = "insecure-no-pkce"
	insecureNoIssuer = "insecure-no-issuer"
	insecureResource = "insecure-resource"
)

// addInsecureHTTP adds the flag that allows headers and tokens in the clear. Like
// the flags below it is in the documentation and not in help: the errors that it
// avoids name it.
func addInsecureHTTP(cmd *cobra.Command, p *profile.Profile) {
	cmd.Flags().BoolVar(&p.InsecureHTTP, insecureHTTP, false, "send headers and tokens to an http URL of another machine, in the clear")
	cmd.Flags().Lookup(insecureHTTP).Hidden = true
}

// addClientMetadata adds the flag that names what the program publishes about itself.
func addClientMetadata(cmd *cobra.Command, p *profile.Profile) {
	cmd.Flags().StringVar(&p.ClientMetadata, clientMetadata, "", "`URL` of a client id metadata document of yours")
}

// addInsecureSignIn adds the flags for authorization servers that lack something.
func addInsecureSignIn(cmd *cobra.Command, p *profile.Profile) {
	cmd.Flags().BoolVar(&p.InsecureNoPKCE, insecureNoPKCE, false, "sign in where PKCE is not announced: an intercepted code may be used")
	cmd.Flags().BoolVar(&p.InsecureNoIssuer, insecureNoIssuer, false, "sign in where the answer does not name its issuer: it may be another's")
	cmd.Flags().StringVar(&p.InsecureResource, insecureResource, "", "`name` to ask a token for, or none: it may be good elsewhere")
	for _, name := range []string{insecureNoPKCE, insecureNoIssuer, insecureResource} {
		cmd.Flags().Lookup(name).Hidden = true
	}
}

// remoteShape describes the server argument in the help of commands.
const remoteShape = `The SERVER is a URL, or a NAME: of proxy, of install, or in the file of a host.
Without it a command, after -- at the end, starts the server.`

// A target is the server that a command line names: a profile, or a program with
// its arguments.
type target struct {
	*profile.Profile
	name    string // a URL, or of the profile
	secret  string // of the OAuth client
	command []string
	env     map[string]string // that the command gets besides
	dir     string            // that the command runs in, or ""
	detach  bool              // tasks are not waited for
	explain string            // the file to which the program writes its policy

	// Of the inspector: options of the client, and what records the messages.
	options []client.Option
	http    func(http.RoundTripper) http.RoundTripper
	streams func(io.ReadCloser, io.WriteCloser) (io.ReadCloser, io.WriteCloser)

	anonymous bool // no credentials are sent
}

// split takes the server out of the arguments: the first, or all after "--". The
// command comes last, because nothing else could tell where it ends.
func (c *cli) split(cmd *cobra.Command, args []string, f *remoteFlags) (*target, []string, error) {
	if f.protocol != "" && !slices.Contains(protocol.Names(nil), f.protocol) {
		return nil, nil, usageError{fmt.Errorf("--protocol %q is not one of %s", f.protocol, strings.Join(protocol.Names(nil), ", "))}
	}
	c.tracing = f.trace
	dash := cmd.ArgsLenAtDash()
	switch {
	case dash >= 0 && dash == len(args):
		return nil, nil, usageError{errors.New("name the command of the server after --")}
	case dash > 0 && strings.HasPrefix(args[0], "http") && strings.Contains(args[0], "://") && cmd.Name() != "read":
		return nil, nil, usageError{errors.New("name a URL, or a command after --, and not both")}
	case dash >= 0:
		if len(f.headers) > 0 || f.clientID != "" || f.sign.any() {
			return nil, nil, usageError{errRemoteFlags}
		}
		return &target{command: args[dash:], Profile: &profile.Profile{Protocol: f.protocol, Timeout: profile.Duration(f.timeout)}}, args[:dash], nil
	case len(args) == 0:
		return nil, nil, usageError{errors.New("name the server: a URL, a NAME, or a command after --")}
	}
	t, err := c.target(args[0], f)
	return t, args[1:], err
}

var errRemoteFlags = errors.New("--header, --client-id and --aws-sigv4 are for servers at a URL")

// target returns the server at a URL, of a profile or in the file of a host, as the
// flags change it.
func (c *cli) target(server string, f *remoteFlags) (*target, error) {
	t := &target{Profile: &profile.Profile{URL: server}}
	c.named = t
	t.name = server
	if !strings.Contains(server, "://") {
		if err := t.load(c, server); err != nil {
			return nil, err
		}
	}
	if f.protocol != "" {
		t.Protocol = f.protocol
	}
	if f.timeout != 0 {
		t.Timeout = profile.Duration(f.timeout)
	}
	if t.command != nil {
		if len(f.headers) > 0 || f.clientID != "" || f.sign.any() {
			return nil, usageError{errRemoteFlags}
		}
		return t, nil
	}
	if f.clientID != "" && f.clientID != t.ClientID {
		t.ClientID, t.secret = f.clientID, strings.TrimSpace(c.getenv("MCPENGINE_CLIENT_SECRET"))
	}
	for _, pair := range f.headers {
		name, value, _ := strings.Cut(pair, "=")
		if file, ok := strings.CutPrefix(value, "@"); ok {
			pair = name + "=file:" + file
		}
		h, err := profile.ParseHeader(pair)
		if err == nil {
			h.File, err = absolute(h.File)
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("--header: %w", err)}
		}
		t.Headers = append(t.Headers, h)
	}
	if err := f.sign.apply(t.Profile, f.sign.given); err != nil {
		return nil, usageError{err}
	}
	t.ClientMetadata = cmp.Or(f.changes.ClientMetadata, t.ClientMetadata)
	t.InsecureHTTP = t.InsecureHTTP || f.changes.InsecureHTTP
	t.InsecureNoPKCE = t.InsecureNoPKCE || f.changes.InsecureNoPKCE
	t.InsecureNoIssuer = t.InsecureNoIssuer || f.changes.InsecureNoIssuer
	t.InsecureResource = cmp.Or(f.changes.InsecureResource, t.InsecureResource)
	if err := t.Check(); err != nil {
		return nil, usageError{err}
	}
	return t, nil
}

// load finds the server of a name: in a profile, or else in the file of a host.
func (t *target) load(c *cli, name string) error {
	nameErr := profile.CheckName(name)
	store, err := c.store()
	if err != nil {
		return err
	}
	if nameErr == nil {
		t.Profile, err = store.Load(name)
		switch {
		case err == nil:
			return t.fromProfile(store, name, c.getenv)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	found, err := t.fromHost(c, store, name)
	switch {
	case err != nil || found:
		return err
	case nameErr != nil:
		return usageError{fmt.Errorf("the server is not a URL, and no profile either: %w", nameErr)}
	}
	return hintError{fmt.Errorf("there is no server %q", name), "name a URL, or make a profile with mcpengine proxy " + name + " URL"}
}

// fromProfile takes what only the store has.
func (t *target) fromProfile(store *profile.Store, name string, getenv func(string) string) (err error) {
	if t.Command == nil {
		t.secret, err = store.Secret(name, t.Profile, getenv)
		return err
	}
	t.command = t.Command
	t.env, err = store.Environment(name, t.Profile)
	return err
}

// dial connects to the server.
func (c *cli) dial(ctx context.Context, t *target, h client.Handlers) (*client.Client, error) {
	follow := tasksclient.Follow(0)
	if t.detach {
		follow = tasksclient.Detach()
	}
	opts := []client.Option{follow, client.WithHandlers(h), client.WithLimits(client.Limits{IdleTimeout: time.Duration(t.Timeout)})}
	opts = append(opts, t.options...)
	if t.Protocol != "" {
		opts = append(opts, client.WithProtocolVersion(t.Protocol))
	}
	if c.tracing {
		opts = append(opts, client.WithObserver(c.trace()))
	}
	if t.Timeout > 0 {
		// The context must outlive connecting, so a deadline will not do.
		var stop context.CancelCauseFunc
		ctx, stop = context.WithCancelCause(ctx)
		timer := time.AfterFunc(time.Duration(t.Timeout), func() { stop(client.ErrIdle) })
		defer timer.Stop()
	}
	var conn *client.Client
	var err error
	if t.command != nil {
		process := client.Process{Path: t.command[0], Args: t.command[1:], Dir: t.dir, Stderr: c.stderr.Raw(), Env: os.Environ(), Wrap: t.streams}
		for name, value := range t.env {
			process.Env = append(process.Env, name+"="+value)
		}
		if t.explain != "" {
			process.Env = append(process.Env, "MCPENGINE_EXPLAIN="+t.explain)
		}
		conn, err = client.Command(ctx, process, opts...)
	} else {
		var url string
		if url, opts, err = c.remoteOptions(ctx, t, opts); err != nil {
			return nil, err
		}
		conn, err = client.Connect(ctx, url, opts...)
	}
	if err != nil {
		return nil, connectError{err}
	}
	return conn, nil
}

// remoteOptions returns the URL to connect to, and the options for it.
func (c *cli) remoteOptions(ctx context.Context, t *target, opts []client.Option) (string, []client.Option, error) {
	if t.anonymous {
		public := *t.Profile
		public.Headers, public.CertFile, public.KeyFile = nil, "", ""
		t.Profile = &public
	}
	url, opts, signed, err := c.plainOptions(ctx, t, opts)
	if err != nil || signed || t.anonymous {
		return url, opts, err
	}
	a, err := c.signedIn(ctx, t)
	if a != nil {
		opts = append(opts, client.WithAuthorizer(a))
	}
	return url, opts, err
}

// plainOptions are the options without a token. Signed says that the requests carry
// credentials of another kind.
func (c *cli) plainOptions(ctx context.Context, t *target, opts []client.Option) (url string, _ []client.Option, signed bool, err error) {
	signed = t.ForAWS()
	for _, h := range t.Headers {
		value, err := h.Resolve(ctx, c.getenv)
		if err != nil {
			return "", nil, false, fmt.Errorf("header %s: %w", h.Name, err)
		}
		opts = append(opts, client.WithHeader(h.Name, value))
		signed = signed || strings.EqualFold(h.Name, "Authorization") && value != ""
	}
	opts = append(opts, client.WithTransport(client.Transport(remote.Transport(t.Mode))))
	url = t.URL
	if t.CAFile != "" || t.CertFile != "" || t.ForAWS() || t.http != nil {
		config, err := peer.LoadTLS(t.CAFile, t.CertFile, t.KeyFile)
		if err != nil {
			return "", nil, false, err
		}
		hc := peer.NewHTTPClient(config)
		if t.ForAWS() {
			if url, hc.Transport, err = awsauth.Carry(t.Profile, hc.Transport); err != nil {
				return "", nil, false, err
			}
		}
		if t.http != nil {
			hc.Transport = t.http(hc.Transport)
		}
		opts = append(opts, client.WithHTTPClient(hc))
	}
	return url, opts, signed, nil
}

// errSignIn says that a call needs a person to sign in. It opens no browser itself,
// because the caller may be a script.
var errSignIn = errors.New("somebody has to sign in")

// signedIn returns the credentials that auth login has stored, or nil.
func (c *cli) signedIn(ctx context.Context, t *target) (*oauth.Authorizer, error) {
	u, err := url.Parse(t.URL)
	if err != nil || !weburl.Secure(u) && !t.InsecureHTTP {
		return nil, nil //nolint:nilerr,nilnil // no token is sent there
	}
	dir, err := c.tokens()
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // where nothing can be kept, nobody has signed in
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nobody has signed in anywhere
	}
	a, err := c.authorizer(ctx, t, oauth.AuthorizationCode{Open: func(context.Context, string) error { return errSignIn }})
	if err != nil {
		return nil, err
	}
	if status, err := a.Status(ctx); status == nil || err != nil {
		return nil, err
	}
	return a, nil
}

// authorizer signs in to a server, with the store that all commands share.
func (c *cli) authorizer(ctx context.Context, t *target, grant oauth.Grant) (*oauth.Authorizer, error) {
	dir, err := c.tokens()
	if err != nil {
		return nil, err
	}
	store, err := oauth.NewFileStore(ctx, dir, oauth.SystemKeychain{})
	if err != nil {
		return nil, err
	}
	c.sealed = store.Sealed()
	return c.authorizerWith(t, grant, store)
}

// authorizerWith signs in with a store.
func (c *cli) authorizerWith(t *target, grant oauth.Grant, store oauth.Store) (*oauth.Authorizer, error) {
	trust, err := peer.LoadTLS(t.CAFile, t.CertFile, t.KeyFile)
	if err != nil {
		return nil, err
	}
	config, err := remote.OAuth(t.Profile, c.getenv, store, peer.NewHTTPClient(trust))
	if err != nil {
		return nil, err
	}
	config.Grant, config.Client.Secret = grant, t.secret
	return oauth.New(config)
}

// tokens returns the folder of the token store, which bridges share.
func (c *cli) tokens() (string, error) {
	home, err := profile.Home(c.getenv)
	if err != nil {
		return "", homeless(err)
	}
	return filepath.Join(home, "oauth"), nil
}
