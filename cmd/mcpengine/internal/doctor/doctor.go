// Package doctor examines a server, a program or this machine, and says of each
// thing that it checks whether it is well, and otherwise what to do next. It changes
// nothing: no tool is called, nobody is asked to sign in and no token is renewed.
package doctor

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// A Level says how bad a finding is.
type Level string

// The levels, from good to bad.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Failure Level = "failure"
)

// A Finding is the outcome of one check.
type Finding struct {
	// Check is the name of the check, which stays the same from release to release.
	Check string `json:"check"`
	// Group is the heading of the check.
	Group string `json:"group"`
	Level Level  `json:"level"`
	// Text says what was found.
	Text string `json:"text"`
	// Next says what to do, in one sentence. It is empty where nothing is to do.
	Next string `json:"next,omitempty"`
}

// A Report holds the findings of an examination. Its methods may be called from
// several goroutines.
type Report struct {
	mu       sync.Mutex
	secrets  []string
	findings []Finding
}

// maxText bounds a text that a server may have written.
const maxText = 400

// add adds a finding of a check in the table. Without a next step, a finding that is
// not well gets the one of the table. Known secrets are hidden, and so is what looks
// like a credential.
func (r *Report) add(check string, level Level, next, format string, args ...any) {
	row := rowOf(check)
	if level != OK {
		next = cmp.Or(next, row.Next)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	text := bridge.Redact(fmt.Sprintf(format, args...))
	r.findings = append(r.findings, Finding{check, row.Group, level, r.clean(text), r.clean(sentence(next))})
}

// sentence turns a hint of an error into a sentence.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

func (r *Report) ok(check, format string, args ...any) { r.add(check, OK, "", format, args...) }

func (r *Report) warn(check, format string, args ...any) { r.add(check, Warning, "", format, args...) }

func (r *Report) fail(check, format string, args ...any) { r.add(check, Failure, "", format, args...) }

// hide keeps a secret out of the report.
func (r *Report) hide(secret string) {
	if len(secret) < 4 {
		return // hiding it would hide half of the report
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = append(r.secrets, secret)
}

func (r *Report) clean(text string) string {
	for _, secret := range r.secrets {
		text = strings.ReplaceAll(text, secret, "[hidden]")
	}
	return terminal.Clip(text, maxText)
}

// Findings returns the findings in the order of the table of checks.
func (r *Report) Findings() []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := append([]Finding{}, r.findings...)
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(place(a.Check), place(b.Check)) })
	return all
}

// Count returns how many findings have a level.
func (r *Report) Count(level Level) int {
	n := 0
	for _, f := range r.Findings() {
		if f.Level == level {
			n++
		}
	}
	return n
}

// has reports whether a check has a finding of a level.
func (r *Report) has(check string, level Level) bool {
	return slices.ContainsFunc(r.Findings(), func(f Finding) bool { return f.Check == check && f.Level == level })
}

// side runs checks that do not depend on each other side by side.
func side(checks ...func()) {
	var all sync.WaitGroup
	for _, check := range checks {
		all.Go(check)
	}
	all.Wait()
}

// shown returns a URL as a person may see it: without its query and its user, which
// may hold secrets.
func shown(u *url.URL) string {
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return bare.String()
}
