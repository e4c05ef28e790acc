package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// A result is the outcome of a scenario.
type result struct {
	scenario
	checks []check
}

// A check is one thing that a scenario looked at, as the suite writes it.
type check struct {
	ID           string `json:"id"`
	Description  string `json:"description"`
	Status       string `json:"status"`
	ErrorMessage string `json:"errorMessage"`
}

// The statuses of a check that count. INFO and SKIPPED prove nothing.
const (
	success = "SUCCESS"
	failure = "FAILURE"
	warning = "WARNING"
)

func (r result) count(status string) (n int) {
	for _, c := range r.checks {
		if c.Status == status {
			n++
		}
	}
	return n
}

// passed reports whether the scenario proved something and nothing failed.
func (r result) passed() bool { return r.count(failure) == 0 && r.count(success) > 0 }

// stale reports whether the scenario passes although it is excluded.
func (r result) stale() bool { return r.excluded != "" && r.passed() }

// readResults reads what the suite has written for each scenario.
func readResults(dir string, l leg, scenarios []scenario) ([]result, error) {
	results := make([]result, len(scenarios))
	for i, s := range scenarios {
		checks, err := readChecks(dir, l, s.name)
		if err != nil {
			return nil, fmt.Errorf("read the results of %s: %w", s.name, err)
		}
		results[i] = result{s, checks}
	}
	return results, nil
}

// readChecks reads the checks of one scenario. The suite names its folder after
// the scenario and the time.
func readChecks(dir string, l leg, name string) ([]check, error) {
	if l.side == serverSide {
		name = serverSide + "-" + name
	}
	const when = "-[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*Z"
	paths, err := filepath.Glob(filepath.Join(dir, name+when, "checks.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		// The suite writes none when the scenario itself breaks.
		return []check{{ID: "scenario", Status: failure, ErrorMessage: "the suite left no results: run it alone with -scenario to see why"}}, nil
	}
	data, err := os.ReadFile(paths[len(paths)-1]) // sorted by time
	if err != nil {
		return nil, err
	}
	var checks []check
	return checks, json.Unmarshal(data, &checks)
}
