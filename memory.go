package mcpengine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// A memory is what a run of a handler knows of the runs before: the answers and
// the steps. A [round] is the memory that the client keeps, a [Journal] one that
// the server keeps.
type memory interface {
	// ask returns the answer, or an error that the handler returns until there
	// is one.
	ask(a *ask) ([]byte, error)

	// step returns the value of a step, from an earlier run or from run.
	step(ctx context.Context, s StepInfo, run stepFunc) ([]byte, error)

	// asks reports whether the run has to end because something is missing.
	asks() bool
}

// A stepFunc runs a step and returns its value as JSON.
type stepFunc func(context.Context) (json.RawMessage, error)

// A names is the set of names that one run of a handler has used.
type names map[string]bool

// claim reports whether the name is used for the first time in this run.
func (n names) claim(name string) bool {
	if n[name] {
		return false
	}
	n[name] = true
	return true
}

// name gives a question its key. A question without one is named by its content,
// so that a replay finds the answer in whatever order it asks, and never the
// answer to another question.
func (n names) name(a *ask) error {
	if a.key == "" {
		digest := sha256.Sum256(fmt.Appendf(nil, "%s\n%s", a.method, a.params))
		first := base64.RawURLEncoding.EncodeToString(digest[:12])
		a.key = first
		for i := 2; n["ask "+a.key]; i++ {
			a.key = fmt.Sprintf("%s-%d", first, i)
		}
	}
	if !n.claim("ask " + a.key) {
		return internalf("the key %q is used twice", a.key)
	}
	return nil
}

// A Journal is the memory of a detached call, which lasts longer than a request
// and a process. Its implementation decides where that is; see
// [Engine.CallDetached].
type Journal interface {
	// Ask returns the answer to a question, a JSON object. Until there is one it
	// returns an error, which the handler returns, and Suspended is true. The key
	// names the question: it is the same in every run.
	Ask(key string, question mcp.InputRequest) (json.RawMessage, error)

	// Step returns the value of the step that an earlier run has finished, or
	// runs it and keeps its value. A name is used once in a run.
	Step(ctx context.Context, step StepInfo, run func(context.Context) (json.RawMessage, error)) (json.RawMessage, error)

	// Suspended reports whether the run cannot go on: an answer is missing, or it
	// has to wait. The result of the handler then means nothing.
	Suspended() bool

	// Progress and Log get what the handler reports with the functions of these
	// names.
	Progress(ctx context.Context, progress, total float64, message string)
	Log(ctx context.Context, level mcp.LoggingLevel, logger string, data any)
}

// A StepInfo describes a [Step] to a [Journal].
type StepInfo struct {
	Name   string
	values map[any]any
}

// Value returns what an option of the step has set with [StepValue], and nil when
// no option has.
func (s StepInfo) Value(key any) any { return s.values[key] }

// A StepOption adjusts a [Step] of a call that is kept in a [Journal].
type StepOption interface{ applyToStep(*StepInfo) }

type stepOption func(*StepInfo)

func (o stepOption) applyToStep(s *StepInfo) { o(s) }

// StepValue makes an option that the [Journal] of a call understands, and that
// [Step] refuses in a call without one. Keys are chosen as for
// [context.WithValue].
func StepValue(key, value any) StepOption {
	return stepOption(func(s *StepInfo) {
		if s.values == nil {
			s.values = make(map[any]any)
		}
		s.values[key] = value
	})
}

// A journaled is the memory of a run with a [Journal].
type journaled struct {
	journal Journal

	mu   sync.Mutex
	used names
}

func newJournaled(j Journal) *journaled { return &journaled{journal: j, used: make(names)} }

func (j *journaled) ask(a *ask) ([]byte, error) {
	j.mu.Lock()
	err := j.used.name(a)
	j.mu.Unlock()
	if err != nil {
		return nil, err
	}
	answer, err := j.journal.Ask(a.key, mcp.InputRequest{Method: a.method, Params: a.params})
	if err == nil && !jsonrpc.IsObject(answer) {
		return nil, a.invalid("must be an object")
	}
	return answer, err
}

func (j *journaled) step(ctx context.Context, s StepInfo, run stepFunc) ([]byte, error) {
	j.mu.Lock()
	first := j.used.claim("step " + s.Name)
	j.mu.Unlock()
	if !first {
		return nil, errStepTwice(s.Name)
	}
	return j.journal.Step(ctx, s, run)
}

func (j *journaled) asks() bool { return j.journal.Suspended() }

func errStepTwice(name string) error {
	return internalf("Step(%q): the name is used twice", name)
}

// memory returns what the request knows of earlier runs, and nil when there is
// nothing to know and nothing has been asked.
func (r *Request) memory() memory {
	switch {
	case r.journal != nil:
		return r.journal
	case r.round != nil:
		return r.round
	}
	return nil
}

// asks reports whether the run of the handler has to end because something is
// missing.
func (r *Request) asks() bool {
	m := r.memory()
	return m != nil && m.asks()
}
