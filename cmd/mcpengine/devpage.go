package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/dev"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/inspector"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// A devPage is the page of the inspector for a server that is developed.
type devPage struct {
	*inspector.Inspector
	target *devTarget
	end    func()
}

// noCredentials is the identity of the page that sends no token.
const noCredentials = "nobody"

// openDevPage serves the page until its end is called, and opens it in the browser of
// a person.
func (c *cli) openDevPage(ctx context.Context, f *devFlags, at dev.Place) (*devPage, error) {
	target := &devTarget{place: at}
	options := inspector.Options{Name: at.Name, Target: target}
	for _, who := range f.Identities {
		options.Identities = append(options.Identities, inspector.Identity{Name: who.Name, Subject: who.Name, Scopes: who.Scopes, Roles: who.Roles})
	}
	if at.Token != nil {
		options.Identities = append(options.Identities, inspector.Identity{Name: noCredentials, Subject: "a caller without credentials"})
	}
	page := &devPage{Inspector: inspector.New(options), target: target}
	if err := page.Listen(ctx, 0); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var serving sync.WaitGroup
	serving.Go(func() { _ = page.Serve(ctx) }) // the server goes on without it
	page.end = func() { cancel(); serving.Wait() }
	c.stderr.Printf("page: %s\n", page.URL())
	if !f.noOpen && terminal.IsTerminal(c.stderr) {
		if err := oauth.OpenBrowser(ctx, page.URL()); err != nil {
			c.stderr.Printf("No browser could be opened: open the page yourself\n")
		}
	}
	return page, nil
}

// built tells the page of a build. The page connects again if there was no server
// that it could connect to.
func (p *devPage) built(ctx context.Context, b dev.Build) {
	p.SetBuild(inspector.Build{State: b.State, Output: b.Output, Milliseconds: b.Took.Milliseconds(), At: time.Now()})
	if b.State == dev.BuildOK && !p.target.connected.Load() {
		_ = p.Reconnect(ctx) // the page shows the error
	}
}

// A devTarget is the server of mcpengine dev, whatever build it is of.
type devTarget struct {
	place     dev.Place
	connected atomic.Bool
}

func (t *devTarget) Kind() string { return "dev" }

func (t *devTarget) Text() string { return t.place.URL }

func (t *devTarget) Connect(ctx context.Context, wanted inspector.Connection) (*inspector.Connected, error) {
	var transport http.RoundTripper = http.DefaultTransport.(*http.Transport).Clone()
	if wanted.HTTP != nil {
		transport = wanted.HTTP(transport)
	}
	if t.place.Token != nil && wanted.Identity != noCredentials {
		transport = &tokenTransport{transport, func() (string, error) { return t.place.Token(wanted.Identity) }}
	}
	opts := append(wanted.Options, client.WithHTTPClient(&http.Client{Transport: transport}))
	if wanted.Version != "" {
		opts = append(opts, client.WithProtocolVersion(wanted.Version))
	}
	c, err := client.Connect(ctx, t.place.URL, opts...)
	if err != nil {
		return nil, err
	}
	t.connected.Store(true)
	return &inspector.Connected{Client: c, Policy: t.policy}, nil
}

// policy reads what the program of the present build has written.
func (t *devTarget) policy() (mcpengine.Policy, string) {
	text, err := os.ReadFile(t.place.Policy)
	var policy mcpengine.Policy
	if err == nil {
		err = json.Unmarshal(text, &policy)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "The program has not written its policy, as programs of MCPEngine do when they start."
	case err != nil:
		return nil, fmt.Sprintf("The policy of the program cannot be read: %v", err)
	}
	return policy, "The program says so itself (Explain)."
}

// A tokenTransport sends requests with a token that is made for each of them.
type tokenTransport struct {
	next  http.RoundTripper
	token func() (string, error)
}

// RoundTrip implements [http.RoundTripper].
func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := t.token()
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return t.next.RoundTrip(r)
}
