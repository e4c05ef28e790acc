package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
)

// A config says what to run.
type config struct {
	revision string
	scenario string // all of the revision's when empty
	server   string // path of the program to test
	out      string // folder for the suite's results; temporary when empty
	suite    string // folder the suite is installed in
}

// A leg is the requirements of one revision for one side of the protocol.
type leg struct {
	side     string // also the command of the suite
	revision string
	required int // scenarios, which the revision froze at its release
}

var legs = []leg{
	{side: "server", revision: "2026-07-28", required: 37},
}

func findLeg(revision string) (leg, error) {
	i := slices.IndexFunc(legs, func(l leg) bool { return l.revision == revision })
	if i < 0 {
		return leg{}, fmt.Errorf("revision %q is not run here: choose one of %v", revision, legs)
	}
	return legs[i], nil
}

// String returns the revision, by which a leg is chosen.
func (l leg) String() string { return l.revision }

// run runs what c says, reports to stdout, and returns whether all is well.
func run(ctx context.Context, c config, stdout io.Writer) (ok bool, err error) {
	l, err := findLeg(c.revision)
	if err != nil {
		return false, err
	}
	s, err := findSuite(c.suite)
	if err != nil {
		return false, err
	}
	scenarios, err := s.scenarios(ctx, l)
	if err != nil {
		return false, err
	}
	if c.scenario != "" {
		if scenarios, err = choose(scenarios, c.scenario); err != nil {
			return false, err
		}
	}
	if c.out == "" {
		if c.out, err = os.MkdirTemp("", "conformance-"); err != nil {
			return false, fmt.Errorf("make a folder for the results: %w", err)
		}
		defer func() {
			if ok || err != nil {
				os.RemoveAll(c.out)
			}
		}()
	}
	return runLeg(ctx, c, l, s, scenarios, stdout)
}

// choose returns the one scenario of that name.
func choose(scenarios []scenario, name string) ([]scenario, error) {
	i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no scenario %q: choose one of %v", name, scenarios)
	}
	chosen := scenarios[i]
	chosen.must = true
	return []scenario{chosen}, nil
}

// runLeg starts the server, lets the suite at it, and reports.
func runLeg(ctx context.Context, c config, l leg, s suite, scenarios []scenario, stdout io.Writer) (bool, error) {
	server, err := startServer(ctx, c.server)
	if err != nil {
		return false, err
	}
	verbose := io.Discard
	if c.scenario != "" {
		verbose = stdout
	}
	suiteErr := s.run(ctx, l, c.scenario, server.url+"/mcp", c.out, verbose)
	stopErr := server.stop()
	if suiteErr != nil {
		return false, suiteErr
	}
	results, err := readResults(c.out, l, scenarios)
	if err != nil {
		return false, err
	}
	ok := report(stdout, results)
	if stopErr != nil {
		ok = false
		fmt.Fprintf(stdout, "\n%v\n", stopErr)
	}
	if !ok {
		fmt.Fprintf(stdout, "\nThe results are in %s, and this is the server's log:\n\n%s", c.out, server.log.String())
	}
	return ok, nil
}
