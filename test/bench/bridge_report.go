package main

import (
	"fmt"
	"io"
	"math"
)

// printBridges writes the table of the bridges.
func (r *report) printBridges(w io.Writer) error {
	if len(r.Bridges) == 0 {
		return nil
	}
	t := table(w, "bridges from stdio to a server over Streamable HTTP, version "+handshakeVersion,
		"initialize ms", "×ours", "RSS MiB", "×ours", "added µs/call", "×ours")
	ours := r.bridge(oursName)
	for _, x := range r.Bridges {
		fmt.Fprintf(t, "%s\t%.1f\t%.2f\t%.1f\t%.2f\t%.0f\t%.2f\t\n", x.Bridge,
			median(x.Start, identity), ratio(x.Start, ours.Start, identity),
			median(x.Memory, identity), ratio(x.Memory, ours.Memory, identity),
			median(x.Added, identity), ratio(x.Added, ours.Added, identity))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

func (r *report) bridge(name string) *bridgeResult {
	for _, x := range r.Bridges {
		if x.Bridge == name {
			return x
		}
	}
	return &bridgeResult{Bridge: name}
}

// bridgeBars compare our bridge with the better of the others in each figure.
func (r *report) bridgeBars() []bar {
	if len(r.bridge(oursName).Start) == 0 {
		return nil
	}
	share := func(figure func(*bridgeResult) []float64) float64 {
		better := math.Inf(1)
		for _, x := range r.Bridges {
			if x.Bridge != oursName {
				better = min(better, median(figure(x), identity))
			}
		}
		return median(figure(r.bridge(oursName)), identity) / better
	}
	return []bar{
		{"bridge: time to initialize, ours/better peer", share(func(x *bridgeResult) []float64 { return x.Start }), 1.0 / 20, 0},
		{"bridge: memory, ours/better peer", share(func(x *bridgeResult) []float64 { return x.Memory }), 1.0 / 8, 0},
		{"bridge: latency added to a call, ours/better peer", share(func(x *bridgeResult) []float64 { return x.Added }), 1.0 / 3, 0},
	}
}
