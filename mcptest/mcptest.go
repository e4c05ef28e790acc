// Package mcptest calls MCP servers from tests, in memory and without a
// network, through the same HTTP handler that serves clients. Its client is the
// one of package client.
//
//	c := mcptest.New(engine)
//	result, err := c.CallTool(t.Context(), "get_weather", map[string]any{"city": "Paris"})
//
// A server that asks for input is answered by handlers, for example by
// [Accept], and [client.WithProtocolVersion] makes the client an old host.
package mcptest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// New returns a client of the server that handler serves: a
// *mcpengine.Engine, with or without more handlers around it. It introduces
// itself as "mcptest" and keeps no results, so that every call reaches the
// server, unless the options say otherwise. Close it if the server may hold a
// stream open for it.
//
// New panics when the server cannot be connected to. To test that, connect with
// [client.Connect] and [client.InMemory].
func New(handler http.Handler, opts ...client.Option) *client.Client {
	all := append([]client.Option{
		client.WithHTTPClient(&http.Client{Transport: client.InMemory(handler)}),
		client.WithImplementation(mcp.Implementation{Name: "mcptest", Version: "1"}),
		client.WithLimits(client.Limits{CacheBytes: -1}),
	}, opts...)
	c, err := client.Connect(context.Background(), "http://mcptest/mcp", all...)
	if err != nil {
		panic(fmt.Sprintf("mcptest: connect: %v", err))
	}
	return c
}

// Accept answers every form with the content, a struct or a map that encodes as
// a JSON object. It is made for [client.Handlers].
func Accept(content any) func(context.Context, mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
	return func(context.Context, mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
		encoded, err := json.Marshal(content)
		return mcp.ElicitResult{Action: mcp.ElicitActionAccept, Content: encoded}, err
	}
}
