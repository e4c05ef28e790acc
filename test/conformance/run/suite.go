package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

var errNotInstalled = errors.New("the conformance suite is not installed: make conformance-deps")

// A suite is the installed suite.
type suite struct {
	node   string // Node.js, which runs it
	script string
}

// findSuite returns the suite that is installed in the folder.
func findSuite(dir string) (suite, error) {
	s := suite{node: filepath.Join(dir, "node"), script: filepath.Join(dir, "suite.js")}
	for _, path := range []string{s.node, s.script} {
		if _, err := os.Stat(path); err != nil {
			return suite{}, errNotInstalled
		}
	}
	return s, nil
}

// A scenario is one of the suite's tests.
type scenario struct {
	name     string
	set      string // "required", or the suite's reason not to score it
	must     bool   // failing, it fails the run
	excluded string // why it cannot pass where it runs: passing, it fails the run
}

// String returns the name.
func (s scenario) String() string { return s.name }

// The sets of scenarios.
const (
	required  = "required"
	extension = "extension"
)

// scenarios returns the scenarios of a leg, with the extensions' scenarios
// last.
func (s suite) scenarios(ctx context.Context, l leg) ([]scenario, error) {
	out, err := exec.CommandContext(ctx, s.node, s.script, "list", "--requirements", l.revision).Output()
	if err != nil {
		return nil, fmt.Errorf("list the scenarios of %s: %w", l.revision, err)
	}
	scenarios, err := parseList(string(out), l)
	if err != nil {
		return nil, fmt.Errorf("list the scenarios of %s: %w", l.revision, err)
	}
	return scenarios, nil
}

// parseList reads the suite's list: a heading for each side with the names of
// what is required of it, and then a heading for each set that is not scored,
// with names that end with the side.
func parseList(list string, l leg) ([]scenario, error) {
	var scenarios, extensions []scenario
	count, set := 0, ""
	lines := bufio.NewScanner(strings.NewReader(list))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		name, isItem := strings.CutPrefix(line, "- ")
		name, unscored := strings.CutSuffix(name, " ["+l.side+"]")
		switch {
		case !isItem && strings.HasPrefix(strings.ToLower(line), l.side+" scenarios"):
			set = required
		case !isItem && strings.HasSuffix(line, ":"):
			set, _, _ = strings.Cut(line, " ")
		case isItem && set == required && !unscored:
			count++
			scenarios = append(scenarios, scenario{name, required, true, ""})
		case isItem && set == extension && unscored:
			extensions = append(extensions, scenario{name, set, false, ""})
		case isItem && set != required && unscored:
			scenarios = append(scenarios, scenario{name, set, true, ""})
		}
	}
	// A list that is read wrongly must not make a run of nothing that passes.
	if count != l.required {
		return nil, fmt.Errorf("%d %s scenarios are required, want %d", count, l.side, l.required)
	}
	return append(scenarios, extensions...), lines.Err()
}

// run runs the scenario, or all of the leg, against the target: the URL of a
// server, or the path of a client. It writes the results below dir. That a
// scenario fails is not an error.
func (s suite) run(ctx context.Context, l leg, scenario, target, dir string, verbose io.Writer) error {
	option := "--url"
	if l.side == clientSide {
		option = "--command"
	}
	args := []string{s.script, l.side, option, target, "-o", dir}
	if scenario == "" {
		args = append(args, "--requirements", l.revision)
	} else {
		// --force runs the scenarios of extensions, which belong to no revision.
		args = append(args, "--scenario", scenario, "--spec-version", l.revision, "--force", "--verbose")
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, s.node, args...)
	cmd.Stdout, cmd.Stderr = verbose, &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return fmt.Errorf("run the suite: %w", ctx.Err())
	}
	// The suite exits with 1 when a scenario fails, which the results say better.
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("run the suite: %w\n%s", err, stderr.String())
	}
	return nil
}
