// Command bench compares this framework with a hand-written server and with the
// two other Go frameworks, on the same work, in one run: over HTTP, each served
// as its documentation says (ours by Engine.Serve), in process and, through a
// stand-in for the platform, on AWS Lambda. The client is compared with the
// official SDK's client, calling a server that costs next to nothing, and the
// bridge with mcp-remote and supergateway.
//
//	go run ./bench          about eight minutes
//	go run ./bench -quick   one and a half
//
// It has to run in this module's folder, where it builds the binaries it weighs.
//
// A benchmark is not a test: it exits with 0 whatever the figures say, and with
// 1 only if a server answers wrongly or something breaks. Read ratios before
// absolute figures, and allocations before times.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

type options struct {
	plan plan
	only *regexp.Regexp
	json string
	plot string // a folder, or ""
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if ok, err := runRole(ctx, args, stdin, stdout); ok {
		return err
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	// The servers have a processor of their own; the load takes the other.
	runtime.GOMAXPROCS(1)
	r, err := measureAll(ctx, o, stderr)
	if err != nil {
		return err
	}
	if o.json != "" {
		if err := writeJSON(o.json, r); err != nil {
			return err
		}
	}
	if o.plot != "" {
		if err := r.writeFigures(o.plot, time.Now()); err != nil {
			return err
		}
	}
	return r.print(stdout)
}

func parse(args []string, stderr io.Writer) (options, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	quick := flags.Bool("quick", false, "measure for less than 90 seconds")
	only := flags.String("run", "", "measure only rows that match this `regexp` (call-text-1, list-100, setup-100, size, lambda, client, bridge, …)")
	file := flags.String("json", "", "write the raw figures to this `file`")
	plots := flags.String("plot", "", "write charts and their figures into this `folder`")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return options{}, fmt.Errorf("parse -run: %w", err)
	}
	o := options{plan: fullPlan(), only: pattern, json: *file, plot: *plots}
	if *quick {
		o.plan = quickPlan()
	}
	return o, nil
}

func measureAll(ctx context.Context, o options, stderr io.Writer) (*report, error) {
	r := newReport()
	var err error
	// First, because it fails outside of this module.
	if o.only.MatchString("size") {
		fmt.Fprintln(stderr, "bench: size …")
		if r.Binaries, err = buildBinaries(ctx); err != nil {
			return nil, err
		}
	}
	for _, group := range groups() {
		group = selected(group, o.only)
		if len(group) == 0 {
			continue
		}
		fmt.Fprintf(stderr, "bench: %s …\n", group[0].name)
		results, err := measureGroup(ctx, o.plan, group)
		if err != nil {
			return nil, err
		}
		if err := measureInProcess(ctx, o.plan, results); err != nil {
			return nil, err
		}
		r.Rows = append(r.Rows, results...)
	}
	if o.only.MatchString("setup-100") {
		fmt.Fprintln(stderr, "bench: setup-100 …")
		if r.Setups, err = measureSetup(ctx, o.plan, "list-100"); err != nil {
			return nil, err
		}
	}
	if o.only.MatchString("lambda") {
		fmt.Fprintln(stderr, "bench: lambda …")
		if r.Lambda, err = measureLambda(ctx, o.plan); err != nil {
			return nil, err
		}
	}
	if o.only.MatchString("client") {
		fmt.Fprintln(stderr, "bench: client …")
		if r.Clients, err = measureClients(ctx, o.plan); err != nil {
			return nil, err
		}
	}
	if o.only.MatchString("bridge") {
		fmt.Fprintln(stderr, "bench: bridge …")
		r.Bridges, err = measureBridges(ctx, o.plan, "..")
		if errors.Is(err, errNoBridges) {
			fmt.Fprintln(stderr, "bench:", err)
		} else if err != nil {
			return nil, err
		}
	}
	return r, nil
}

func selected(group []row, only *regexp.Regexp) []row {
	var rows []row
	for _, r := range group {
		if only.MatchString(r.name) {
			rows = append(rows, r)
		}
	}
	return rows
}

func writeJSON(file string, r *report) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode figures: %w", err)
	}
	if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}
