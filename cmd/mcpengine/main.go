// Command mcpengine calls MCP servers, connects the hosts of this machine to
// remote ones, and deploys servers to AWS Lambda:
//
//	mcpengine call https://example.com/mcp get_weather city=Tokyo
//	mcpengine deploy ./examples/weather
//	mcpengine proxy weather https://example.com/mcp --claude
//
// Standard output gets the answer and nothing else; progress and messages go to
// standard error. The exit code is 0, 1 when something went wrong, and 2 when the
// command line is wrong. Commands that call a server exit with 3 when it wants
// credentials, with 4 when it does not answer and with 5 when what answers does
// not speak the protocol.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default takes over again: the second kills.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}
