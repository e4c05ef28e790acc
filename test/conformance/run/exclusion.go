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

// exclusions returns all of them. Over HTTP there are none.
func exclusions() []exclusion {
	function, buffered := []string{onBuffered, onStreamed}, []string{onBuffered}
	const newest, earlier = "2026-07-28", "2025-11-25"
	return []exclusion{
		{newest, "tools-call-with-progress", noEvents, buffered},
		{earlier, "tools-call-with-progress", noEvents, buffered},
		{earlier, "tools-call-with-logging", noEvents, buffered},
		{earlier, "tools-call-sampling", noQuestion, function},
		{earlier, "tools-call-elicitation", noQuestion, function},
		{earlier, "elicitation-sep1034-defaults", noQuestion, function},
		{earlier, "elicitation-sep1330-enums", noQuestion, function},
		{earlier, "resources-subscribe", noUpdates, function},
		{earlier, "resources-unsubscribe", noUpdates, function},
		{earlier, "server-sse-multiple-streams", noSessions, function},
		{earlier, "server-sse-polling", noSessions, function},
		{earlier, "server-session-lifecycle", noSessions, function},
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
