// Command server serves the toy extension and two tools.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mcpengine/mcpengine"

	"example.com/toy"
)

func main() {
	e := mcpengine.New("toy", mcpengine.WithExtension(toy.Extension(10)))
	hello := func(context.Context, struct{}) (string, error) { return "hello", nil }
	mcpengine.AddTool(e, "hello", "Greets.", hello)
	mcpengine.AddTool(e, "counted", "Greets, and counts.", hello, toy.Counted())
	if err := e.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // the end of a program
	}
}
