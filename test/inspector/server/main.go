// Command server has a feature of every kind that the inspector shows. It serves
// HTTP where PORT is set, and otherwise its standard streams:
//
//	PORT=3000 go run ./inspector/server
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpengine/mcpengine/test/inspector/fixture"
)

func main() {
	if err := fixture.New().Run(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "inspector-server: error: %v\n", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}
