package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

type jsonValue = json.RawMessage

func setMember(object []byte, name string, value []byte) []byte {
	return jsonrpc.Set(object, name, value)
}

// maxPages bounds the pages of a list.
const maxPages = 10_000

// list iterates over the entries of all pages of a list. An error ends it.
func list[Result, Item any](ctx context.Context, c *Client, method string, opts []CallOption, page func(*Result) ([]Item, *mcp.Cursor)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var none Item
		params := []byte("{}")
		for range maxPages {
			result, err := get[Result](ctx, c, newRequest(method, params, opts))
			if err != nil {
				yield(none, err)
				return
			}
			items, next := page(result)
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == nil {
				return
			}
			after := object("cursor", string(*next))
			if string(after) == string(params) {
				yield(none, &peer.ProtocolError{Err: fmt.Errorf("%s: a page leads to itself", method)})
				return
			}
			params = after
		}
		yield(none, &peer.ProtocolError{Err: fmt.Errorf("%s: the list has more than %d pages", method, maxPages)})
	}
}

// Tools returns the tools of the server, page by page. An error ends the
// iteration. Tools that this version must not show, because they mirror arguments
// into header fields in a way that is not allowed, are left out.
func (c *Client) Tools(ctx context.Context, opts ...CallOption) iter.Seq2[mcp.Tool, error] {
	return list(ctx, c, mcp.MethodToolsList, opts, func(r *mcp.ListToolsResult) ([]mcp.Tool, *mcp.Cursor) {
		return c.tools.learn(r.Tools, c.conn.Mirrors()), r.NextCursor
	})
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

// Collect returns everything that an iterator of a list returns, or its error.
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
