package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/internal/oauth"
)

// authFlags are the flags of auth.
type authFlags struct {
	remoteFlags
	secret string
	scopes []string
	device bool
}

func (c *cli) auth() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "auth",
		Short:   "Sign in to servers, and out",
		Example: `  mcpengine auth login https://example.com/mcp`,
		Args:    noCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(c.login(), c.status(), c.logout())
	for _, sub := range cmd.Commands() {
		sub.InitDefaultHelpFlag()
		sub.Flags().Lookup("help").Hidden = true // it is obvious in help
		sub.ValidArgsFunction = c.suggestOneServer
	}
	return cmd
}

// authCommand returns a command below auth.
func (c *cli) authCommand(use, short string, f *authFlags, run func(ctx context.Context, t *target) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use + " SERVER", Short: short,
		Long:    "The server is a URL or the NAME of one. No token is ever printed.",
		Example: "  mcpengine auth " + use + " https://example.com/mcp",
		Args:    oneArgument("the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := c.target(args[0], &f.remoteFlags)
			if err != nil {
				return err
			}
			if t.command != nil {
				return usageError{errors.New("the server is a program: nobody signs in to it")}
			}
			if t.ForAWS() {
				return usageError{errors.New("requests to this server are signed for AWS: there is nothing to sign in to with OAuth")}
			}
			return run(cmd.Context(), t)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.clientID, "client-id", "", "OAuth client `id` (default: register)")
	addClientMetadata(cmd, &f.changes)
	addInsecureHTTP(cmd, &f.changes)
	addInsecureSignIn(cmd, &f.changes)
	return cmd
}

func (c *cli) login() *cobra.Command {
	f := &authFlags{}
	cmd := c.authCommand("login", "Sign in to a server", f, func(ctx context.Context, t *target) error {
		secret, err := c.clientSecret(func(flag string) bool { return flag == "client-secret" && f.secret != "" }, f.secret)
		if err != nil {
			return usageError{err}
		}
		t.secret = cmp.Or(secret, t.secret)
		if t.secret != "" && t.ClientID == "" {
			return usageError{errors.New("a client secret needs --client-id")}
		}
		t.Scopes = append(t.Scopes, f.scopes...)
		return c.runLogin(ctx, t, f.device)
	})
	flags := cmd.Flags()
	flags.StringVar(&f.secret, "client-secret", "", "`where` its secret is: env:NAME, @FILE or - (stdin)")
	flags.StringArrayVar(&f.scopes, "scope", nil, "`scope` to ask for too; repeat it")
	flags.BoolVar(&f.device, "device", false, "sign in on another device, with a code")
	return cmd
}

func (c *cli) runLogin(ctx context.Context, t *target, device bool) error {
	var grant oauth.Grant = oauth.AuthorizationCode{Open: c.openPage}
	if device {
		grant = oauth.DeviceCode{Show: func(_ context.Context, v oauth.Verification) error {
			p, err := parsePage(v.URL)
			if err != nil {
				return fmt.Errorf("read the page to sign in on: %w", err)
			}
			c.stderr.Printf("Open %s and enter %s\n  at:   %s\n", p.url, v.UserCode, p.host)
			return nil
		}}
	}
	a, err := c.authorizer(ctx, t, grant)
	if err != nil {
		return err
	}
	if err := a.SignIn(ctx); err != nil {
		return authError{err}
	}
	status, err := a.Status(ctx)
	if err != nil || status == nil {
		return errors.Join(errors.New("read what was signed in to"), err)
	}
	c.stderr.Printf("signed in at %s\n", status.Issuer)
	return nil
}

// openPage shows the person where to sign in, in a browser if there is one.
func (c *cli) openPage(ctx context.Context, target string) error {
	p, err := parsePage(target)
	if err != nil {
		return fmt.Errorf("read the page to sign in on: %w", err)
	}
	c.stderr.Printf("Sign in at:\n  %s\n  at:   %s\n", p.url, p.host)
	if err := oauth.OpenBrowser(ctx, target); err != nil {
		c.stderr.Printf("No browser could be opened: open the page yourself, or use --device\n")
	}
	return nil
}

func (c *cli) logout() *cobra.Command {
	f := &authFlags{}
	return c.authCommand("logout", "Sign out of a server", f, func(ctx context.Context, t *target) error {
		a, err := c.signedIn(ctx, t)
		if err != nil {
			return err
		}
		if a == nil {
			c.stderr.Printf("nobody was signed in\n")
			return nil
		}
		if err := a.SignOut(ctx); err != nil {
			return err
		}
		c.stderr.Printf("signed out\n")
		return nil
	})
}
