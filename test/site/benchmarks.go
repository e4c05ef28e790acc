package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mcpengine/mcpengine/test/internal/plot"
)

// benchmarksPage makes the page about speed from the figures that the bench has
// written.
func benchmarksPage(_ context.Context, root string) (string, error) {
	const file = "docs/benchmarks.json"
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return "", err
	}
	var f plot.Figures
	if err := json.Unmarshal(text, &f); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nMeasured on %s with %s on %s, %d processors, each server with one of them. Shorter bars are better, and every axis "+
		"begins at zero. Each figure is the median of its rounds. The command below a chart measures it again, in the folder `test`.\n\n", f.Date, f.Go, f.Platform, f.Processors)
	b.WriteString("*net/http by hand* is a server of one protocol version, written without a framework: it checks the envelope, the version and the header " +
		"fields, decodes the arguments, and does not validate them against a schema. What comes close to it costs little more than HTTP itself. *MCPEngine without* is the server without what the title of the chart adds, and *MCPEngine stateless* the server without sessions.\n\n" +
		"A chart compares what this machine measured in one run. Run it on yours before you decide by it.\n\n")
	for _, c := range f.Charts {
		fmt.Fprintf(&b, "<figure class=\"plot\">%s</figure>\n\n```sh\n%s\n```\n\n", c.SVG(), c.Command)
	}
	b.WriteString("`go run ./bench -plot FOLDER` writes the charts and their figures, and `make bench` prints tables with memory and allocations too.\n")
	return b.String(), nil
}
