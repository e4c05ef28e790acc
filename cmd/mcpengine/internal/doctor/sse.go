package doctor

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/mcp"
)

// overSSE connects over HTTP+SSE, and returns what the server says of itself and its
// tools.
func (x *exam) overSSE(ctx context.Context) (*peer.Conn, []mcp.Tool, error) {
	config := peer.Config{
		HTTPClient: &http.Client{Transport: x.send}, Header: x.fields,
		Transport: peer.TransportSSE, IdleTimeout: x.Timeout, ConnectTimeout: x.Timeout,
	}
	if x.seen.token {
		config.Authorizer = x.Authorizer
	}
	conn, err := peer.Dial(ctx, x.URL, config)
	if err != nil {
		return nil, nil, err
	}
	var page mcp.ListToolsResult
	result, err := conn.Call(ctx, peer.Call{Method: mcp.MethodToolsList})
	if err == nil {
		err = json.Unmarshal(result, &page)
	}
	if err != nil {
		page.Tools = nil // servers without tools refuse the method
	}
	return conn, page.Tools, nil
}

// sse examines a server that speaks HTTP+SSE alone, and reports whether it does.
func (x *exam) sse(ctx context.Context) bool {
	if x.Signed != nil {
		return false
	}
	conn, tools, err := x.overSSE(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	x.add("version", Warning, "Serve Streamable HTTP too: fewer and fewer hosts take HTTP+SSE.", "the server speaks HTTP+SSE alone, in version %s", conn.Version())
	x.judge(tools)
	return true
}
