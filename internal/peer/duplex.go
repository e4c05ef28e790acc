package peer

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// queued is how many messages may wait for a call, or for the owner of the
// connection, before reading stops.
const queued = 64

// A duplex is a link over one channel in each direction, which all calls share:
// a command's standard streams, or HTTP+SSE.
type duplex struct {
	config *Config
	write  func(ctx context.Context, message []byte) error
	asked  *asked

	mu      sync.Mutex
	flights map[int64]*waiting
	err     error // why the link broke

	unrelated chan jsonrpc.Notification // for the owner of the connection
	once      sync.Once
	broken    chan struct{}

	delivering    background // of what is unrelated
	cancellations background
}

// A waiting is a call that waits for messages.
type waiting struct {
	*flight
	messages chan *jsonrpc.Message
	left     chan struct{} // closed when the call does not wait any more
}

func newDuplex(config *Config, write func(context.Context, []byte) error) *duplex {
	d := &duplex{
		config: config, write: write,
		flights: make(map[int64]*waiting), unrelated: make(chan jsonrpc.Notification, queued), broken: make(chan struct{}),
	}
	d.asked = newAsked(config.OnRequest, write)
	if config.OnNotification != nil {
		d.delivering.run(d.hand)
	}
	return d
}

// hand hands what belongs to no call to the owner of the connection.
func (d *duplex) hand() {
	for {
		select {
		case n := <-d.unrelated:
			d.config.OnNotification(n)
		case <-d.broken:
			return
		}
	}
}

// fail breaks the link.
func (d *duplex) fail(err error) {
	d.once.Do(func() {
		d.mu.Lock()
		d.err = err
		d.mu.Unlock()
		close(d.broken)
	})
}

func (d *duplex) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *duplex) quiet() time.Duration { return d.asked.quiet() }

func (d *duplex) done() <-chan struct{} { return d.broken }

// end breaks the link and waits for what it started, but not for reading.
func (d *duplex) end() {
	d.cancellations.close() // while they can be sent
	d.fail(ErrClosed)
	d.asked.close()
	d.delivering.close()
}

func (d *duplex) send(ctx context.Context, message []byte) error { return d.write(ctx, message) }

func (d *duplex) call(ctx context.Context, f *flight) ([]byte, error) {
	w := &waiting{flight: f, messages: make(chan *jsonrpc.Message, queued), left: make(chan struct{})}
	d.mu.Lock()
	d.flights[f.id] = w
	d.mu.Unlock()
	defer func() {
		d.remove(w)
		close(w.left)
	}()
	if err := d.write(ctx, f.message); err != nil {
		d.abandon(ctx, f)
		return nil, err
	}
	for {
		select {
		case m := <-w.messages:
			if m.IsResponse() {
				return outcome(m)
			}
			f.notify(m)
		case <-ctx.Done():
			d.abandon(ctx, f)
			return nil, context.Cause(ctx)
		case <-d.broken:
			return d.last(w)
		}
	}
}

// remove ends the time that messages are for the call, if there is one.
func (d *duplex) remove(w *waiting) {
	if w == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.flights, w.id)
}

// last returns an answer that arrived before the link broke.
func (d *duplex) last(w *waiting) ([]byte, error) {
	for {
		select {
		case m := <-w.messages:
			if m.IsResponse() {
				return outcome(m)
			}
			w.notify(m)
		default:
			return nil, d.failure()
		}
	}
}

// abandon tells the server that nobody waits for the request any more, if that
// is why the call ended. Initialize must not be cancelled.
func (d *duplex) abandon(ctx context.Context, f *flight) {
	if ctx.Err() != nil && f.Method != protocol.MethodInitialize {
		d.cancellations.run(func() { d.cancelRemote(f.idText) })
	}
}

func (d *duplex) cancelRemote(id []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), d.config.CloseTimeout)
	defer cancel()
	_ = d.write(ctx, cancelled(id)) // the answer is dropped in any case
}

// receive handles a message, or a batch, from the server. What is no message of
// the protocol is passed over: programs write all kinds of things to their
// standard output.
func (d *duplex) receive(data []byte) {
	m := new(jsonrpc.Message)
	if err := m.Parse(data); err != nil {
		if errors.Is(err, jsonrpc.ErrIsBatch) {
			d.receiveBatch(data)
		}
		return
	}
	switch {
	case m.IsResponse():
		w := d.byID(m.ID)
		d.remove(w) // what follows the response does not belong to the call
		d.deliver(w, m)
	case m.ID != nil:
		d.asked.serve(m, d.onRequest())
	case d.asked.cancelled(m):
	default:
		if w := d.related(m); w != nil {
			d.deliver(w, m)
			return
		}
		d.handOn(m)
	}
}

func (d *duplex) receiveBatch(data []byte) {
	batch, err := jsonrpc.SplitBatch(data)
	if err != nil {
		return
	}
	for _, one := range batch {
		if len(one) > 0 && one[0] == '{' {
			d.receive(one)
		}
	}
}

// deliver hands a message to a call, and waits until it takes it or leaves.
func (d *duplex) deliver(w *waiting, m *jsonrpc.Message) {
	if w == nil {
		return // the call has been cancelled
	}
	select {
	case w.messages <- m:
	case <-w.left:
	case <-d.broken:
	}
}

func (d *duplex) handOn(m *jsonrpc.Message) {
	if d.config.OnNotification == nil {
		return
	}
	select {
	case d.unrelated <- notification(m):
	case <-d.broken:
	}
}

// byID returns the call with the id, as JSON.
func (d *duplex) byID(raw []byte) *waiting {
	id, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.flights[id]
}

// related returns the call that a notification belongs to: by its progress
// token, which is the id of the request, or by its subscription. A log message
// does not say; it is taken for one of the only call under way, so that it comes
// before the response.
func (d *duplex) related(m *jsonrpc.Message) *waiting {
	if m.Method == "notifications/message" {
		if w := d.only(); w != nil && w.OnNotification != nil {
			return w
		}
		return nil
	}
	params, err := jsonrpc.ParseObject(m.Params)
	if err != nil {
		return nil
	}
	if m.Method == "notifications/progress" {
		return d.byID(params.Get("progressToken"))
	}
	meta, _ := jsonrpc.ParseObject(params.Get("_meta"))
	return d.byID(meta.Get(mcp.MetaSubscriptionID))
}

// onRequest returns who answers a request of the server: the only call under way
// that answers any.
func (d *duplex) onRequest() RequestFunc {
	if w := d.only(); w != nil {
		return w.OnRequest
	}
	return nil
}

// only returns the call under way, if there is no other.
func (d *duplex) only() *waiting {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.flights) != 1 {
		return nil
	}
	for _, w := range d.flights {
		return w
	}
	return nil
}
