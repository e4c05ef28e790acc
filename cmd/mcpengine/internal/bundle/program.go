package bundle

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/tail"
	"github.com/mcpengine/mcpengine/mcp"
)

// runTime is how long the program may take until it has told everything.
const runTime = time.Minute

// A Program is what a server says of itself when it runs.
type Program struct {
	// Info is how the server introduces itself. Without Ran it is empty.
	Info mcp.Implementation

	// Missing has the names of required variables that the environment does not have.
	Missing []string

	// Ran reports that the program was asked for its tools and prompts. It is false
	// only when a variable is missing.
	Ran bool

	declaration declaration
	tools       []tool
	prompts     []prompt
	morePrompts bool // there are prompts that a manifest cannot show
}

// Run starts a server, as a host does, and asks what it offers. The environment is the
// one of the server. A server that does not start is an error, unless it lacks a
// variable that it has declared.
func Run(ctx context.Context, path string, environ []string) (*Program, error) {
	dir, err := os.MkdirTemp("", "mcpengine-bundle-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	file := filepath.Join(dir, "config.json")
	stderr := &tail.Writer{}
	conn, failed := client.Command(ctx, client.Process{Path: path, Env: append(slices.Clip(environ), configVariable+"="+file), Stderr: stderr})
	p := &Program{}
	if failed == nil {
		failed = p.ask(ctx, conn)
		_ = conn.Close() // it has said everything
	}
	if p.declaration, err = readDeclaration(file); err != nil {
		return nil, hint("build the program with the version of MCPEngine that this command belongs to", "%w", err)
	}
	p.Missing = p.declaration.missing(environ)
	switch {
	case failed == nil:
		p.Ran = true
	case len(p.Missing) == 0:
		return nil, hint("run it as a host does: mcpengine list -- go run PACKAGE; give what it needs in environment variables",
			"%s", strings.TrimSpace(fmt.Sprintf("the program does not start as a server: %v\n%s", failed, stderr))) // as an error of the program, and not of reaching a server
	}
	return p, nil
}

// ask lists what the server offers.
func (p *Program) ask(ctx context.Context, conn *client.Client) error {
	if conn.Capabilities().Tools != nil {
		for t, err := range conn.Tools(ctx) {
			if err != nil {
				return fmt.Errorf("list its tools: %w", err)
			}
			p.tools = append(p.tools, tool{t.Name, t.Description})
		}
	}
	if conn.Capabilities().Prompts != nil {
		for listed, err := range conn.Prompts(ctx) {
			if err != nil {
				return fmt.Errorf("list its prompts: %w", err)
			}
			if shown, ok := show(ctx, conn, listed); ok {
				p.prompts = append(p.prompts, shown)
			} else {
				p.morePrompts = true
			}
		}
	}
	p.Info = conn.Server()
	return nil
}

// show returns a prompt as a manifest has it: with its text, in which arguments stand as
// ${arguments.NAME}. A prompt that is not such a text is not shown.
func show(ctx context.Context, conn *client.Client, listed mcp.Prompt) (prompt, bool) {
	p := prompt{Name: listed.Name, Description: listed.Description}
	values := map[string]string{}
	for _, a := range listed.Arguments {
		p.Arguments = append(p.Arguments, a.Name)
		values[a.Name] = "${arguments." + a.Name + "}"
	}
	result, err := conn.GetPrompt(ctx, listed.Name, values)
	if err != nil {
		return p, false
	}
	var texts []string
	for _, message := range result.Messages {
		text, ok := message.Content.(mcp.TextContent)
		if !ok || message.Role != mcp.RoleUser {
			return p, false
		}
		texts = append(texts, text.Text)
	}
	p.Text = strings.Join(texts, "\n\n")
	for _, value := range values {
		if !strings.Contains(p.Text, value) {
			return p, false // what it says depends on the value
		}
	}
	return p, true
}
