package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// A bar is a figure the framework has set itself: at most limit, and goal if
// things go well (0 means no goal).
type bar struct {
	name  string
	got   float64
	limit float64
	goal  float64
}

// printVerdict compares our figures with the performance budget in
// docs/design.md. Bars whose rows were not measured are left out.
func (r *report) printVerdict(w io.Writer) error {
	fmt.Fprintf(w, "\nverdict (GOEXPERIMENT %s)\n", r.Experiment)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, b := range r.bars() {
		goal := ""
		if b.goal != 0 {
			goal = fmt.Sprintf(", goal %s", number(b.goal))
		}
		fmt.Fprintf(t, "  %s\t%s\t(bar %s%s)\t%s\n", b.name, number(b.got), number(b.limit), goal, b.verdict())
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print verdict: %w", err)
	}
	return nil
}

func (b bar) verdict() string {
	switch {
	case b.got > b.limit:
		return "MISSED"
	case b.goal != 0 && b.got <= b.goal:
		return "ok, goal reached"
	default:
		return "ok"
	}
}

// number prints ratios with two decimals and what is counted without.
func number(f float64) string {
	if f >= 10 || f > 2 && f == math.Trunc(f) {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func (r *report) bars() []bar {
	bars := r.requestBars(oursName, "", 0.90)
	if x := r.setup(oursName); x != nil {
		bars = append(bars, bar{"registering 100 tools, repeated, µs", median(x.Repeated, nanoseconds) / 1000, 300, 0})
	}
	if len(r.Binaries) > 0 {
		bars = append(bars, bar{"binary over plain, MiB", r.overPlain(oursName), 1.75, 0})
	}
	for _, tools := range []int{1, 100} {
		if our, base := r.function(oursName, tools), r.function(plainName, tools); our != nil {
			row := fmt.Sprintf("lambda, tools: %d", tools)
			bars = append(bars,
				bar{row + ": CPU per call ours/plain", ratio(our.CPU, base.CPU, identity), 0.90, 0},
				bar{row + ": start over plain, ms", difference(our.Start, base.Start), 0.50, 0})
		}
	}
	bars = append(bars, r.requestBars(oursName, "-"+handshakeVersion, 1.00)...)
	bars = append(bars, r.requestBars(noSessionsName, "-"+handshakeVersion, 1.00)...)
	bars = append(bars, r.clientBars()...)
	return append(bars, r.bridgeBars()...)
}

// requestBars returns the bars of one of our servers in the rows of a version,
// whose names end in suffix. A call takes at most perCall of the plain server's
// processor time.
func (r *report) requestBars(ours, suffix string, perCall float64) []bar {
	var bars []bar
	add := func(row, what string, got, limit, goal float64) {
		bars = append(bars, bar{row + suffix + ": " + what, got, limit, goal})
	}
	for _, name := range []string{"call-text-1", "call-text-100", "call-text-1000", "call-struct", "call-progress"} {
		if our, base := r.row(ours, name+suffix), r.row(plainName, name+suffix); our != nil {
			add(name, "CPU per request "+ours+"/plain", ratio(our.HTTP, base.HTTP, cpu), perCall, 0)
		}
	}
	if our, base := r.row(ours, "call-text-1"+suffix), r.row(plainName, "call-text-1"+suffix); our != nil {
		add("call-text-1", "in process ns "+ours+"/plain", ratio(our.InProcess, base.InProcess, nanoseconds), 0.40, 0.35)
		add("call-text-1", "in process allocations "+ours, median(our.InProcess, allocs), 25, 11)
		add("call-text-1", "in process bytes "+ours, median(our.InProcess, bytesOf), 1500, 0)
		if many := r.row(ours, "call-text-1000"+suffix); many != nil {
			add("call-text", "CPU per request 1,000 tools / 1 tool "+ours, ratio(many.HTTP, our.HTTP, cpu), 1.10, 0)
			add("call-text", "in process ns 1,000 tools / 1 tool "+ours, ratio(many.InProcess, our.InProcess, nanoseconds), 1.10, 0)
		}
	}
	if our, open := r.row(ours, guardedRow+suffix), r.row(openName, guardedRow+suffix); our != nil {
		add(guardedRow, "requests per second open/authorized", ratio(open.HTTP, our.HTTP, perSecond), 1.11, 0)
	}
	if our, open := r.row(ours, operatedRow+suffix), r.row(openName, operatedRow+suffix); our != nil {
		add(operatedRow, "CPU per request operated/open", ratio(our.HTTP, open.HTTP, cpu), 1.25, 0)
	}
	if our, base := r.row(ours, "list-100"+suffix), r.row(plainName, "list-100"+suffix); our != nil {
		add("list-100", "CPU per request "+ours+"/plain", ratio(our.HTTP, base.HTTP, cpu), 0.27, 0)
	}
	return bars
}
