package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	maxQueue   = 2048            // spans that wait
	maxExport  = 512             // spans in one request
	exportTime = 5 * time.Second // that a span waits for others
)

// errFull says that spans came faster than they could be exported.
var errFull = errors.New("too many spans wait for the receiver")

// A batch collects spans and exports them.
type batch struct {
	exporter *exporter
	logger   *slog.Logger
	queue    chan *span
	ending   chan time.Duration
	ended    chan struct{}
	lost     chan error // why spans were lost that did not fit into the queue
	told     bool       // the log says that spans were lost
}

func newBatch(e *exporter, logger *slog.Logger) *batch {
	b := &batch{
		exporter: e, logger: logger, queue: make(chan *span, maxQueue),
		ending: make(chan time.Duration), ended: make(chan struct{}), lost: make(chan error, 1),
	}
	go b.run()
	return b
}

// add takes a span. It does not wait: when too many wait already, the span is lost.
func (b *batch) add(s *span) {
	select {
	case b.queue <- s:
	default:
		select {
		case b.lost <- errFull:
		default: // it is known
		}
	}
}

// stop exports what is left, and returns within the time.
func (b *batch) stop(within time.Duration) {
	b.ending <- within
	<-b.ended
}

// run exports spans until stop is called.
func (b *batch) run() {
	defer close(b.ended)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(exportTime)
	defer tick.Stop()
	var spans []*span
	exported := make(chan error, 1)
	busy := false
	export := func() {
		busy = true
		go func(part []*span) { exported <- b.exporter.export(ctx, part) }(spans)
		spans = nil
	}
	for {
		queue := b.queue
		if len(spans) == maxExport {
			queue = nil // they wait there
		}
		select {
		case s := <-queue:
			if spans = append(spans, s); len(spans) == maxExport && !busy {
				export()
			}
		case <-tick.C:
			if len(spans) > 0 && !busy {
				export()
			}
		case err := <-exported:
			busy = false
			b.tell(err)
			if len(spans) == maxExport {
				export()
			}
		case err := <-b.lost:
			b.tell(err)
		case within := <-b.ending:
			defer time.AfterFunc(within, cancel).Stop()
			if busy {
				b.tell(<-exported)
			}
			b.last(ctx, spans)
			return
		}
	}
}

// last exports what is left.
func (b *batch) last(ctx context.Context, spans []*span) {
	for range len(b.queue) {
		spans = append(spans, <-b.queue)
	}
	for len(spans) > 0 {
		n := min(len(spans), maxExport)
		b.tell(b.exporter.export(ctx, spans[:n]))
		spans = spans[n:]
	}
}

// tell logs why spans were lost: once as a warning.
func (b *batch) tell(err error) {
	if err == nil {
		return
	}
	level := slog.LevelWarn
	if b.told {
		level = slog.LevelDebug
	}
	b.told = true
	b.logger.Log(context.Background(), level, "spans were lost", "error", err)
}
