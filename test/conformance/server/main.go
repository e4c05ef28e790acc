// Command server is the server that the official MCP conformance suite tests.
// It serves the features of package fixture:
//
//	PORT=3000 go run ./conformance/server
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpengine/mcpengine/test/conformance/server/fixture"
)

func main() {
	options, err := fixture.Options(os.Getenv)
	if err == nil {
		err = fixture.New(options...).Run(context.Background())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "conformance-server: error: %v\n", err)
		os.Exit(1)
	}
}
