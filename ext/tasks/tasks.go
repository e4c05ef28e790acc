package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine"
)

// ID names the extension.
const ID = "io.modelcontextprotocol/tasks"

// A Tasks serves the tasks of one engine.
type Tasks struct {
	backend     Backend
	logger      *slog.Logger
	concurrency int
	lease       time.Duration
	maxQueue    int
	public      bool
	observers   []Observer
	queue       queue
	asker       asker

	engine *mcpengine.Engine
	stop   context.CancelFunc
	served chan struct{} // closed when Serve has returned

	mu      sync.Mutex
	added   bool                // the tools for clients that know no tasks
	watched map[string]*watched // by the ids of tasks
	slots   map[string]slots    // of the tools that have a bound
}

// An Option adjusts [Extension].
type Option interface{ applyToTasks(*Tasks) }

type option func(*Tasks)

func (o option) applyToTasks(t *Tasks) { o(t) }

// WithLogger sets the log of tasks. The default writes warnings to standard
// error.
func WithLogger(logger *slog.Logger) Option {
	return option(func(t *Tasks) { t.logger = logger })
}

// WithConcurrency sets how many tasks this process runs at once. The default is
// 32. A task that waits for answers, or sleeps, does not run.
func WithConcurrency(n int) Option {
	return option(func(t *Tasks) { t.concurrency = n })
}

// WithLease sets how long a run counts as alive without a sign of life. The
// default is 15 seconds: a task whose process has died goes on after that time,
// as soon as the backend hands it out again.
func WithLease(d time.Duration) Option {
	return option(func(t *Tasks) { t.lease = d })
}

// WithPublic opens the methods and tools of tasks to callers that are not verified,
// for an engine whose durable tools are public. Such callers need nothing but the
// id of a task, which cannot be guessed. By default the methods and tools need a
// verified caller wherever the engine has a resource to protect.
func WithPublic() Option { return option(func(t *Tasks) { t.public = true }) }

func newTasks(b Backend, opts []Option) *Tasks {
	t := &Tasks{
		backend:     b,
		logger:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		concurrency: 32,
		lease:       15 * time.Second,
		maxQueue:    maxQueue,
		asker:       asker{told: make(map[string]bool), asking: make(map[string]int)},
		slots:       make(map[string]slots),
		watched:     make(map[string]*watched),
	}
	for _, opt := range opts {
		opt.applyToTasks(t)
	}
	if t.concurrency < 1 || t.lease < 10*time.Millisecond || t.maxQueue < 1 {
		panic(fmt.Sprintf("tasks: concurrency %d, lease %v, queue %d: all must be positive", t.concurrency, t.lease, t.maxQueue))
	}
	return t
}

// start runs tasks until the engine closes.
func (t *Tasks) start(_ context.Context, e *mcpengine.Engine) error {
	t.engine = e
	if w, ok := t.backend.(interface{ warn(*slog.Logger) }); ok {
		w.warn(t.logger)
	}
	ctx, stop := context.WithCancel(context.Background())
	t.stop, t.served = stop, make(chan struct{})
	unobserved := t.observeStart(t.count)
	go func() {
		defer close(t.served)
		defer unobserved()
		if err := t.backend.Serve(ctx, Worker{Run: t.run, Changed: t.changed, Concurrency: t.concurrency}); err != nil {
			t.logger.Error("tasks are not run any more", "error", err)
		}
	}()
	if _, ok := t.backend.(EventRunner); !ok {
		go t.sweep(ctx)
	}
	return nil
}

// shutdown ends the runs under way and waits for them.
func (t *Tasks) shutdown(ctx context.Context) error {
	if t.stop == nil {
		return nil
	}
	t.stop()
	select {
	case <-t.served:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop tasks: %w", context.Cause(ctx))
	}
}

// sweepEvery is how often tasks are looked for whose time is over.
const (
	sweepEvery = time.Minute
	sweepBatch = 100
)

// sweep ends tasks that have taken too long, and deletes those that have ended
// long ago.
func (t *Tasks) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		if err := t.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			t.logger.ErrorContext(ctx, "old tasks were not removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (t *Tasks) sweepOnce(ctx context.Context) error {
	for {
		ids, err := t.backend.Expired(ctx, time.Now(), sweepBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := t.expire(ctx, id); err != nil {
				return err
			}
		}
		if len(ids) < sweepBatch {
			return nil
		}
	}
}

// expire ends a task whose time is over, or deletes one that has ended.
func (t *Tasks) expire(ctx context.Context, id string) error {
	r, err := t.update(ctx, id, func(r *Record) error {
		now := time.Now()
		if now.Before(r.Expires) || r.Status.Ended() {
			return ErrUnchanged
		}
		r.expire(now)
		return nil
	})
	switch {
	case err != nil:
		return ignoreMissing(err)
	case r.Status.Ended() && !time.Now().Before(r.Expires):
		return t.backend.Delete(ctx, id)
	}
	return nil
}
