// Command mcpengine deploys MCP servers to AWS Lambda, and connects the hosts of
// this machine to remote servers:
//
//	mcpengine deploy ./examples/weather
//	mcpengine proxy weather https://example.com/mcp --claude
//
// Standard output gets the answer and nothing else; what a person wants to know
// meanwhile goes to standard error. It exits with 0, with 1 when something went
// wrong and with 2 when it is used wrongly.
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
