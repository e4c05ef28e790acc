package bridge

import (
	"fmt"
	"log/slog"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Pin is what a server is known to offer. A tool or prompt with another
// definition, and instructions with other words, may be an attempt to steer the
// model: the server was approved as it was.
type Pin struct {
	// Tools and Prompts have the digest of each definition, by name.
	Tools, Prompts map[string]string

	// Instructions are the server's.
	Instructions string

	// Digest returns the digest of a definition. Required.
	Digest func(definition []byte) (string, error)

	// Refuse hides what differs from the host, and refuses calls of it. Otherwise
	// the log has a warning.
	Refuse bool
}

// maxDrifts bounds the differences that are logged.
const maxDrifts = 1000

// pinning compares what passes with a pin, if there is one.
type pinning struct {
	pin    *Pin
	logger *slog.Logger

	mu     sync.Mutex
	logged map[string]bool
}

// refuses reports whether what differs is kept from the host.
func (p *pinning) refuses() bool { return p.pin != nil && p.pin.Refuse }

// tool reports whether the host may see a tool.
func (p *pinning) tool(name string, definition []byte) bool {
	return p.pin == nil || p.admits("tool", name, definition, p.pin.Tools)
}

// prompts returns a result of prompts/list without the prompts that the host may
// not see.
func (p *pinning) prompts(result []byte) []byte {
	if p.pin == nil {
		return result
	}
	return withoutItems(result, "prompts", func(definition []byte) bool {
		members, err := jsonrpc.ParseObject(definition)
		if err != nil {
			return !p.pin.Refuse // not a prompt
		}
		return p.admits("prompt", jsonrpc.Text(members.Get("name")), definition, p.pin.Prompts)
	})
}

// prompt returns an error if the host may not get a prompt.
func (p *pinning) prompt(name string) error {
	if p.refuses() && p.pin.Prompts[name] == "" {
		return jsonrpc.Errorf(mcp.CodeInvalidParams, "Unknown prompt: %.128s", name)
	}
	return nil
}

// admits compares a definition with its digest, and logs a difference once.
func (p *pinning) admits(kind, name string, definition []byte, known map[string]string) bool {
	want, ok := known[name]
	if got, err := p.pin.Digest(definition); ok && err == nil && got == want {
		return true
	}
	why := "the definition has changed"
	if !ok {
		why = "it is not in the lock file"
	}
	p.log(kind, name, why)
	return !p.pin.Refuse
}

// instructions returns a result of initialize or server/discover, without
// instructions that have changed where they are refused.
func (p *pinning) instructions(result []byte) []byte {
	if p.pin == nil {
		return result
	}
	members, err := jsonrpc.ParseObject(result)
	if text := members.Get("instructions"); err != nil || text == nil || jsonrpc.Text(text) == p.pin.Instructions {
		return result
	}
	p.log("server", "instructions", "they have changed")
	if !p.pin.Refuse {
		return result
	}
	return jsonrpc.Without(result, "instructions")
}

func (p *pinning) log(kind, name, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := kind + " " + name
	if p.logged[key] || len(p.logged) == maxDrifts {
		return
	}
	if p.logged == nil {
		p.logged = make(map[string]bool)
	}
	p.logged[key] = true
	action := "it passes"
	if p.pin.Refuse {
		action = "it is hidden"
	}
	p.logger.Warn("the server differs from the lock file", "kind", kind, "name", fmt.Sprintf("%.128s", name), "why", why, "action", action)
}
