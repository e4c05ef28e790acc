package main

import (
	"fmt"
	"slices"
)

// An exclusion is a scenario that cannot pass in some places, and why.
type exclusion struct {
	revision string
	scenario string
	reason   string
	places   []string
}

// Why scenarios are excluded.
const (
	noEvents   = "an answer that is buffered carries no notification before its result"
	noSessions = "there are no sessions: the next request may reach another process, and the one that answered may be gone"
	noQuestion = "a question to the client needs a session, and the process that asked"
	noUpdates  = "updates of resources need the stream of a session, and a process that lasts"
)

// exclusions returns the exclusions of all places. No scenario is excluded over
// HTTP.
func exclusions() []exclusion {
	function, buffered := []string{onBuffered, onStreamed}, []string{onBuffered}
	const stateless, handshake = "2026-07-28", "2025-11-25"
	return []exclusion{
		{stateless, "tools-call-with-progress", noEvents, buffered},
		{handshake, "tools-call-with-progress", noEvents, buffered},
		{handshake, "tools-call-with-logging", noEvents, buffered},
		{handshake, "tools-call-sampling", noQuestion, function},
		{handshake, "tools-call-elicitation", noQuestion, function},
		{handshake, "elicitation-sep1034-defaults", noQuestion, function},
		{handshake, "elicitation-sep1330-enums", noQuestion, function},
		{handshake, "resources-subscribe", noUpdates, function},
		{handshake, "resources-unsubscribe", noUpdates, function},
		{handshake, "server-sse-multiple-streams", noSessions, function},
		{handshake, "server-sse-polling", noSessions, function},
		{handshake, "server-session-lifecycle", noSessions, function},
	}
}

// exclude marks the scenarios of a revision that cannot pass in a place. It
// fails when there is no such scenario: the suite has changed.
func exclude(scenarios []scenario, revision string, p place) error {
	for _, e := range exclusions() {
		if e.revision != revision || !slices.Contains(e.places, p.name) {
			continue
		}
		i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == e.scenario })
		if i < 0 {
			return fmt.Errorf("exclude %s: %s has no such scenario", e.scenario, revision)
		}
		scenarios[i].must, scenarios[i].excluded = false, e.reason
	}
	return nil
}
