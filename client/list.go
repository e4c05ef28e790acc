package client

import (
	"context"
	stdjson "encoding/json"
	"iter"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

type jsonValue = stdjson.RawMessage

func setMember(object []byte, name string, value []byte) []byte {
	return jsonrpc.Set(object, name, value)
}

// Bounds of a whole list, in addition to [Limits].
const (
	maxPages    = 10_000
	maxListTime = 5 * time.Minute // that is waited for its pages
)

// A pager reads the pages of a list, within the bounds of one.
type pager struct {
	method string
	opts   []CallOption

	params  []byte // of the next page; nil after the last
	pages   int
	entries int
	bytes   int
	waited  time.Duration
}

func newPager(method string, opts []CallOption) *pager {
	return &pager{method: method, opts: opts, params: []byte("{}")}
}

// next reads the next page, and returns its items and the cursor of the one after
// it as page finds them in the result.
func next[Result, Item any](ctx context.Context, c *Client, p *pager, page func(*Result) ([]Item, *mcp.Cursor)) ([]Item, error) {
	began := time.Now()
	raw, err := c.getRaw(ctx, newRequest(p.method, p.params, p.opts))
	if err != nil {
		return nil, err
	}
	p.waited += time.Since(began)
	result := new(Result)
	if err := json.Unmarshal(raw, result); err != nil {
		return nil, protocolErrorf("decode the result of %s: %w", p.method, err)
	}
	items, cursor := page(result)
	p.pages, p.entries, p.bytes = p.pages+1, p.entries+len(items), p.bytes+len(raw)
	return items, p.advance(cursor, c.config.limits)
}

// advance goes on to the page at the cursor. It returns an error if the list is
// too long.
func (p *pager) advance(cursor *mcp.Cursor, limits Limits) error {
	before := p.params
	p.params = nil
	switch {
	case p.entries > limits.MaxListEntries:
		return protocolErrorf("%s: the list has more than %d entries", p.method, limits.MaxListEntries)
	case p.bytes > limits.MaxListBytes:
		return protocolErrorf("%s: the list has more than %d bytes", p.method, limits.MaxListBytes)
	case cursor == nil:
		return nil
	case p.pages == maxPages:
		return protocolErrorf("%s: the list has more than %d pages", p.method, maxPages)
	case p.waited > maxListTime:
		return protocolErrorf("%s: the list took longer than %v", p.method, maxListTime)
	}
	after := object("cursor", string(*cursor))
	if string(after) == string(before) {
		return protocolErrorf("%s: a page leads to itself", p.method)
	}
	p.params = after
	return nil
}

// list iterates over the entries of all pages of a list. An error ends it.
func list[Result, Item any](ctx context.Context, c *Client, method string, opts []CallOption, page func(*Result) ([]Item, *mcp.Cursor)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var none Item
		p := newPager(method, opts)
		for p.params != nil {
			items, err := next(ctx, c, p, page)
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if err != nil {
				yield(none, err)
				return
			}
		}
	}
}

// Tools returns the tools of the server, page by page. An error ends the
// iteration. Tools that this version must not show, because they mirror arguments
// into header fields in a way that is not allowed, are left out.
func (c *Client) Tools(ctx context.Context, opts ...CallOption) iter.Seq2[mcp.Tool, error] {
	return list(ctx, c, mcp.MethodToolsList, opts, c.toolPage)
}

// toolPage remembers the mirrored arguments of the tools of a page, and returns
// the tools that may be shown.
func (c *Client) toolPage(r *mcp.ListToolsResult) ([]mcp.Tool, *mcp.Cursor) {
	return c.tools.learn(r.Tools, c.conn.Mirrors()), r.NextCursor
}

// Resources returns the resources of the server, page by page. An error ends the
// iteration.
func (c *Client) Resources(ctx context.Context, opts ...CallOption) iter.Seq2[mcp.Resource, error] {
	return list(ctx, c, mcp.MethodResourcesList, opts, func(r *mcp.ListResourcesResult) ([]mcp.Resource, *mcp.Cursor) {
		return r.Resources, r.NextCursor
	})
}

// ResourceTemplates returns the resource templates of the server, page by page.
// An error ends the iteration.
func (c *Client) ResourceTemplates(ctx context.Context, opts ...CallOption) iter.Seq2[mcp.ResourceTemplate, error] {
	return list(ctx, c, mcp.MethodResourcesTemplatesList, opts, func(r *mcp.ListResourceTemplatesResult) ([]mcp.ResourceTemplate, *mcp.Cursor) {
		return r.ResourceTemplates, r.NextCursor
	})
}

// Prompts returns the prompts of the server, page by page. An error ends the
// iteration.
func (c *Client) Prompts(ctx context.Context, opts ...CallOption) iter.Seq2[mcp.Prompt, error] {
	return list(ctx, c, mcp.MethodPromptsList, opts, func(r *mcp.ListPromptsResult) ([]mcp.Prompt, *mcp.Cursor) {
		return r.Prompts, r.NextCursor
	})
}

// Collect returns all items of an iterator, or its error.
func Collect[Item any](items iter.Seq2[Item, error]) ([]Item, error) {
	var all []Item
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}
