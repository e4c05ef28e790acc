package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/mcp"
)

// Bounds of a task.
const (
	// maxEntries is how many steps, sleeps and answers a task may have.
	maxEntries = 1_000

	// maxJournal bounds the values of a journal together.
	maxJournal = 4 << 20

	// maxQuestions is how many questions may wait for answers at once.
	maxQuestions = 32
)

// progressEvery is how often progress is written at most.
const progressEvery = time.Second

var (
	errSuspended = errors.New("the task goes on later: return this error and the handler will run again")

	// errReplaced says that the task has ended, or that another run has begun,
	// since this one did.
	errReplaced = errors.New("the run of the task was replaced")
)

// A journal is the memory of one run of a task. It implements
// [mcpengine.Journal].
type journal struct {
	tasks *Tasks
	id    string
	run   int64

	mu        sync.Mutex
	record    *Record // as it was read or written last
	visited   map[string]bool
	sleeps    int
	inStep    string
	entered   string // the last step that was run
	running   *running
	kept      int // entries that this run has written
	retries   int // attempts of steps that have failed and are repeated
	questions []Question
	wake      time.Time // when a sleep or the wait for a retry ends
	fault     *mcp.Error
	broken    error // of the store
	progress  *Progress
	written   time.Time // when progress was
}

var _ mcpengine.Journal = (*journal)(nil)

type journalKey struct{}

// journalOf returns the journal of the run that ctx belongs to, or nil.
func journalOf(ctx context.Context) *journal {
	j, _ := ctx.Value(journalKey{}).(*journal)
	return j
}

func newJournal(t *Tasks, r *Record) *journal {
	return &journal{tasks: t, id: r.ID, run: r.Run, record: r, visited: make(map[string]bool)}
}

// find returns the entry with the name, and notes that the run has reached it.
func (j *journal) find(kind, name string) *Entry {
	for i := range j.record.Entries {
		e := &j.record.Entries[i]
		if e.Kind == kind && e.Name == name {
			j.visited[kind+" "+name] = true
			return e
		}
	}
	return nil
}

// missing returns an entry that an earlier run has made and this one has not
// reached, and nil when there is none. Answers do not count: nothing depends on
// their order.
func (j *journal) missing() *Entry {
	for i := range j.record.Entries {
		e := &j.record.Entries[i]
		if e.Kind != kindAnswer && !j.visited[e.Kind+" "+e.Name] {
			return e
		}
	}
	return nil
}

// checkNew returns an error when the run comes to something new before it has
// reached all that is old: the program has changed.
func (j *journal) checkNew(kind, name string) error {
	switch e := j.missing(); {
	case e != nil:
		return j.failf("this version of the program does not fit the task: the task has done the %s %q, and the program comes to the %s %q instead", e.Kind, e.Name, kind, name)
	case len(j.record.Entries) >= maxEntries:
		return j.failf("a task has at most %d steps, sleeps and answers", maxEntries)
	}
	return nil
}

// failf notes the error with which the task fails, whatever the handler returns.
func (j *journal) failf(format string, args ...any) error {
	j.fault = mcp.Errorf(mcp.CodeInternalError, format, args...)
	return j.fault
}

// write changes the record, if this run is still the task's.
func (j *journal) write(ctx context.Context, update updateFunc, change func(*Record) error) error {
	record, err := update(ctx, j.id, func(r *Record) error {
		if r.Run != j.run || r.Status.Ended() {
			return errReplaced
		}
		j.putProgress(r)
		if err := change(r); err != nil {
			return err
		}
		r.touch(time.Now())
		return nil
	})
	if err == nil {
		j.record = record
	}
	return err
}

// save is [journal.write] in a transaction of its own.
func (j *journal) save(ctx context.Context, change func(*Record) error) error {
	err := j.write(ctx, j.tasks.backend.Update, change)
	if err == nil {
		j.tasks.tell(j.record, true)
	}
	return err
}

type updateFunc func(ctx context.Context, id string, change func(*Record) error) (*Record, error)

