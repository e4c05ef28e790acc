package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/awsauth"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/remote"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/telemetry"
	"github.com/mcpengine/mcpengine/internal/bridge"
)

func (c *cli) bridge() *cobra.Command {
	sign := &signFlags{}
	var verbose bool
	cmd := &cobra.Command{
		Use:   "bridge NAME|URL [flags]",
		Short: "Relay between a host and a remote server (hosts run this)",
		Long: `It speaks with the host over stdin and stdout. NAME is the name of a server that
mcpengine proxy has set up, or mcpengine install; the program of the latter is
run as it is. Otherwise it exits with 0, 1, 2 when it is used wrongly, 3 when
the server wants other credentials, 4 when it cannot be reached and 5 when it
does not speak the protocol.`,
		Example: `  mcpengine bridge weather`,
		Args:    oneArgument("the server, or its URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelDebug
			}
			return c.relay(cmd.Context(), args[0], level, sign)
		},
		ValidArgsFunction: c.suggestProfile,
	}
	sign.add(cmd)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "say more on standard error")
	return cmd
}

// A relayError says why a bridge has ended. Its hint is more specific than the
// hints about servers in general.
type relayError struct{ error }

func (e relayError) Unwrap() error { return e.error }

// relay relays until the host closes its end or the program is told to stop.
// Neither is an error.
func (c *cli) relay(ctx context.Context, target string, level slog.Level, sign *signFlags) error {
	source, err := c.bridgeSource(target, sign)
	if err != nil {
		return err
	}
	if source.Profile.Command != nil {
		return c.runLocal(ctx, profile.NewStore(source.Home, nil), target, source.Profile)
	}
	file := ""
	if source.Home != "" {
		file = filepath.Join(source.Home, "logs", source.Name+".log")
	}
	source.Log = bridge.NewLog(c.stderr.Raw(), level, file)
	defer source.Log.Close()
	config, release, err := source.Config()
	if err != nil {
		return err
	}
	defer release()
	spans := telemetry.Start(ctx, c.getenv, source.Log.Logger())
	defer spans.Stop()
	spans.Observe(&config)
	err = bridge.Serve(ctx, c.stdin, c.stdout.Raw(), config)
	if ctx.Err() != nil || err == nil {
		return nil
	}
	return relayError{err}
}

// bridgeSource returns the source of a bridge: the profile of that name, or one
// made of a URL.
func (c *cli) bridgeSource(server string, sign *signFlags) (remote.Source, error) {
	source := remote.Source{Name: server, Getenv: c.getenv, Now: time.Now, Carry: awsauth.Carry}
	store, err := c.store()
	if err == nil {
		source.Home = store.Home()
	}
	if strings.Contains(server, "://") {
		source.Name = nameOf(server)
		source.Profile = &profile.Profile{URL: server}
		err := sign.apply(source.Profile, sign.given)
		if err == nil {
			err = source.Profile.Check()
		}
		if err != nil {
			return source, usageError{err}
		}
		c.named = &target{name: server, Profile: source.Profile}
		return source, nil
	}
	if sign.any() {
		return source, usageError{errors.New("the flags for AWS belong to a URL; a profile gets them from mcpengine proxy")}
	}
	if err != nil {
		return source, err
	}
	if source.Profile, err = store.Load(server); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = hintError{fmt.Errorf("there is no server %q", server), "set it up with mcpengine proxy " + server + " URL"}
		}
		return source, err
	}
	c.named = &target{name: server, Profile: source.Profile}
	source.ClientSecret = func() (string, error) { return store.Secret(server, source.Profile, c.getenv) }
	return source, nil
}

// nameOf returns a name for a server without a profile.
func nameOf(rawURL string) string {
	if f, err := profile.ParseFunction(rawURL); err == nil {
		return f.Name
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" {
		return "server"
	}
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(u.Hostname()))
}
