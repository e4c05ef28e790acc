package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A config says what to run.
type config struct {
	revision string // all of them when empty
	scenario string // all of the revision's when empty
	place    string // name of the place; all of them when empty
	server   string // path of the program to test as a server
	client   string // and as a client
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
}

var clientLegs = []leg{
	{side: clientSide, revision: "2026-07-28", required: 32},
	{side: clientSide, revision: "2025-11-25", required: 18},
}

// skills returns the scenarios of the skills extension, which belong to no
// revision and so are in no list of requirements. They have to pass all the same.
func (l leg) skills() (scenarios []scenario) {
	names := []string{"sep-2640-skills-enumeration", "sep-2640-skills-manifest", "sep-2640-skills-directory"}
	if l.side == clientSide {
		names = []string{"sep-2640-client-no-prefetch", "sep-2640-client-verify-digest", "sep-2640-client-verify-size", "sep-2640-client-verify-frontmatter"}
	}
	for _, name := range names {
		scenarios = append(scenarios, scenario{name, "skills", true, ""})
	}
	return scenarios
}

// untested is a scenario of tasks that the suite itself skips: it checks nothing.
const untested = "tasks-status-notifications"

// requireTasks makes the scenarios of the tasks extension have to pass over HTTP.
// In AWS Lambda the fixture's tasks live in the memory of a process that is frozen
// between requests.
func requireTasks(scenarios []scenario, p place) {
	for i := range scenarios {
		s := &scenarios[i]
		if p.name == onHTTP && strings.HasPrefix(s.name, "tasks-") && s.name != untested {
			s.must = true
		}
	}
}

// chooseLegs returns the legs of a revision, and all legs when it is empty.
func chooseLegs(legs []leg, revision string) ([]leg, error) {
	if revision == "" {
		return legs, nil
	}
	i := slices.IndexFunc(legs, func(l leg) bool { return l.revision == revision })
	if i < 0 {
		return nil, fmt.Errorf("revision %q is not run here: choose one of %v", revision, legs)
	}
	return legs[i : i+1], nil
}

// String returns the revision, by which a leg is chosen.
func (l leg) String() string { return l.revision }

// run runs the legs and places that c chooses, reports to stdout, and returns
// whether all is well. In each place one server, at one URL, or one client
// passes all legs.
func run(ctx context.Context, c config, stdout io.Writer) (ok bool, err error) {
	if _, err := chooseLegs(legs, c.revision); err != nil {
		return false, err
	}
	where, err := choosePlaces(c.place)
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
	ok = true
	for _, p := range where {
		placeOK, err := runPlace(ctx, c, p, s, stdout)
		if err != nil {
			return false, err
		}
		ok = ok && placeOK
	}
	if !ok {
		fmt.Fprintf(stdout, "\nThe results are in %s.\n", c.out)
	}
	return ok, nil
}

// runPlace runs the legs against the program in one place.
func runPlace(ctx context.Context, c config, p place, s suite, stdout io.Writer) (bool, error) {
	chosen, err := chooseLegs(p.legs, c.revision)
	if err != nil {
		return false, err
	}
	at, err := p.start(ctx, c)
	if err != nil {
		return false, err
	}
	ok, err := runLegs(ctx, c, p, chosen, s, at.target, stdout)
	if stopErr := at.stop(); stopErr != nil {
		ok = false
		fmt.Fprintf(stdout, "\n%v\n", stopErr)
	}
	if !ok && err == nil {
		fmt.Fprintf(stdout, "\nThis is the program's log:\n\n%s", at.log())
	}
	return ok, err
}

// runLegs runs the suite against the target, leg by leg.
func runLegs(ctx context.Context, c config, p place, chosen []leg, s suite, target string, stdout io.Writer) (bool, error) {
	ok := true
	for _, l := range chosen {
		legOK, err := runLeg(ctx, c, p, l, s, target, stdout)
		if err != nil {
			return false, err
		}
		ok = ok && legOK
	}
	return ok, nil
}

func runLeg(ctx context.Context, c config, p place, l leg, s suite, target string, stdout io.Writer) (bool, error) {
	scenarios, err := s.scenarios(ctx, l)
	if err != nil {
		return false, err
	}
	extra := l.skills()
	scenarios = append(scenarios, extra...)
	requireTasks(scenarios, p)
	if err := exclude(scenarios, l.revision, p); err != nil {
		return false, err
	}
	verbose := io.Discard
	if c.scenario != "" {
		verbose = stdout
		if scenarios, err = choose(scenarios, c.scenario); err != nil {
			return false, err
		}
	}
	out := filepath.Join(c.out, p.name, l.revision)
	if err := s.run(ctx, l, c.scenario, target, out, verbose); err != nil {
		return false, err
	}
	for _, e := range extra {
		if c.scenario != "" {
			break
		}
		if err := s.run(ctx, l, e.name, target, out, verbose); err != nil {
			return false, err
		}
	}
	results, err := readResults(out, l, scenarios)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(stdout, "\n%s, protocol version %s, %s\n\n", l.side, l.revision, p.title)
	return report(stdout, results), nil
}

// choose returns the one scenario of that name.
func choose(scenarios []scenario, name string) ([]scenario, error) {
	i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no scenario %q: choose one of %v", name, scenarios)
	}
	chosen := scenarios[i]
	chosen.must, chosen.excluded = true, ""
	return []scenario{chosen}, nil
}
