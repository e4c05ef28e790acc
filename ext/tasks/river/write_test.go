package river_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/ext/tasks"
	"github.com/mcpengine/mcpengine/ext/tasks/river"
)

func openBackend(t *testing.T, address string) *river.Backend {
	t.Helper()
	b, err := river.Open(t.Context(), address, river.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func record(id string) *tasks.Record {
	return &tasks.Record{ID: id, Status: tasks.Working, Expires: time.Now().Add(time.Hour)}
}

// addOne counts in a record.
func addOne(r *tasks.Record) error {
	r.Keys++
	return nil
}

// Writes of many callers share transactions, and none is lost.
func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	const callers, changes = 32, 8
	onEach(t, func(t *testing.T, address string) {
		one, two := openBackend(t, address), openBackend(t, address)
		var running sync.WaitGroup
		for i := range callers {
			own := fmt.Sprintf("own-%d", i)
			if err := one.Create(t.Context(), record(own)); err != nil {
				t.Fatal(err)
			}
		}
		if err := one.Create(t.Context(), record("shared")); err != nil {
			t.Fatal(err)
		}
		for i := range callers {
			running.Go(func() {
				b := one
				if i%2 == 1 {
					b = two // another process
				}
				for range changes {
					for _, id := range []string{"shared", fmt.Sprintf("own-%d", i)} {
						if _, err := b.Update(t.Context(), id, addOne); err != nil {
							t.Errorf("Update(%s): %v", id, err)
						}
					}
				}
			})
		}
		running.Wait()
		for i := range callers {
			wantKeys(t, one, fmt.Sprintf("own-%d", i), changes)
		}
		wantKeys(t, one, "shared", callers*changes)
	})
}

func wantKeys(t *testing.T, b *river.Backend, id string, want int) {
	t.Helper()
	r, err := b.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if r.Keys != want {
		t.Errorf("%s was changed %d times, want %d", id, r.Keys, want)
	}
}

// A write that fails fails alone, whatever shares its transaction: a record that
// exists, a record that does not, a change that returns an error or panics.
func TestWriteFailsAlone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, address string) {
		b := openBackend(t, address)
		if err := b.Create(t.Context(), record("there")); err != nil {
			t.Fatal(err)
		}
		refused := errors.New("refused")
		first, inFirst := make(chan struct{}), make(chan struct{})
		var running sync.WaitGroup
		running.Go(func() { // the others wait for this one, and share what follows
			_, _ = b.Update(t.Context(), "there", func(*tasks.Record) error {
				close(inFirst)
				<-first
				return tasks.ErrUnchanged
			})
		})
		<-inFirst
		writes := []struct {
			name string
			do   func() error
			want error
			any  bool // the error may be any
		}{
			{"create", func() error { return b.Create(t.Context(), record("new")) }, nil, false},
			{"create again", func() error { return b.Create(t.Context(), record("there")) }, nil, true},
			{"update nothing", func() error { return update(t, b, "missing", addOne) }, tasks.ErrNotFound, false},
			{"refuse", func() error { return update(t, b, "there", func(*tasks.Record) error { return refused }) }, refused, false},
			{"delete", func() error { return b.Delete(t.Context(), "missing") }, nil, false},
		}
		for _, w := range writes {
			running.Go(func() {
				if err := w.do(); w.any != (err != nil) && !errors.Is(err, w.want) {
					t.Errorf("%s: %v, want %v", w.name, err, w.want)
				}
			})
		}
		close(first)
		running.Wait()
		panics(t, func() { _ = update(t, b, "there", func(*tasks.Record) error { panic("of the change") }) })
		if err := update(t, b, "there", addOne); err != nil {
			t.Fatal(err)
		}
		wantKeys(t, b, "there", 1)
		wantKeys(t, b, "new", 0)
	})
}

func update(t *testing.T, b *river.Backend, id string, change func(*tasks.Record) error) error {
	t.Helper()
	_, err := b.Update(t.Context(), id, change)
	return err
}

func panics(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("the panic did not reach the caller")
		}
	}()
	f()
}

// A caller that waits for its turn leaves when its context ends, and its write is
// not done.
func TestWriteWithdrawn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, address string) {
		b := openBackend(t, address)
		if err := b.Create(t.Context(), record("there")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var waited sync.WaitGroup
		err := update(t, b, "there", func(*tasks.Record) error {
			waited.Go(func() {
				if _, err := b.Update(ctx, "there", addOne); !errors.Is(err, context.Canceled) {
					t.Errorf("Update: %v, want %v", err, context.Canceled)
				}
			})
			cancel()
			waited.Wait()
			return tasks.ErrUnchanged
		})
		if err != nil {
			t.Fatal(err)
		}
		wantKeys(t, b, "there", 0)
	})
}

// Tasks are counted by what they wait for.
func TestCount(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, address string) {
		b := openBackend(t, address)
		now := time.Now()
		for id, set := range map[string]func(r *tasks.Record){
			"waits":   func(r *tasks.Record) { r.Due = now.Add(-time.Minute) },
			"runs":    func(r *tasks.Record) { r.Due, r.Lease = now.Add(-time.Hour), now.Add(time.Minute) },
			"orphan":  func(r *tasks.Record) { r.Due, r.Lease = now.Add(-time.Second), now.Add(-time.Millisecond) },
			"sleeps":  func(r *tasks.Record) { r.Due = now.Add(time.Hour) },
			"asks":    func(r *tasks.Record) { r.Status = tasks.InputRequired },
			"ended":   func(r *tasks.Record) { r.Status = tasks.Completed },
			"another": func(r *tasks.Record) { r.Owner, r.Due = "other", now },
		} {
			r := record(id)
			r.Owner = "owner"
			set(r)
			if err := b.Create(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		got, err := b.Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Oldest < time.Minute || got.Oldest > 2*time.Minute {
			t.Errorf("the oldest waits for %v", got.Oldest)
		}
		got.Oldest = 0
		if want := (tasks.Counts{Waiting: 3, Running: 1, Sleeping: 1, InputRequired: 1}); got != want {
			t.Errorf("Count() = %+v, want %+v", got, want)
		}
		if n, err := b.CountBusy(t.Context(), "owner"); n != 3 || err != nil {
			t.Errorf("CountBusy() = %d, %v, want 3", n, err)
		}
	})
}
