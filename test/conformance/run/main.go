// Command run runs the official MCP conformance suite against the server in
// conformance/server and the client in conformance/client, and prints the
// results. Run it from the root of the repository, after make build and
// scripts/install-conformance, or let make conformance do all three:
//
//	go run ./conformance/run
//	go run ./conformance/run -scenario server-stateless
//	go run ./conformance/run -place client -scenario tools_call
//
// It tests the server three times: over HTTP, and on a stand-in for AWS Lambda
// with buffered and with streamed answers.
//
// It exits with 1 when a required or pending scenario fails, or an excluded one
// passes, and with 2 for wrong usage. Scenarios of extensions are shown and
// never fail the run, apart from the scenarios of skills, and over HTTP of tasks,
// which have to pass.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	c, err := parseFlags(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2) // the flag package has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ok, err := run(ctx, c, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "conformance: error: %v\n", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func parseFlags(args []string) (config, error) {
	c := config{suite: ".tools/conformance"}
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.StringVar(&c.revision, "revision", "", "the protocol `version` whose requirements to run (default: all of them, against one process)")
	flags.StringVar(&c.scenario, "scenario", "", "run this scenario alone and show all it says")
	flags.StringVar(&c.place, "place", "", "what to test: the server on http, lambda-buffered or lambda-streamed, or the client (default: one after the other)")
	flags.StringVar(&c.server, "server", "bin/conformance-server", "the `program` to test as a server")
	flags.StringVar(&c.client, "client", "bin/conformance-client", "the `program` to test as a client")
	flags.StringVar(&c.out, "out", "", "keep the suite's results in this `folder` (default: only the results of a failed run, in a temporary folder)")
	err := flags.Parse(args)
	if err != nil {
		return c, err
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", flags.Arg(0))
	case c.scenario != "":
		c.revision = cmp.Or(c.revision, legs[0].revision)
		c.place = cmp.Or(c.place, onHTTP)
	}
	if err != nil {
		fmt.Fprintf(flags.Output(), "%v\n", err)
		flags.Usage()
	}
	return c, err
}
