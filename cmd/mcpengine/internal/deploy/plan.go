package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Plan is a list of steps in order.
type Plan struct {
	Account string
	Region  string
	Name    string
	Steps   []Step

	again func(context.Context) (*Plan, error) // plans the rest from what there is now
}

// A Step is one change, or the finding that none is needed.
type Step struct {
	Verb   string // "create", "update", "delete", "keep" and the like
	What   string // "role mcpengine-weather-eu-central-1"
	Detail string // the new state

	do func(context.Context) error // nil: nothing to do
}

// keep returns the step of a resource that needs no change.
func keep(what, detail string) Step { return Step{Verb: "keep", What: what, Detail: detail} }

// Changes reports whether the plan changes anything.
func (p *Plan) Changes() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.do != nil })
}

// String returns the plan as a table. It shows no value of an environment variable.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in account %s, region %s:\n", p.Name, p.Account, p.Region)
	width := 0
	for _, s := range p.Steps {
		width = max(width, len(s.What))
	}
	for _, s := range p.Steps {
		line := fmt.Sprintf("  %-7s %-*s  %s", s.Verb, width, s.What, s.Detail)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if !p.Changes() {
		b.WriteString("Nothing to change.\n")
	}
	return b.String()
}
