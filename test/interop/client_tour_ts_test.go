package interop_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// TestClientTourTypeScript takes our client through servers of the TypeScript
// SDK: sdk is its first generation and server the second.
func TestClientTourTypeScript(t *testing.T) {
	t.Parallel()
	servers := serversDir(t)
	for _, h := range typeScriptHosts(servers) {
		t.Run(h.server+"/"+h.version+"/"+h.transport, func(t *testing.T) {
			t.Parallel()
			h.tour(t)
		})
	}
}

// typeScriptHosts are the ways into a server of the TypeScript SDK.
func typeScriptHosts(servers string) []host {
	hosts := []host{
		{"server", wire.Version, "http", dialTypeScript(servers, "server", "modern", "http"), nil},
		{"server", wire.Version, "stdio", dialTypeScript(servers, "server", "modern", "stdio"), nil},
	}
	for _, version := range handshakeVersions {
		for _, transport := range []string{"http", "sse", "stdio"} {
			hosts = append(hosts, host{"sdk", version, transport, dialTypeScript(servers, "sdk", "handshake", transport), nil})
			if transport != "sse" { // which the second generation has given up
				hosts = append(hosts, host{"server", version, transport, dialTypeScript(servers, "server", "handshake", transport), nil})
			}
		}
	}
	return hosts
}

func dialTypeScript(servers, name, era, transport string) func(context.Context, *testing.T, ...client.Option) (*client.Client, error) {
	node, args := filepath.Join(servers, "node"), []string{filepath.Join("ts", "server.mjs"), servers, name, era, transport}
	if transport == "stdio" {
		return commandHost(client.Process{Path: node, Args: args})
	}
	return func(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
		t.Helper()
		_, url, _ := strings.Cut(startHost(ctx, t, exec.CommandContext(ctx, node, args...), "listening at "), "listening at ")
		return client.Connect(ctx, url, opts...)
	}
}
