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
	for _, p := range typeScriptPeers(servers) {
		t.Run(p.server+"/"+p.version+"/"+p.transport, func(t *testing.T) {
			t.Parallel()
			p.tour(t)
		})
	}
}

// typeScriptPeers returns servers of the TypeScript SDK in each version and
// over each transport.
func typeScriptPeers(servers string) []peer {
	peers := []peer{
		{"server", wire.Version, "http", dialTypeScript(servers, "server", "stateless", "http"), nil},
		{"server", wire.Version, "stdio", dialTypeScript(servers, "server", "stateless", "stdio"), nil},
	}
	for _, version := range handshakeVersions {
		for _, transport := range []string{"http", "sse", "stdio"} {
			peers = append(peers, peer{"sdk", version, transport, dialTypeScript(servers, "sdk", "handshake", transport), nil})
			if transport != "sse" { // the second generation has no HTTP+SSE
				peers = append(peers, peer{"server", version, transport, dialTypeScript(servers, "server", "handshake", transport), nil})
			}
		}
	}
	return peers
}

func dialTypeScript(servers, name, versions, transport string) func(context.Context, *testing.T, ...client.Option) (*client.Client, error) {
	node, args := filepath.Join(servers, "node"), []string{filepath.Join("ts", "server.mjs"), servers, name, versions, transport}
	if transport == "stdio" {
		return commandPeer(client.Process{Path: node, Args: args})
	}
	return func(ctx context.Context, t *testing.T, opts ...client.Option) (*client.Client, error) {
		t.Helper()
		_, url, _ := strings.Cut(startServer(ctx, t, exec.CommandContext(ctx, node, args...), "listening at "), "listening at ")
		return client.Connect(ctx, url, opts...)
	}
}
