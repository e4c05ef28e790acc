package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/terminal"
	"github.com/mcpengine/mcpengine/mcp"
)

// An asker passes questions of a server on to the person at the terminal.
type asker struct {
	*cli
	bar    *progressBar
	person bool // there is one
	open   func(ctx context.Context, target string) error

	mu sync.Mutex // one question at a time
	in *bufio.Reader
}

// handlers answer the questions of a server. Without a terminal the answer is no,
// with a hint.
func (c *cli) handlers(bar *progressBar) client.Handlers {
	return newAsker(c, bar, terminal.IsTerminal(c.stdin), oauth.OpenBrowser).handlers()
}

func newAsker(c *cli, bar *progressBar, person bool, open func(context.Context, string) error) *asker {
	return &asker{cli: c, bar: bar, person: person, open: open, in: bufio.NewReader(c.stdin)}
}

func (a *asker) handlers() client.Handlers {
	return client.Handlers{ElicitForm: a.form, ElicitURL: a.url}
}

// errLeft says that the person has closed the input.
var errLeft = errors.New("there is no more input")

// begin shows the message of the server, and reports whether a person reads it.
func (a *asker) begin(message string) bool {
	a.bar.clear()
	if !a.person {
		a.stderr.Printf("mcpengine: the server asks: %s\n", terminal.Fold(message))
		a.hint("nobody is there to answer, so the answer is no; run it in a terminal to answer")
		return false
	}
	a.stderr.Printf("The server asks: %s\n", terminal.Trusted(terminal.Block(message, "  ")))
	return true
}

// url asks for consent to open a page (elicitation, "URL Mode").
func (a *asker) url(ctx context.Context, p mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.begin(p.Message) {
		return mcp.ElicitResult{Action: mcp.ElicitActionDecline}, nil
	}
	page, err := parsePage(p.URL)
	if err != nil {
		a.stderr.Printf("It wants to open something that is not a URL, so the answer is no.\n")
		return mcp.ElicitResult{Action: mcp.ElicitActionDecline}, nil
	}
	a.stderr.Printf("  page: %s\n  at:   %s\n", page.url, page.host)
	yes, err := a.yes(ctx, "Open it in the browser? [y/N] ")
	switch {
	case errors.Is(err, errLeft):
		return mcp.ElicitResult{Action: mcp.ElicitActionCancel}, nil
	case err != nil:
		return mcp.ElicitResult{}, err
	case !yes:
		return mcp.ElicitResult{Action: mcp.ElicitActionDecline}, nil
	}
	if err := a.open(ctx, page.url); err != nil {
		a.stderr.Printf("It could not be opened (%s): open it yourself\n", err)
	}
	return mcp.ElicitResult{Action: mcp.ElicitActionAccept}, nil
}

// form asks for one field after the other (elicitation, "Form Mode").
func (a *asker) form(ctx context.Context, p mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.begin(p.Message) {
		return mcp.ElicitResult{Action: mcp.ElicitActionDecline}, nil
	}
	fields, err := formFields(p.RequestedSchema)
	if err != nil {
		return mcp.ElicitResult{}, fmt.Errorf("read the form: %w", err)
	}
	content := map[string]json.RawMessage{}
	for _, field := range fields {
		value, err := a.field(ctx, field)
		if errors.Is(err, errLeft) {
			return mcp.ElicitResult{Action: mcp.ElicitActionCancel}, nil
		}
		if err != nil {
			return mcp.ElicitResult{}, err
		}
		if value != nil {
			content[field.name] = value
		}
	}
	yes, err := a.yes(ctx, "Send this to the server? [y/N] ")
	switch {
	case errors.Is(err, errLeft):
		return mcp.ElicitResult{Action: mcp.ElicitActionCancel}, nil
	case err != nil:
		return mcp.ElicitResult{}, err
	case !yes:
		return mcp.ElicitResult{Action: mcp.ElicitActionDecline}, nil
	}
	encoded, err := json.Marshal(content)
	return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: encoded}, err
}

// field asks until it gets a valid answer. An empty line is valid if the field has
// a default or may be left out.
func (a *asker) field(ctx context.Context, f *formField) (json.RawMessage, error) {
	for {
		line, err := a.line(ctx, f.question())
		if err != nil {
			return nil, err
		}
		if line == "" && (f.Default != nil || !f.required) {
			return f.Default, nil
		}
		value, err := f.parse(line)
		if err == nil {
			return value, nil
		}
		a.stderr.Printf("  %s\n", err)
	}
}

func (a *asker) yes(ctx context.Context, question string) (bool, error) {
	line, err := a.line(ctx, question)
	line = strings.ToLower(line)
	return line == "y" || line == "yes", err
}

// line asks for a line.
func (a *asker) line(ctx context.Context, question string) (string, error) {
	a.stderr.Printf("%s", terminal.Trusted(question))
	type answer struct {
		line string
		err  error
	}
	// Reading a terminal cannot be cancelled. When ctx ends the process does
	// too, and this goroutine with it.
	answered := make(chan answer, 1)
	go func() {
		line, err := a.in.ReadString('\n')
		answered <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		a.stderr.Printf("\n")
		return "", ctx.Err()
	case got := <-answered:
		if got.err != nil && got.line == "" {
			a.stderr.Printf("\n")
			if errors.Is(got.err, io.EOF) {
				return "", errLeft
			}
			return "", errors.Join(errLeft, got.err)
		}
		return strings.TrimSpace(got.line), nil
	}
}
