package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine/test/internal/plot"
)

// figures returns what the report has, as charts: medians, the framework first.
func (r *report) figures(now time.Time) plot.Figures {
	f := plot.Figures{Date: now.UTC().Format(time.DateOnly), Go: r.Go, Platform: r.Platform, Processors: r.Processors}
	add := func(title, unit, row string, bars ...plot.Bar) {
		if len(bars) > 1 {
			f.Charts = append(f.Charts, plot.Chart{Title: title, Unit: unit, Command: "go run ./bench -run '" + row + "'", Bars: bars})
		}
	}
	for _, row := range r.measuredRows("") {
		var bars []plot.Bar
		for _, x := range r.Rows {
			if x.Row == row {
				bars = append(bars, plot.Bar{Name: label(x.Rival), Value: median(x.HTTP, cpu)})
			}
		}
		add(title(row), "µs of CPU per request", "^"+row+"$", bars...)
	}
	var setups, sizes []plot.Bar
	for _, x := range r.Setups {
		setups = append(setups, plot.Bar{Name: label(x.Rival), Value: median(x.First, identity)})
	}
	add("building a server with 100 tools", "µs", "setup-100", setups...)
	for _, x := range r.Binaries {
		sizes = append(sizes, plot.Bar{Name: label(x.Rival), Value: float64(x.Size) / (1 << 20)})
	}
	add("binary of a minimal weather server", "MiB", "size", sizes...)
	for _, n := range r.lambdaTools() {
		var warm, start []plot.Bar
		for _, x := range r.Lambda {
			if x.Tools == n {
				warm = append(warm, plot.Bar{Name: label(x.Rival), Value: median(x.CPU, identity)})
				start = append(start, plot.Bar{Name: label(x.Rival), Value: median(x.Start, identity)})
			}
		}
		add(fmt.Sprintf("AWS Lambda, on a stand-in: a warm call, %s", tools(n)), "µs of CPU", "lambda", warm...)
		add(fmt.Sprintf("AWS Lambda, on a stand-in: start, %s", tools(n)), "ms", "lambda", start...)
	}
	var start, memory, added []plot.Bar
	for _, x := range r.Bridges {
		start = append(start, plot.Bar{Name: label(x.Bridge), Value: median(x.Start, identity)})
		memory = append(memory, plot.Bar{Name: label(x.Bridge), Value: median(x.Memory, identity)})
		added = append(added, plot.Bar{Name: label(x.Bridge), Value: median(x.Added, identity)})
	}
	add("bridge: time to initialize", "ms", "bridge", start...)
	add("bridge: memory", "MiB", "bridge", memory...)
	add("bridge: added to a call", "µs", "bridge", added...)
	return f
}

// lambdaTools returns the numbers of tools of the functions that were measured.
func (r *report) lambdaTools() []int {
	var numbers []int
	for _, x := range r.Lambda {
		if !slices.Contains(numbers, x.Tools) {
			numbers = append(numbers, x.Tools)
		}
	}
	return numbers
}

func tools(n int) string {
	if n == 1 {
		return "1 tool"
	}
	return fmt.Sprintf("%d tools", n)
}

// label is what a chart calls a program.
func label(rival string) string {
	switch rival {
	case oursName:
		return "MCPEngine"
	case plainName:
		return "net/http by hand"
	case openName:
		return "MCPEngine without"
	case "ours-nosessions":
		return "MCPEngine stateless"
	case "ours-run":
		return "MCPEngine with Run"
	}
	return rival
}

// writeFigures writes the figures and a picture of each chart into a folder.
func (r *report) writeFigures(dir string, now time.Time) error {
	f := r.figures(now)
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the figures: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "benchmarks.json"), append(text, '\n'), 0o644); err != nil { //nolint:gosec // not secret
		return err
	}
	for i, c := range f.Charts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("chart-%02d.svg", i+1)), []byte(c.SVG()), 0o644); err != nil { //nolint:gosec // not secret
			return err
		}
	}
	return nil
}
