package tasks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// maxTasks bounds the tasks that are kept in memory.
const maxTasks = 10_000

var errFull = fmt.Errorf("there are %d tasks, and no room for more", maxTasks)

// Memory returns a backend that keeps tasks in the memory of this process, for
// development, tests, and tasks that may be lost: a restart loses them all, which
// is logged at the start. It holds 10,000 tasks.
func Memory() Backend {
	return &memory{
		records: make(map[string][]byte), open: make(map[string]openTask),
		timers: make(map[string]*time.Timer), wake: make(chan struct{}, 1),
	}
}

// A memory keeps records as their JSON, so that nobody shares one.
type memory struct {
	mu      sync.Mutex
	records map[string][]byte
	open    map[string]openTask // the tasks that have not ended, for counting
	timers  map[string]*time.Timer
	waiting []string      // ids of tasks that are due
	wake    chan struct{} // has room for one value: a task is due
	worker  Worker
}

// An openTask is what is counted of a task.
type openTask struct {
	owner      string
	status     Status
	due, lease time.Time
}

func (m *memory) Create(_ context.Context, r *Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.records) >= maxTasks {
		return errFull
	}
	return m.write(r, time.Time{})
}

// write writes the record and schedules its run, if its time is another than
// before.
func (m *memory) write(r *Record, before time.Time) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode a task: %w", err)
	}
	m.records[r.ID] = text
	m.open[r.ID] = openTask{r.Owner, r.Status, r.Due, r.Lease}
	if r.Status.Ended() {
		delete(m.open, r.ID)
	}
	if !r.Due.Equal(before) {
		m.schedule(r.ID, r.Due)
	}
	return nil
}

// schedule puts off the run of a task. A zero time means that it does not run.
func (m *memory) schedule(id string, due time.Time) {
	if timer := m.timers[id]; timer != nil {
		timer.Stop()
		delete(m.timers, id)
	}
	if due.IsZero() {
		return
	}
	m.timers[id] = time.AfterFunc(time.Until(due), func() {
		m.mu.Lock()
		delete(m.timers, id)
		m.waiting = append(m.waiting, id)
		m.mu.Unlock()
		select {
		case m.wake <- struct{}{}:
		default:
		}
	})
}

func (m *memory) Get(_ context.Context, id string) (*Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read(id)
}

func (m *memory) read(id string) (*Record, error) {
	text, ok := m.records[id]
	if !ok {
		return nil, ErrNotFound
	}
	r := new(Record)
	return r, json.Unmarshal(text, r)
}

func (m *memory) Update(_ context.Context, id string, change func(*Record) error) (*Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.read(id)
	if err != nil {
		return nil, err
	}
	before := r.Due
	if err := change(r); errors.Is(err, ErrUnchanged) {
		return r, nil
	} else if err != nil {
		return nil, err
	}
	return r, m.write(r, before)
}

func (m *memory) Delete(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, id)
	delete(m.open, id)
	m.schedule(id, time.Time{})
	return nil
}

// Count implements [Counter].
func (m *memory) Count(context.Context) (Counts, error) {
	return m.countOpen(func(openTask) bool { return true }), nil
}

// CountBusy implements [Counter].
func (m *memory) CountBusy(_ context.Context, owner string) (int, error) {
	own := m.countOpen(func(task openTask) bool { return task.owner == owner })
	return own.Waiting + own.Running, nil
}

func (m *memory) countOpen(matches func(openTask) bool) (c Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, task := range m.open {
		if matches(task) {
			c.Add(task.status, task.due, task.lease, now)
		}
	}
	return c
}

func (m *memory) Expired(_ context.Context, now time.Time, limit int) ([]string, error) {
	records, err := m.all(func(r *Record) bool { return !now.Before(r.Expires) })
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range records[:min(limit, len(records))] {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

func (m *memory) List(_ context.Context, owner, after string, limit int) ([]*Record, error) {
	records, err := m.all(func(r *Record) bool { return r.Owner == owner && r.ID > after })
	if err != nil {
		return nil, err
	}
	return records[:min(limit, len(records))], nil
}

// all returns the records that match, by their ids.
func (m *memory) all(matches func(*Record) bool) (records []*Record, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.records {
		r, err := m.read(id)
		if err != nil {
			return nil, err
		}
		if matches(r) {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b *Record) int { return cmp.Compare(a.ID, b.ID) })
	return records, nil
}

func (m *memory) Serve(ctx context.Context, w Worker) error {
	if err := m.resume(w); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, w.Concurrency)
	for {
		select {
		case <-ctx.Done():
			return nil
		case slots <- struct{}{}:
		}
		id, ok := m.next(ctx)
		if !ok {
			return nil
		}
		running.Go(func() {
			defer func() { <-slots }()
			m.run(ctx, id)
		})
	}
}

// resume schedules what an earlier Serve has left.
func (m *memory) resume(w Worker) error {
	unfinished, err := m.all(func(r *Record) bool { return !r.Due.IsZero() })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.worker = w
	for _, r := range unfinished {
		m.schedule(r.ID, r.Due)
	}
	return err
}

// next waits for a task that is due.
func (m *memory) next(ctx context.Context) (id string, ok bool) {
	for {
		m.mu.Lock()
		if len(m.waiting) > 0 {
			id, m.waiting = m.waiting[0], m.waiting[1:]
			m.mu.Unlock()
			return id, true
		}
		m.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", false
		case <-m.wake:
		}
	}
}

// retryAfter is when a run that a fault has ended is repeated.
const retryAfter = time.Second

func (m *memory) run(ctx context.Context, id string) {
	again, err := m.worker.Run(ctx, id)
	if err != nil && again.IsZero() {
		again = time.Now().Add(retryAfter)
	}
	if again.IsZero() || ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[id] != nil && m.timers[id] == nil {
		m.schedule(id, again)
	}
}

// warn says what the backend cannot do.
func (m *memory) warn(logger *slog.Logger) {
	logger.Warn("tasks are kept in memory: a restart loses those that have not ended, and other replicas do not know them")
}
