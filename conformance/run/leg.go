package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// A config says what to run.
type config struct {
	revision string // all of them when empty
	side     string // both when empty
	scenario string // all of the revision's when empty
	server   string // path of the server to test
	client   string // path of the client to test
	out      string // folder for the suite's results; temporary when empty
	suite    string // folder the suite is installed in
}

// A leg is the requirements of one revision for one side of the protocol.
type leg struct {
	side     string // also the command of the suite
	revision string
	required int // scenarios, which the revision froze at its release
}

// The sides of the protocol.
const (
	serverSide = "server"
	clientSide = "client"
)

var legs = []leg{
	{side: serverSide, revision: "2026-07-28", required: 37},
	{side: serverSide, revision: "2025-11-25", required: 30},
	{side: clientSide, revision: "2026-07-28", required: 32},
	{side: clientSide, revision: "2025-11-25", required: 18},
}

// excused is the beginning of the names of client scenarios that need not pass,
// because the client has no OAuth yet.
const excused = "auth/"

// chooseLegs returns the legs of a revision and a side, where an empty one stands
// for all.
func chooseLegs(revision, side string) ([]leg, error) {
	var chosen []leg
	for _, l := range legs {
		if (revision == "" || l.revision == revision) && (side == "" || l.side == side) {
			chosen = append(chosen, l)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("revision %q, side %q is not run here: choose one of %v", revision, side, legs)
	}
	return chosen, nil
}

// String returns the side and the revision, by which a leg is chosen.
func (l leg) String() string { return l.side + " " + l.revision }

// run runs what c says, all servers against one process at one URL, reports to
// stdout, and returns whether all is well.
func run(ctx context.Context, c config, stdout io.Writer) (ok bool, err error) {
	chosen, err := chooseLegs(c.revision, c.side)
	if err != nil {
		return false, err
	}
	s, err := findSuite(c.suite)
	if err != nil {
		return false, err
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
	server, err := startServer(ctx, c.server)
	if err != nil {
		return false, err
	}
	ok, err = runLegs(ctx, c, chosen, s, server.url+"/mcp", stdout)
	if stopErr := server.stop(); stopErr != nil {
		ok = false
		fmt.Fprintf(stdout, "\n%v\n", stopErr)
	}
	if !ok && err == nil {
		fmt.Fprintf(stdout, "\nThe results are in %s, and this is the server's log:\n\n%s", c.out, server.log.String())
	}
	return ok, err
}

// runLegs lets the suite at the server, leg by leg.
func runLegs(ctx context.Context, c config, chosen []leg, s suite, url string, stdout io.Writer) (bool, error) {
	ok := true
	for _, l := range chosen {
		legOK, err := runLeg(ctx, c, l, s, url, stdout)
		if err != nil {
			return false, err
		}
		ok = ok && legOK
	}
	return ok, nil
}

func runLeg(ctx context.Context, c config, l leg, s suite, url string, stdout io.Writer) (bool, error) {
	scenarios, err := s.scenarios(ctx, l)
	if err != nil {
		return false, err
	}
	verbose := io.Discard
	if c.scenario != "" {
		verbose = stdout
		if scenarios, err = choose(scenarios, c.scenario); err != nil {
			return false, err
		}
	}
	out := filepath.Join(c.out, l.side+"-"+l.revision)
	target := url
	if l.side == clientSide {
		if target, err = filepath.Abs(c.client); err != nil {
			return false, fmt.Errorf("find the client: %w", err)
		}
	}
	if err := s.run(ctx, l, c.scenario, target, out, verbose); err != nil {
		return false, err
	}
	results, err := readResults(out, l, scenarios)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(stdout, "\n%s, protocol version %s\n\n", l.side, l.revision)
	return report(stdout, results), nil
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
