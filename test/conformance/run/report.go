package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// report writes a table of the results, every check that failed or warned, why
// scenarios are excluded, and how many of each set passed. It returns whether
// every scenario that must pass did, and no excluded one did.
func report(w io.Writer, results []result) bool {
	writeTable(w, results)
	writeChecks(w, results)
	writeExclusions(w, results)
	fmt.Fprintf(w, "\n%s\n", totals(results))
	return !slices.ContainsFunc(results, func(r result) bool { return r.must && !r.passed() || r.stale() })
}

func writeTable(w io.Writer, results []result) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "scenario\tset\tpassed\tfailed\twarnings")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\n", r.name, r.set, r.count(success), r.count(failure), r.count(warning))
	}
	table.Flush()
}

// writeChecks leaves out the scenarios that need not pass: an extension that
// is not served fails most of its checks.
func writeChecks(w io.Writer, results []result) {
	for _, r := range results {
		if !r.must {
			continue
		}
		if r.count(success)+r.count(failure)+r.count(warning) == 0 {
			fmt.Fprintf(w, "\n%s %s\n  nothing was checked\n", failure, r.name)
		}
		for _, c := range r.checks {
			if c.Status == failure || c.Status == warning {
				fmt.Fprintf(w, "\n%s %s: %s\n  %s\n", c.Status, r.name, c.ID, cmp.Or(c.ErrorMessage, c.Description))
			}
		}
	}
}

func writeExclusions(w io.Writer, results []result) {
	for _, r := range results {
		switch {
		case r.stale():
			fmt.Fprintf(w, "\n%s %s\n  passes, so it need not be excluded: %s\n", failure, r.name, r.excluded)
		case r.excluded != "":
			fmt.Fprintf(w, "\nEXCLUDED %s\n  %s\n", r.name, r.excluded)
		}
	}
}

// totals returns "37/37 required, 3/3 pending".
func totals(results []result) string {
	var sets, parts []string
	for _, r := range results {
		if !slices.Contains(sets, r.set) {
			sets = append(sets, r.set)
		}
	}
	for _, set := range sets {
		passed, all := 0, 0
		for _, r := range results {
			if r.set == set {
				all++
			}
			if r.set == set && r.passed() {
				passed++
			}
		}
		parts = append(parts, fmt.Sprintf("%d/%d %s", passed, all, set))
	}
	return strings.Join(parts, ", ")
}
