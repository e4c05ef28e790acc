package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/awsauth"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/remote"
	"github.com/mcpengine/mcpengine/internal/bridge"
)

// isBridge reports whether the command is bridge and not a request for its help.
// Hosts wait for a bridge to start, so that it does not wait for the other
// commands to be made.
func isBridge(args []string) bool {
	return len(args) > 0 && args[0] == "bridge" && !slices.ContainsFunc(args[1:], func(arg string) bool {
		return arg == "-h" || arg == "--help"
	})
}

// bridge is what help and completion know of the command.
func (c *cli) bridge() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bridge NAME|URL [flags]",
		Short: "Relay between a host and a remote server (hosts run this)",
		Long: `It speaks with the host over stdin and stdout. NAME is that of a server that
mcpengine proxy has set up. It exits with 0, 1, 2 when it is used wrongly, 3
when the server wants other credentials, 4 when it cannot be reached and 5 when
it does not speak the protocol.`,
		Example: `  mcpengine bridge weather`,
		RunE:    func(*cobra.Command, []string) error { return nil }, // run has done it
	}
	(&signFlags{}).add(cmd)
	cmd.Flags().BoolP("verbose", "v", false, "say more on standard error")
	return cmd
}

// runBridge does what the arguments after the command say.
func (c *cli) runBridge(ctx context.Context, args []string) int {
	target, level, sign, err := bridgeArguments(args)
	if err != nil {
		c.stderr.Printf("mcpengine: error: %v\n", err)
		c.hint("see mcpengine bridge -h")
		return bridge.ExitUsage
	}
	if err := c.relay(ctx, target, level, sign); err != nil {
		c.stderr.Printf("mcpengine: error: %v\n", err)
		// What is known of bridges says more than what is known of servers.
		if hint := cmp.Or(bridge.Hint(err), hintOf(err)); hint != "" {
			c.hint(hint)
		}
		return bridge.ExitCode(err)
	}
	return 0
}

func bridgeArguments(args []string) (target string, level slog.Level, sign *signFlags, err error) {
	level, sign = slog.LevelWarn, &signFlags{}
	for len(args) > 0 {
		taken, err := sign.parse(args)
		if err != nil {
			return "", level, nil, err
		}
		arg := args[0]
		args = args[max(taken, 1):]
		switch {
		case taken > 0:
		case arg == "-v" || arg == "--verbose":
			level = slog.LevelDebug
		case strings.HasPrefix(arg, "-"):
			return "", level, nil, fmt.Errorf("there is no flag %s", arg)
		case target != "":
			return "", level, nil, errors.New("name one server")
		default:
			target = arg
		}
	}
	if target == "" {
		return "", level, nil, errors.New("name the server, or its URL")
	}
	if sign.any() && !strings.Contains(target, "://") {
		return "", level, nil, errors.New("the flags for AWS are for a URL; those of a profile are set with mcpengine proxy")
	}
	return target, level, sign, nil
}

// relay relays until the host has closed its end, or the program is to end,
// neither of which is an error.
func (c *cli) relay(ctx context.Context, target string, level slog.Level, sign *signFlags) error {
	source, err := c.bridgeSource(target, sign)
	if err != nil {
		return err
	}
	source.Log = bridge.NewLog(c.stderr.Raw(), level, filepath.Join(source.Home, "logs", source.Name+".log"))
	defer source.Log.Close()
	config, release, err := source.Config()
	if err != nil {
		return err
	}
	defer release()
	err = bridge.Serve(ctx, c.stdin, c.stdout.Raw(), config)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// bridgeSource is the profile of a name, or one made of a URL.
func (c *cli) bridgeSource(target string, sign *signFlags) (remote.Source, error) {
	store, err := c.store()
	if err != nil {
		return remote.Source{}, err
	}
	source := remote.Source{Name: target, Home: store.Home(), Getenv: c.getenv, Now: time.Now, Carry: awsauth.Carry}
	if strings.Contains(target, "://") {
		source.Name = nameOf(target)
		source.Profile = &profile.Profile{URL: target}
		if err := sign.apply(source.Profile, sign.given); err != nil {
			return source, err
		}
		return source, source.Profile.Check()
	}
	if source.Profile, err = store.Load(target); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no server %q", target)
		}
		return source, hintError{err, "set it up with mcpengine proxy " + target + " URL"}
	}
	source.ClientSecret = func() (string, error) { return store.Secret(target, source.Profile, c.getenv) }
	return source, nil
}

// nameOf is a name for a server that has none.
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