// put writes an entry.
func (j *journal) put(ctx context.Context, update updateFunc, e Entry) error {
	err := j.write(ctx, update, func(r *Record) error {
		size := len(e.Value)
		r.Stalled = 0
		for i := range r.Entries {
			if size += len(r.Entries[i].Value); r.Entries[i].Kind == e.Kind && r.Entries[i].Name == e.Name {
				r.Entries[i] = e
				return nil
			}
		}
		if size > maxJournal {
			return j.failf("the values of the steps take more than %d bytes: keep large ones elsewhere, and their places in the task", maxJournal)
		}
		r.Entries = append(r.Entries, e)
		return nil
	})
	switch {
	case err == nil:
		j.kept++
	case errors.Is(err, ErrTooLarge):
		return j.failf("the value of the %s %q is larger than the store of tasks takes: keep it elsewhere, and its place in the task", e.Kind, e.Name)
	}
	return err
}

// keep is [journal.put] outside of a transaction of the handler. An error of the
// store ends the run, which is repeated.
func (j *journal) keep(ctx context.Context, e Entry) error {
	j.visited[e.Kind+" "+e.Name] = true
	// The run may be told to stop: what has happened is written all the same.
	err := j.put(context.WithoutCancel(ctx), j.tasks.backend.Update, e)
	switch {
	case err == nil:
		j.tasks.tell(j.record, true)
	case j.fault == nil:
		j.broken = err
		return fmt.Errorf("write the journal: %w", err)
	}
	return err
}

// Ask implements [mcpengine.Journal].
func (j *journal) Ask(name string, question mcp.InputRequest) (json.RawMessage, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fault != nil {
		return nil, j.fault
	}
	if e := j.find(kindAnswer, name); e != nil {
		return e.Value, nil
	}
	if len(j.questions) == maxQuestions {
		return nil, j.failf("more than %d questions wait for answers", maxQuestions)
	}
	q := Question{Name: name, Request: question}
	for _, open := range j.record.Questions {
		if open.Name == name {
			q.Key = open.Key // the client has seen it
		}
	}
	j.questions = append(j.questions, q)
	return nil, errSuspended
}

// Suspended implements [mcpengine.Journal].
func (j *journal) Suspended() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.questions) > 0 || !j.wake.IsZero()
}

// Progress implements [mcpengine.Journal]: it becomes the task's message.
func (j *journal) Progress(ctx context.Context, progress, total float64, message string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.progress = &Progress{progress, total, message}
	if time.Since(j.written) < progressEvery {
		return
	}
	if s := j.running; s != nil {
		s.mu.Lock() // until the progress is written, the step begins no transaction
		defer s.mu.Unlock()
		if s.tx != nil {
			return // it may keep others from writing
		}
	}
	if err := j.save(ctx, func(*Record) error { return nil }); err != nil {
		j.tasks.logger.DebugContext(ctx, "progress of a task was not written", "task", j.id, "error", err)
	}
}

// putProgress puts the progress into a record that is written.
func (j *journal) putProgress(r *Record) {
	if j.progress == nil {
		return
	}
	r.Progress, r.Message = j.progress, j.progress.text()
	j.written = time.Now()
}

func (p *Progress) text() string {
	switch {
	case p.Message != "":
		return p.Message
	case p.Total > 0:
		return fmt.Sprintf("%g of %g", p.Progress, p.Total)
	}
	return fmt.Sprintf("%g", p.Progress)
}

// Log implements [mcpengine.Journal]. Nobody listens to a task (tasks, "Task
// Status Notifications"), so that the message goes to the server's log.
func (j *journal) Log(ctx context.Context, level mcp.LoggingLevel, logger string, data any) {
	levels := map[mcp.LoggingLevel]slog.Level{
		mcp.LoggingLevelDebug: slog.LevelDebug, mcp.LoggingLevelInfo: slog.LevelInfo,
		mcp.LoggingLevelNotice: slog.LevelInfo, mcp.LoggingLevelWarning: slog.LevelWarn,
	}
	l, ok := levels[level]
	if !ok {
		l = slog.LevelError
	}
	j.tasks.logger.Log(ctx, l, "a task logs", "task", j.id, "logger", logger, "data", data)
}
