package doctor

import (
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine/internal/terminal"
)

// A Summary is a report as JSON.
type Summary struct {
	Target   string    `json:"target"`
	Worst    Level     `json:"worst"`
	OK       int       `json:"ok"`
	Warnings int       `json:"warnings"`
	Failures int       `json:"failures"`
	Findings []Finding `json:"findings"`
}

// Summary returns the report about a target.
func (r *Report) Summary(target string) Summary {
	s := Summary{Target: target, OK: r.Count(OK), Warnings: r.Count(Warning), Failures: r.Count(Failure), Findings: r.Findings(), Worst: OK}
	switch {
	case s.Failures > 0:
		s.Worst = Failure
	case s.Warnings > 0:
		s.Worst = Warning
	}
	return s
}

// marks are the words at the beginning of a line, and their colours (ECMA-48, SGR).
var marks = map[Level]struct{ word, colour string }{
	OK: {"ok", "32"}, Warning: {"warn", "33"}, Failure: {"FAIL", "31"},
}

const (
	markWidth  = 6
	checkWidth = 21
	textColumn = 2 + markWidth + checkWidth
	columns    = 80 // which fits nearly every terminal
)

// Print writes the report for a person: a line for each finding, under the headings
// of their groups, and the next step under what is not well.
func (s Summary) Print(w *terminal.Writer, colour bool) {
	paint := func(code, text string) terminal.Trusted {
		if !colour {
			return terminal.Trusted(text)
		}
		return terminal.Trusted("\x1b[" + code + "m" + text + "\x1b[0m")
	}
	w.Printf("%s\n", paint("1", terminal.Escape(s.Target)))
	group := ""
	for _, f := range s.Findings {
		if f.Group != group {
			group = f.Group
			w.Printf("\n%s\n", paint("1", group))
		}
		mark := marks[f.Level]
		head := fmt.Sprintf("%-*s", markWidth, mark.word)
		for i, line := range terminal.Wrap(f.Text, columns-textColumn) {
			if i == 0 {
				w.Printf("  %s%-*s %s\n", paint(mark.colour, head), checkWidth-1, f.Check, line)
			} else {
				w.Printf("%s%s\n", strings.Repeat(" ", textColumn), line)
			}
		}
		for i, line := range terminal.Wrap(f.Next, columns-textColumn-3) {
			arrow := "   "
			if i == 0 {
				arrow = "-> "
			}
			w.Printf("%s%s%s\n", strings.Repeat(" ", textColumn), arrow, line)
		}
	}
	w.Printf("\n%s\n", paint("1", s.count()))
}

// count says how many checks went how.
func (s Summary) count() string {
	return fmt.Sprintf("%d ok, %s, %s", s.OK, number(s.Warnings, "warning"), number(s.Failures, "failure"))
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
