// Package client calls MCP servers of every protocol version, over Streamable
// HTTP, HTTP+SSE and the standard streams of a command.
//
//	c, err := client.Connect(ctx, "https://example.com/mcp")
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	text, err := client.Call[string](ctx, c, "get_weather", map[string]any{"city": "Tokyo"})
//
// The client finds out which protocol version and transport a server speaks.
// The program sees no difference between them: [Handlers] answer the questions
// of the server whether they arrive as requests or in a result, lists page by
// themselves, and results are kept for as long as the server allows.
package client
