package tasks

import (
	"context"
	"time"
)

// A watcher waits for changes of one task.
type watcher struct {
	tasks *Tasks
	id    string
	run   bool // the task's own run, which needs no news of itself

	// changes has room for one value: the newest record, or nil for a change of
	// another process, whose record has to be read.
	changes chan *Record
	newest  int64 // revision of the newest record
}

// A watched is a task that somebody waits for.
type watched struct {
	watchers map[*watcher]bool
	stop     func() // ends the watch of the backend
}

// watch returns a watcher of the task, which has to be stopped.
func (t *Tasks) watch(id string) *watcher { return t.addWatcher(&watcher{id: id}) }

func (t *Tasks) addWatcher(w *watcher) *watcher {
	w.tasks, w.changes = t, make(chan *Record, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	task := t.watched[w.id]
	if task == nil {
		task = &watched{make(map[*watcher]bool), t.watchBackend(w.id)}
		t.watched[w.id] = task
	}
	task.watchers[w] = true
	return w
}

func (w *watcher) stop() {
	t := w.tasks
	t.mu.Lock()
	task := t.watched[w.id]
	delete(task.watchers, w)
	last := len(task.watchers) == 0
	if last {
		delete(t.watched, w.id)
	}
	t.mu.Unlock()
	if last {
		task.stop()
	}
}

// watchBackend has a backend that needs it watch the task.
func (t *Tasks) watchBackend(id string) (stop func()) {
	b, ok := t.backend.(Watcher)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Watch(ctx, id)
	}()
	return func() {
		cancel()
		<-done
	}
}

// put hands over a record, if it is news. The lock of the tasks is held.
func (w *watcher) put(r *Record) {
	if r != nil {
		if r.Revision <= w.newest {
			return // another change was faster
		}
		w.newest = r.Revision
	}
	select {
	case <-w.changes:
	default:
	}
	w.changes <- r
}

// changed hears of a change that another process has made. It is [Worker.Changed].
// Subscriptions ask for the state themselves, and with the bus of the engine they
// do so on every replica.
func (t *Tasks) changed(id string) {
	if id != "" {
		t.engine.Changed(listenField, id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for watchedID, task := range t.watched {
		if id != "" && id != watchedID {
			continue
		}
		for w := range task.watchers {
			w.put(nil)
		}
	}
}

// tell tells of a record that this process has written. A record does not change
// once it is written.
func (t *Tasks) tell(r *Record, byRun bool) {
	if r.Status.Ended() {
		t.observeEnd(r)
	}
	if t.engine != nil {
		t.engine.Changed(listenField, r.ID)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	task := t.watched[r.ID]
	if task == nil {
		return
	}
	for w := range task.watchers {
		if !byRun || !w.run {
			w.put(r)
		}
	}
}

// update changes a record and tells of the change.
func (t *Tasks) update(ctx context.Context, id string, change func(*Record) error) (*Record, error) {
	written := false
	r, err := t.backend.Update(ctx, id, func(r *Record) error {
		err := change(r)
		if written = err == nil; written {
			r.touch(time.Now())
		}
		return err
	})
	if err == nil && written {
		t.tell(r, false)
	}
	return r, err
}

// lookEvery is how often a record is read while somebody waits for it, in case
// that a change was not heard of.
const lookEvery = 2 * time.Second

// await returns the record as soon as it is enough for the caller, or when ctx
// ends, as it is then. Enough is called with every state on the way.
func (t *Tasks) await(ctx context.Context, id string, enough func(*Record) bool) (*Record, error) {
	w := t.watch(id)
	defer w.stop()
	return w.await(ctx, nil, enough)
}

// await is [Tasks.await] for a record that is known, or nil.
func (w *watcher) await(ctx context.Context, known *Record, enough func(*Record) bool) (*Record, error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if known == nil {
			r, err := w.tasks.backend.Get(context.WithoutCancel(ctx), w.id)
			if err != nil {
				return nil, err
			}
			known = r
		}
		if enough(known) || ctx.Err() != nil {
			return known, nil
		}
		select {
		case known = <-w.changes:
		case <-look.C:
			known = nil
		case <-ctx.Done():
			known = nil // it may have ended a moment ago
		}
	}
}
