package contract

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// Bounds of what is read of a server.
const (
	maxPages    = 1_000
	maxFeatures = 100_000 // of one kind
	maxViews    = 1_000
)

// Read asks a server for what it offers to the caller of the connection. Servers
// that show other features to other callers have a lock for each.
func Read(ctx context.Context, c *client.Client) (*Lock, error) {
	l := &Lock{
		ProtocolVersion: c.Version(),
		Server:          Server{Name: c.Server().Name, Title: c.Server().Title},
		Instructions:    c.Instructions(),
	}
	if err := l.capabilities(c.Capabilities()); err != nil {
		return nil, err
	}
	for _, list := range lists {
		if !list.offered(c.Capabilities()) {
			continue
		}
		entries, err := readList(ctx, c, list)
		if err != nil {
			return nil, fmt.Errorf("read the %s: %w", list.member, err)
		}
		for _, k := range kinds {
			if k.member == list.member {
				*k.entries(l) = entries
			}
		}
	}
	if err := l.views(ctx, c); err != nil {
		return nil, err
	}
	return l, l.seal()
}

// capabilities takes the extensions out of the capabilities.
func (l *Lock) capabilities(offered mcp.ServerCapabilities) error {
	text, err := json.Marshal(offered)
	if err != nil {
		return err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	if extensions, ok := members["extensions"]; ok {
		delete(members, "extensions")
		if err := json.Unmarshal(extensions, &l.Extensions); err != nil {
			return err
		}
	}
	text, err = canonical(members)
	l.Capabilities = text
	return err
}

// A list is the method that lists a kind of feature.
type list struct {
	member  string // of the result, and of the lock
	method  string
	key     string // the member of an item that identifies it
	offered func(mcp.ServerCapabilities) bool
}

var lists = []list{
	{"tools", mcp.MethodToolsList, "name", func(c mcp.ServerCapabilities) bool { return c.Tools != nil }},
	{"prompts", mcp.MethodPromptsList, "name", func(c mcp.ServerCapabilities) bool { return c.Prompts != nil }},
	{"resources", mcp.MethodResourcesList, "uri", func(c mcp.ServerCapabilities) bool { return c.Resources != nil }},
	{"resourceTemplates", mcp.MethodResourcesTemplatesList, "uriTemplate", func(c mcp.ServerCapabilities) bool { return c.Resources != nil }},
}

// readList reads all pages of a list.
func readList(ctx context.Context, c *client.Client, l list) (map[string]Entry, error) {
	entries := make(map[string]Entry)
	var params any
	for range maxPages {
		page, err := client.Do[map[string]stdjson.RawMessage](ctx, c, l.method, params)
		if e, ok := errors.AsType[*mcp.Error](err); ok && e.Code == mcp.CodeMethodNotFound && l.member == "resourceTemplates" {
			return nil, nil // servers with resources need not have templates
		}
		if err != nil {
			return nil, err
		}
		if err := l.take(entries, page[l.member]); err != nil {
			return nil, &client.ProtocolError{Err: err}
		}
		var cursor string
		if page["nextCursor"] == nil || json.Unmarshal(page["nextCursor"], &cursor) != nil {
			return entries, nil
		}
		params = map[string]string{"cursor": cursor}
	}
	return nil, &client.ProtocolError{Err: fmt.Errorf("the list has more than %d pages", maxPages)}
}

// take adds the items of a page.
func (l list) take(entries map[string]Entry, page []byte) error {
	var items []stdjson.RawMessage
	if err := json.Unmarshal(page, &items); err != nil {
		return fmt.Errorf("the list is not an array: %w", err)
	}
	for _, item := range items {
		var members map[string]stdjson.RawMessage
		var name string
		if err := json.Unmarshal(item, &members); err != nil {
			return fmt.Errorf("an item of the list is not an object: %w", err)
		}
		if err := json.Unmarshal(members[l.key], &name); err != nil || name == "" {
			return fmt.Errorf("an item of the list has no %s", l.key)
		}
		if _, twice := entries[name]; twice {
			return fmt.Errorf("the list has %.128q twice", name)
		}
		if len(entries) == maxFeatures {
			return fmt.Errorf("the list has more than %d items", maxFeatures)
		}
		entry, err := NewEntry(l.lasting(item, members))
		if err != nil {
			return err
		}
		entries[name] = entry
	}
	return nil
}

// lasting returns an item without the members that change from one list to the
// next: the size of a resource and the time of its last change. Those of other kinds
// of features have no such members, so that everything counts.
func (l list) lasting(item stdjson.RawMessage, members map[string]stdjson.RawMessage) []byte {
	if l.key == "name" {
		return item
	}
	delete(members, "size")
	var hints map[string]stdjson.RawMessage
	if json.Unmarshal(members["annotations"], &hints) == nil && hints != nil {
		delete(hints, "lastModified")
		members["annotations"], _ = json.Marshal(hints) // it was JSON before
	}
	text, _ := json.Marshal(members)
	return text
}

// views records what the views of MCP Apps may do, which stands in the contents of
// the resource.
func (l *Lock) views(ctx context.Context, c *client.Client) error {
	seen := 0
	for uri, entry := range l.Resources {
		if !strings.HasPrefix(uri, "ui://") {
			continue
		}
		if seen++; seen > maxViews {
			return fmt.Errorf("the server has more than %d views", maxViews)
		}
		result, err := client.Do[struct {
			Contents []struct {
				Meta map[string]stdjson.RawMessage `json:"_meta"`
			} `json:"contents"`
		}](ctx, c, mcp.MethodResourcesRead, map[string]string{"uri": uri})
		if err != nil {
			return fmt.Errorf("read the view %.128q: %w", uri, err)
		}
		for _, contents := range result.Contents {
			if ui := contents.Meta["ui"]; ui != nil && entry.View == nil {
				text := jsontext.Value(ui)
				if err := text.Canonicalize(); err != nil {
					return fmt.Errorf("read the view %.128q: %w", uri, err)
				}
				entry.View = stdjson.RawMessage(text)
				l.Resources[uri] = entry
			}
		}
	}
	return nil
}
