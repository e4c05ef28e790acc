package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// errNobody is the answer of auth status without a token.
var errNobody = errors.New("nobody is signed in")

// signInState is the answer of auth status.
type signInState struct {
	Server   string     `json:"server"`
	SignedIn bool       `json:"signedIn"`
	Issuer   string     `json:"issuer,omitempty"`
	ClientID string     `json:"clientId,omitempty"`
	Scopes   []string   `json:"scopes,omitempty"`
	Expires  *time.Time `json:"expires,omitempty"`
	Renews   bool       `json:"renews"`
	Sealed   bool       `json:"sealed"`

	// Insecure are the protections that are given up, as flags.
	Insecure []string `json:"insecure,omitempty"`

	// Steps explain how the program signs in.
	Steps []oauth.Step `json:"steps,omitempty"`
}

func (c *cli) status() *cobra.Command {
	f := &authFlags{}
	var verbose bool
	cmd := c.authCommand("status", "Say whether somebody is signed in to a server", f, func(ctx context.Context, t *target) error {
		asJSON, err := c.asJSON(f.output)
		if err != nil {
			return err
		}
		state, err := c.signInState(ctx, t)
		if err != nil {
			return err
		}
		if verbose {
			if state.Steps, err = c.explain(ctx, t); err != nil {
				return err
			}
		}
		return c.printState(state, asJSON)
	})
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "explain each step of a sign-in")
	cmd.Flags().StringVar(&f.output, "output", "", "`format`: text or json (default: text on a terminal)")
	return cmd
}

func (c *cli) signInState(ctx context.Context, t *target) (signInState, error) {
	state := signInState{Server: t.URL, Insecure: insecurities(t.Profile)}
	a, err := c.signedIn(ctx, t)
	if err != nil || a == nil {
		return state, err
	}
	status, err := a.Status(ctx)
	if err != nil {
		return state, err
	}
	state.SignedIn, state.Renews, state.Sealed = true, status.Renews, c.sealed
	state.Issuer, state.ClientID, state.Scopes = status.Issuer, status.ClientID, status.Scopes
	if !status.Expires.IsZero() {
		state.Expires = &status.Expires
	}
	return state, nil
}

// insecurities are the flags that give up a protection of a sign-in, as they are set.
func insecurities(p *profile.Profile) []string {
	var set []string
	for _, flag := range []struct {
		name string
		on   bool
	}{
		{insecureHTTP, p.InsecureHTTP}, {insecureNoPKCE, p.InsecureNoPKCE}, {insecureNoIssuer, p.InsecureNoIssuer},
	} {
		if flag.on {
			set = append(set, "--"+flag.name)
		}
	}
	if p.InsecureResource != "" {
		set = append(set, "--"+insecureResource+" "+p.InsecureResource)
	}
	return set
}

// explain takes the steps of a sign-in up to where a person would be asked.
func (c *cli) explain(ctx context.Context, t *target) ([]oauth.Step, error) {
	url, opts, signed, err := c.plainOptions(ctx, t, nil)
	if err != nil {
		return nil, err
	}
	if signed {
		return []oauth.Step{{Name: "credentials", Decision: "a header of the profile is Authorization: nobody signs in"}}, nil
	}
	a, err := c.explainer(ctx, t)
	if err != nil {
		return nil, err
	}
	conn, err := client.Connect(ctx, url, opts...)
	if err == nil {
		return a.Explain(ctx, nil), conn.Close()
	}
	refused, ok := errors.AsType[*client.AuthError](err)
	if !ok {
		return nil, connectError{err}
	}
	demand := &peer.AuthError{Status: refused.Status}
	for _, challenge := range refused.Challenges {
		demand.Challenges = append(demand.Challenges, peer.Challenge(challenge))
	}
	return a.Explain(ctx, demand), nil
}

// explainer returns the authorizer with the token that is kept, or one without a
// token. It is asked about a sign-in, and signs nobody in.
func (c *cli) explainer(ctx context.Context, t *target) (*oauth.Authorizer, error) {
	a, err := c.signedIn(ctx, t)
	if err == nil && a == nil {
		a, err = c.authorizerWith(t, oauth.AuthorizationCode{}, oauth.NewMemoryStore()) // nothing is kept for a question
	}
	return a, err
}

func (c *cli) printState(state signInState, asJSON bool) error {
	if asJSON {
		if err := c.stdout.JSON(state); err != nil {
			return err
		}
	} else {
		c.printStateText(state)
	}
	if !state.SignedIn {
		return authError{errNobody}
	}
	return nil
}

func (c *cli) printStateText(state signInState) {
	if state.SignedIn {
		c.stdout.Printf("signed in at %s\nscopes: %s\n", state.Issuer, strings.Join(state.Scopes, " "))
		if state.Expires != nil {
			c.stdout.Printf("until: %s\n", state.Expires.Local().Format(time.DateTime))
		}
		if state.Renews {
			c.stdout.Printf("renews by itself\n")
		}
		kept := "in files that only you may read, for there is no keychain"
		if state.Sealed {
			kept = "sealed with a key of the system's keychain"
		}
		c.stdout.Printf("kept: %s\n", kept)
	}
	if len(state.Insecure) > 0 {
		c.stdout.Printf("insecure: %s\n", strings.Join(state.Insecure, " "))
	}
	for i, step := range state.Steps {
		c.stdout.Printf("%d. %s\n", i+1, step.Name)
		if step.Request != "" {
			c.stdout.Printf("   asked: %s\n", step.Request)
		}
		if step.Answer != "" {
			c.stdout.Printf("   answer: %s\n", step.Answer)
		}
		c.stdout.Printf("   so: %s\n", step.Decision)
		if step.Caution != "" {
			c.stdout.Printf("   but: %s\n", step.Caution)
		}
	}
}
