package replicas

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/internal/seal"
)

const (
	// publishTime bounds one call of Publish.
	publishTime = 5 * time.Second

	// minPause and maxPause are the pauses between attempts to connect.
	minPause = 50 * time.Millisecond
	maxPause = 5 * time.Second
)

// errEnded is for a bus whose Subscribe ends without a reason.
var errEnded = errors.New("the subscription has ended")

// A Link is the connection of one engine to the other replicas.
type Link struct {
	bus    bus.Bus
	keys   *seal.Ring
	logger *slog.Logger
	self   string // the name of this replica, new in each process

	handlers map[Kind]func(fields [][]byte) // complete before Start
	returned []func()                       // called after each connection but the first

	started atomic.Bool
	changes changes
	outbox  outbox

	ignored atomic.Uint64
	noted   sync.Map // reasons for which a message was ignored and that were logged

	mu    sync.Mutex
	state bus.State
	stop  context.CancelFunc // nil before Start
	done  sync.WaitGroup
}

// New returns a link over b. Its messages are sealed with keys, which belong to
// one server.
func New(b bus.Bus, keys *seal.Ring, logger *slog.Logger) *Link {
	l := &Link{bus: b, keys: keys, logger: logger, self: rand.Text(), handlers: make(map[Kind]func([][]byte))}
	l.handlers[kindHello] = func([][]byte) { l.outbox.resend() }
	l.changes.wake, l.outbox.wake = make(chan struct{}, 1), make(chan struct{}, 1)
	return l
}

// Handle sets the function that takes the messages of a kind from other
// replicas, one at a time. It must not wait for anything, and must not keep the
// fields. Call it before Start.
func (l *Link) Handle(k Kind, f func(fields [][]byte)) { l.handlers[k] = f }

// OnReturn adds a function that is called when messages may have been missed.
// Call it before Start.
func (l *Link) OnReturn(f func()) { l.returned = append(l.returned, f) }

// Start connects, and keeps connected until Close. It does nothing when it has
// been called before.
func (l *Link) Start(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop != nil {
		return
	}
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.started.Store(true)
	l.done.Go(func() { l.connect(ctx) })
	l.done.Go(func() { l.publishChanges(ctx) })
	l.done.Go(func() { l.deliverOutbox(ctx) })
}

// Close ends the connection and waits for its goroutines. What has changed is
// published before.
func (l *Link) Close() {
	l.mu.Lock()
	stop := l.stop
	if stop == nil {
		l.stop = func() {} // Start does nothing any more
	}
	l.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	l.done.Wait()
}

// Name returns the name of this replica, which no other one has.
func (l *Link) Name() string { return l.self }

// State says whether the link is connected.
func (l *Link) State() bus.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	state := l.state
	state.Ignored = l.ignored.Load()
	return state
}

// connect receives messages, and connects again when the connection is lost.
func (l *Link) connect(ctx context.Context) {
	pause := minPause
	for {
		connected := false
		err := l.bus.Subscribe(ctx, func() {
			connected = true
			l.connected(ctx)
		}, l.receive)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errEnded
		}
		l.lost(err)
		if connected {
			pause = minPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = min(2*pause, maxPause)
	}
}

// connected notes that no further message is missed. The other replicas are
// told, because they may have messages that this one has missed.
func (l *Link) connected(ctx context.Context) {
	l.mu.Lock()
	before := l.state
	l.state = bus.State{Connected: true, Since: time.Now()}
	l.mu.Unlock()
	if before.Since.IsZero() {
		l.logger.InfoContext(ctx, "the bus to other replicas is connected")
	} else {
		l.logger.WarnContext(ctx, "the bus to other replicas is back: everything counts as changed", "lost for", time.Since(before.Since).Round(time.Millisecond))
		for _, f := range l.returned {
			f()
		}
	}
	l.outbox.greet()
}

func (l *Link) lost(err error) {
	l.mu.Lock()
	first := l.state.Connected || l.state.Since.IsZero()
	if first {
		l.state = bus.State{Since: time.Now()}
	}
	l.state.Err = err
	l.mu.Unlock()
	if first {
		l.logger.Warn("the bus to other replicas is lost: clients are not told of changes on other replicas until it is back", "error", err)
	}
}

// receive opens a message and hands it out.
func (l *Link) receive(sealed []byte) {
	m, err := open(sealed, l.keys, time.Now())
	if err != nil {
		l.ignored.Add(1)
		if _, known := l.noted.LoadOrStore(err, true); !known {
			l.logger.Warn("ignore a message on the bus: "+err.Error()+"; further ones are only counted", "bytes", len(sealed))
		}
		return
	}
	if m.from == l.self {
		return
	}
	// A later release of the same format may have further kinds.
	if handle := l.handlers[m.kind]; handle != nil {
		handle(m.fields)
	}
}

// Send publishes a message now, and tells whether it has been sent. The receivers
// may still miss it.
func (l *Link) Send(ctx context.Context, k Kind, fields ...[]byte) error {
	return l.publish(ctx, message{from: l.self, sent: time.Now(), kind: k, fields: fields})
}

func (l *Link) publish(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	return l.bus.Publish(ctx, m.sealed(l.keys))
}
